// The page of a difference: the two runs, the differential flame graph, and sortable tables.
"use strict";
const change = v => (known(v) ? (v > 0 ? "+" : "") + (v * 100).toFixed(1) + " %" : "n/a");
const figures = list =>
  list.map(([name, text, key, left, style]) => ({ name, text, key, left, code: left, style }));
const panel = (columns, rows) =>
  $("div", { class: "panel" }, table(figures(columns), rows, { limit: 200 }));
const worse = d => (v => (!known(v) || Math.abs(v) < 0.01 ? "" : v > 0 ? "grew" : "shrank"))(d);
function page() {
  const run = (name, r) =>
    $(
      "div",
      { class: "card" },
      $("i", null, name),
      $("b", null, r.name || r.id),
      $("i", null, r.command || r.target),
      $(
        "i",
        null,
        new Date(r.start_unix_ns / 1e6).toISOString().slice(0, 19).replace("T", " ") + " UTC",
      ),
    );
  const parts = [
    $("h1", null, "What changed"),
    $("p", { class: "sub" }, "Two runs show what changed, not whether it is chance."),
    $("div", { class: "cards" }, run("before", DATA.before), run("after", DATA.after)),
  ];
  if (DATA.svg) {
    const holder = $("div", { class: "panel", style: "background:#fcfcfa" });
    const parsed = new DOMParser().parseFromString(DATA.svg, "image/svg+xml").documentElement;
    parsed.querySelectorAll("script").forEach(s => s.remove());
    parsed.setAttribute("width", "100%");
    parsed.removeAttribute("height");
    const search = parsed.querySelector("#search");
    if (search) search.remove();
    holder.append(document.importNode(parsed, true));
    parts.push(
      $("h2", null, "Where the time went"),
      $(
        "p",
        { class: "sub" },
        "Red took a larger share than before, blue a smaller one; rest on a box for its figures.",
      ),
      holder,
    );
    document.body.dataset.boxes = holder.querySelectorAll("g.f").length;
  }
  const ns = (name, key) =>
    [
      ["before", "after"].map(w => [
        name + " " + w,
        r => (r[w] ? quantity(r[w][key] / 1e9, "seconds") : "n/a"),
        r => (r[w] ? r[w][key] : NaN),
      ]),
    ][0];
  if (DATA.functions.length)
    parts.push(
      $("h2", null, "Functions"),
      panel(
        [
          ["function", r => r.function, r => r.function, true],
          ["module", r => r.module, r => r.module, true],
          ["share before", r => quantity(r.share_before, "ratio"), r => r.share_before],
          ["share after", r => quantity(r.share_after, "ratio"), r => r.share_after],
          [
            "change",
            r => (r.share_delta > 0 ? "+" : "") + (r.share_delta * 100).toFixed(2) + " pt",
            r => r.share_delta,
            false,
            r => worse(r.share_delta),
          ],
        ],
        DATA.functions,
      ),
    );
  parts.push(
    $("h2", null, "Metrics"),
    $("p", { class: "sub" }, "Means of gauges, totals of counters."),
    panel(
      [
        ["metric", r => r.name, r => r.name, true],
        ["of", r => r.subject, r => r.subject, true],
        ["before", r => quantity(r.before, r.unit), r => r.before],
        ["after", r => quantity(r.after, r.unit), r => r.after],
        [
          "change",
          r => change(r.relative),
          r => r.relative,
          false,
          r =>
            r.direction === "none"
              ? ""
              : worse(r.direction === "higher" ? -r.relative : r.relative),
        ],
      ],
      DATA.metrics.filter(r => known(r.before) || known(r.after)),
    ),
  );
  if (DATA.zones.length)
    parts.push(
      $("h2", null, "Zones"),
      panel(
        [
          ["zone", r => r.name, r => r.name, true],
          ...ns("p50", "p50_ns"),
          ...ns("p99", "p99_ns"),
          ...ns("mean", "mean_ns"),
          [
            "count before",
            r => (r.before ? count(r.before.count) : "0"),
            r => (r.before ? r.before.count : 0),
          ],
          [
            "count after",
            r => (r.after ? count(r.after.count) : "0"),
            r => (r.after ? r.after.count : 0),
          ],
        ],
        DATA.zones,
      ),
    );
  document.querySelector("main").replaceChildren(...parts);
}
page();
document.body.dataset.ready = "yes";
