// What every page needs: elements, numbers with units, tooltips, sortable tables, sharp canvases.
"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const $ = (tag, attributes, ...children) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v !== null && v !== undefined && v !== false) e.setAttribute(k, v);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
};
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// ---- numbers ----
const NA = "n/a";
const known = v => v !== null && v !== undefined && Number.isFinite(v);
function digits(v, unit) {
  const a = Math.abs(v);
  return (
    (a >= 99.95 || v === 0 ? v.toFixed(0) : a >= 9.995 ? v.toFixed(1) : v.toFixed(2)) +
    (unit ? " " + unit : "")
  );
}
function seconds(s) {
  if (!known(s)) return NA;
  const a = Math.abs(s);
  if (a >= 3600) return Math.floor(s / 3600) + " h " + Math.round((s % 3600) / 60) + " min";
  if (a >= 100) return Math.floor(s / 60) + " min " + Math.round(s % 60) + " s";
  if (a >= 1 || a === 0) return digits(s, "s");
  if (a >= 1e-3) return digits(s * 1e3, "ms");
  return a >= 1e-6 ? digits(s * 1e6, "µs") : digits(s * 1e9, "ns");
}
function bytes(v) {
  if (!known(v)) return NA;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; Math.abs(v) >= 1000 && i < 4; i++) v /= 1024;
  return digits(v, units[i]);
}
const percent = v =>
  known(v) ? (v * 100).toFixed(Math.abs(v) < 0.001 && v !== 0 ? 2 : 1) + " %" : NA;
const count = v =>
  known(v)
    ? Number.isInteger(v) || Math.abs(v) >= 1000
      ? Math.round(v).toLocaleString("en")
      : digits(v)
    : NA;
function quantity(v, unit) {
  if (!known(v)) return NA;
  switch (unit) {
    case "seconds":
      return seconds(v);
    case "nanoseconds":
      return seconds(v / 1e9);
    case "bytes":
      return bytes(v);
    case "bytes/s":
      return bytes(v) + "/s";
    case "ratio":
      return percent(v);
    case "count":
      return count(v);
    case "count/s":
      return count(v) + "/s";
    case "celsius":
      return digits(v, "°C");
    case "watts":
      return digits(v, "W");
    case "hertz":
      return v >= 1e9
        ? digits(v / 1e9, "GHz")
        : v >= 1e6
          ? digits(v / 1e6, "MHz")
          : digits(v, "Hz");
    default:
      return count(v) + " " + unit;
  }
}

// ---- tooltip ----
const tip = $("div", { id: "tip" });
function showTip(event, ...content) {
  tip.replaceChildren(...content);
  tip.style.display = "block";
  const w = tip.offsetWidth,
    h = tip.offsetHeight;
  tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - w - 8)) + "px";
  tip.style.top =
    (event.clientY + 18 + h > innerHeight ? event.clientY - h - 12 : event.clientY + 18) + "px";
}
const hideTip = () => {
  tip.style.display = "none";
};

// ---- tables ----
// columns: {name, text: row => shown, key: row => sorted by, left, code}
function table(columns, rows, options) {
  options = options || {};
  let by = options.by === undefined ? -1 : options.by,
    up = false,
    limit = options.limit || 200;
  const body = $("tbody"),
    head = $("tr");
  const redraw = () => {
    const sorted = rows.slice();
    if (by >= 0) {
      const key = columns[by].key || columns[by].text,
        empty = up ? Infinity : -Infinity;
      sorted.sort((a, b) => {
        let x = key(a),
          y = key(b);
        if (typeof x === "string" || typeof y === "string")
          return String(x).localeCompare(String(y)) * (up ? 1 : -1);
        x = known(x) ? x : empty;
        y = known(y) ? y : empty;
        return x === y ? 0 : (x < y ? -1 : 1) * (up ? 1 : -1);
      });
    }
    head.querySelectorAll("th").forEach((th, i) => {
      th.classList.toggle("sorted", i === by);
      th.classList.toggle("up", i === by && up);
    });
    body.replaceChildren(
      ...sorted.slice(0, limit).map(row => {
        const tr = $(
          "tr",
          { class: options.click ? "click" : null },
          ...columns.map(c => {
            const v = c.text(row),
              text = typeof v === "string" ? v : "";
            return $(
              "td",
              {
                class:
                  (c.left ? "l " : "") + (c.code ? "code " : "") + (c.style ? c.style(row) : ""),
                title: c.left ? text : null,
              },
              v,
            );
          }),
        );
        if (options.click) tr.addEventListener("click", () => options.click(row, tr));
        return tr;
      }),
    );
    if (sorted.length > limit)
      body.append(
        $(
          "tr",
          {
            class: "click",
            onclick: () => {
              limit *= 4;
              redraw();
            },
          },
          $(
            "td",
            { class: "l", colspan: columns.length },
            "… " + (sorted.length - limit) + " more",
          ),
        ),
      );
  };
  columns.forEach((c, i) =>
    head.append(
      $(
        "th",
        {
          class: c.left ? "l" : null,
          onclick: () => {
            up = by === i ? !up : !!c.left;
            by = i;
            redraw();
          },
        },
        c.name,
      ),
    ),
  );
  redraw();
  return $("div", { class: "scroll" }, $("table", null, $("thead", null, head), body));
}

// ---- canvases that are sharp and follow the width of the page ----
const drawings = [];
function canvas(height, draw) {
  const c = $("canvas"),
    d = {
      c,
      height,
      draw: () => {
        const w = c.clientWidth,
          scale = devicePixelRatio || 1;
        const h = typeof height === "function" ? height(w) : height;
        if (!w) return;
        c.style.height = h + "px";
        c.width = Math.round(w * scale);
        c.height = Math.round(h * scale);
        const g = c.getContext("2d");
        g.setTransform(scale, 0, 0, scale, 0, 0);
        g.clearRect(0, 0, w, h);
        draw(g, w, h);
      },
    };
  drawings.push(d);
  return d;
}
addEventListener("resize", () => drawings.forEach(d => d.draw()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  drawings.forEach(d => d.draw()),
);
