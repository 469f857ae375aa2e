// The report page: its head, its tables, and the order of its sections.
"use strict";
function histogram(zone) {
  const list = zone.buckets;
  const low = Math.log(Math.max(1, list[0][0])),
    high = Math.log(Math.max(2, list[list.length - 1][1]));
  const view = canvas(120, (g, w, h) => {
    const px = v => 8 + ((Math.log(Math.max(1, v)) - low) / (high - low || 1)) * (w - 16);
    // Neighbouring buckets share a bar of 5 pixels; a wide bucket spreads over its bars.
    const bars = new Float64Array(Math.ceil((w - 16) / 5) + 1);
    for (const [a, b, n] of list) {
      const first = Math.floor((px(a) - 8) / 5),
        last = Math.max(first, Math.ceil((px(b) - 8) / 5) - 1);
      for (let i = first; i <= last && i < bars.length; i++) bars[i] += n / (last - first + 1);
    }
    const most = bars.reduce((x, y) => Math.max(x, y), 0);
    g.fillStyle = css("--accent");
    bars.forEach((n, i) => {
      const t = n > 0 ? Math.max(1.5, (n / most) * (h - 30)) : 0;
      g.fillRect(8 + 5 * i, h - 18 - t, 4.2, t);
    });
    g.font = "11px system-ui, sans-serif";
    g.textAlign = "center";
    for (const [name, v] of [
      ["p50", zone.p50_ns],
      ["p95", zone.p95_ns],
      ["p99", zone.p99_ns],
    ]) {
      if (!known(v)) continue;
      g.strokeStyle = css("--bad");
      g.beginPath();
      g.moveTo(px(v), 10);
      g.lineTo(px(v), h - 18);
      g.stroke();
      g.fillStyle = css("--bad");
      g.fillText(name, px(v), 9);
    }
    g.fillStyle = css("--soft");
    for (let d = Math.ceil(low / Math.LN10); d <= high / Math.LN10; d++)
      g.fillText(
        seconds(Math.pow(10, d) / 1e9),
        Math.max(20, Math.min(px(Math.pow(10, d)), w - 24)),
        h - 4,
      );
  });
  setTimeout(view.draw);
  return $(
    "div",
    { class: "histogram" },
    $(
      "p",
      { class: "sub", style: "margin:6px 8px" },
      zone.name + ": how long its executions took (logarithmic)",
    ),
    view.c,
  );
}
function zoneSection() {
  if (!DATA.zones.length) return null;
  const box = $("div");
  const ns = (name, key) => ({
    name,
    text: z => seconds(known(z[key]) ? z[key] / 1e9 : NaN),
    key: z => z[key],
  });
  const columns = [
    { name: "zone", text: z => z.name, left: true, code: true },
    { name: "count", text: z => count(z.count), key: z => z.count },
    ns("total", "total_ns"),
    ns("self", "self_ns"),
    ns("mean", "mean_ns"),
    ns("p50", "p50_ns"),
    ns("p90", "p90_ns"),
    ns("p95", "p95_ns"),
    ns("p99", "p99_ns"),
    ns("p99.9", "p99_9_ns"),
    ns("max", "max_ns"),
    { name: "errors", text: z => (z.errors ? count(z.errors) : ""), key: z => z.errors },
  ];
  return $(
    "section",
    { id: "zones" },
    $("h2", null, "Zones"),
    $("p", { class: "sub" }, "Instrumented pieces of the program; click one for its distribution."),
    $(
      "div",
      { class: "panel" },
      table(columns, DATA.zones, {
        by: 2,
        click: z => {
          box.replaceChildren(
            z.buckets.length
              ? histogram(z)
              : $("p", { class: "empty" }, "No histogram was recorded for " + z.name + "."),
          );
        },
      }),
      box,
    ),
  );
}
function slowSection() {
  if (!DATA.slow_spans.length) return null;
  const columns = [
    { name: "zone", text: s => s.zone, left: true, code: true },
    { name: "took", text: s => seconds(s.duration_ns / 1e9), key: s => s.duration_ns },
    {
      name: "self",
      text: s => seconds(known(s.self_ns) ? s.self_ns / 1e9 : NaN),
      key: s => s.self_ns,
    },
    { name: "began at", text: s => seconds(s.begin_ns / 1e9), key: s => s.begin_ns },
    { name: "thread", text: s => s.tid + " " + (s.thread || ""), left: true },
    { name: "", text: s => (s.error ? "error" : ""), left: true },
  ];
  return $(
    "section",
    { id: "slow" },
    $("h2", null, "Slowest spans"),
    $("p", { class: "sub" }, "The executions of zones that took longest."),
    $("div", { class: "panel" }, table(columns, DATA.slow_spans, { by: 1, limit: 15 })),
  );
}
function threadSection() {
  if (DATA.threads.length < 2) return null;
  return $(
    "section",
    { id: "threads" },
    $("h2", null, "Processes and threads"),
    $(
      "div",
      { class: "panel" },
      table(
        [
          { name: "kind", text: t => t.kind, left: true },
          { name: "pid", text: t => String(t.pid), key: t => t.pid },
          { name: "tid", text: t => (t.kind === "thread" ? String(t.tid) : ""), key: t => t.tid },
          { name: "name", text: t => t.name || "", left: true, code: true },
          { name: "CPU", text: t => seconds(t.cpu_seconds), key: t => t.cpu_seconds },
          { name: "of profile", text: t => percent(t.share), key: t => t.share },
          {
            name: "memory peak",
            text: t => (t.kind === "process" ? bytes(t.memory_peak_bytes) : ""),
            key: t => t.memory_peak_bytes,
          },
          { name: "command", text: t => t.command || "", left: true, code: true },
        ],
        DATA.threads,
        { limit: 50 },
      ),
    ),
  );
}
function eventSection() {
  if (!DATA.events.length) return null;
  return $(
    "section",
    { id: "events" },
    $("h2", null, "Events"),
    $(
      "div",
      { class: "panel" },
      table(
        [
          { name: "at", text: e => seconds(e.t / 1e3), key: e => e.t },
          { name: "event", text: e => e.name, left: true, code: true },
          { name: "value", text: e => (known(e.value) ? count(e.value) : ""), key: e => e.value },
          { name: "text", text: e => e.text || "", left: true },
        ],
        DATA.events,
        { limit: 50 },
      ),
    ),
  );
}
function notesSection() {
  const rows = DATA.notes.map(n => [n.kind.replace("_", " "), n.subject, n.text]);
  for (const c of DATA.clocks)
    rows.push([
      "clock",
      c.name,
      `${digits(c.hertz / 1e6)} MHz, resolution ${seconds(c.resolution_ns / 1e9)}`,
    ]);
  const tableOf = list =>
    $(
      "table",
      { class: "notes" },
      $(
        "tbody",
        null,
        ...list.map(r =>
          $("tr", null, ...r.map(c => $("td", { class: "l", style: "white-space:normal" }, c))),
        ),
      ),
    );
  return $(
    "section",
    { id: "notes" },
    $("h2", null, "About this observation"),
    $(
      "p",
      { class: "sub" },
      `tacho ${DATA.run.tacho_version} itself used ${seconds(DATA.facts.overhead_seconds)} ` +
        `of CPU, ${percent(DATA.facts.overhead_ratio)} of one core.`,
    ),
    $(
      "div",
      { class: "panel" },
      rows.length ? tableOf(rows) : $("p", { class: "empty" }, "Nothing to remark."),
    ),
    $("h2", null, "Environment"),
    $("div", { class: "panel" }, tableOf(Object.entries(DATA.environment))),
  );
}
function head() {
  const r = DATA.run,
    f = DATA.facts,
    g = f.memory_growth;
  const how =
    r.exit_code !== null
      ? ["exit " + r.exit_code, r.exit_code === 0 ? "good" : "bad"]
      : r.signal !== null
        ? ["killed by signal " + r.signal, "bad"]
        : [r.finished ? "still running" : "not finished", ""];
  const growth = {
    insufficient_data: "growth: insufficient data",
    none: "no growth",
    settled: "grew, then settled",
    steady: `grows steadily, ${bytes(g.slope_bytes_per_second)}/s`,
  }[g.verdict];
  const card = (name, value, ...more) =>
    $(
      "div",
      { class: "card" },
      $("i", null, name),
      $("b", null, value),
      ...more.filter(Boolean).map(m => $("i", null, m)),
    );
  return $(
    "header",
    null,
    $("h1", null, r.command || r.target),
    $(
      "p",
      { class: "sub" },
      $("span", { class: how[1] }, how[0]),
      ` · run ${r.id}${r.name ? " “" + r.name + "”" : ""} · ` +
        new Date(r.start_unix_ns / 1e6).toISOString().replace("T", " ").slice(0, 19) +
        " UTC",
    ),
    $(
      "div",
      { class: "cards" },
      card(
        "wall",
        seconds(f.wall_seconds),
        known(f.start_loading_seconds) ? "loading " + seconds(f.start_loading_seconds) : null,
        known(f.start_first_output_seconds)
          ? "first output after " + seconds(f.start_first_output_seconds)
          : null,
      ),
      card(
        "CPU",
        seconds(known(f.cpu_user_seconds) ? f.cpu_user_seconds + f.cpu_system_seconds : NaN),
        known(f.cpu_ratio_core) ? f.cpu_ratio_core.toFixed(2) + " of one core" : null,
        `user ${seconds(f.cpu_user_seconds)}, system ${seconds(f.cpu_system_seconds)}`,
      ),
      card(
        "memory peak",
        bytes(f.memory_peak_bytes),
        f.processes > 1 ? `largest process; ${bytes(f.memory_together_peak_bytes)} together` : null,
        growth,
        known(f.page_faults_major) ? `${count(f.page_faults_major)} major faults` : null,
      ),
      card(
        "read / written",
        bytes(f.io_read_calls_bytes) + " / " + bytes(f.io_write_calls_bytes),
        `storage ${bytes(f.io_read_bytes)} / ${bytes(f.io_write_bytes)}`,
      ),
      card(
        "tacho itself",
        percent(f.overhead_ratio),
        "of one core: " + seconds(f.overhead_seconds),
      ),
    ),
  );
}

const sections = [
  head(),
  profileSection(),
  timelineSection(),
  zoneSection(),
  slowSection(),
  threadSection(),
  eventSection(),
  notesSection(),
].filter(Boolean);
document
  .querySelector("main")
  .replaceChildren(
    ...sections,
    $(
      "footer",
      null,
      `Made by tacho ${DATA.run.tacho_version}. This page is one file and needs no network.`,
    ),
  );
document.body.append(tip);
sections.forEach(s => s.start && s.start());
drawings.forEach(d => d.draw());
document.body.dataset.ready = "yes";
