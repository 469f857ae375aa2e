// The timelines: one chart per group of series, with one cursor and one zoom for all.
"use strict";
const LINES = [
  "#2f7fb0",
  "#d9822b",
  "#3c9d6b",
  "#b4508f",
  "#7a6cc8",
  "#b08d2f",
  "#5a8a8a",
  "#c0564b",
];
const TITLES = {
  cpu_ratio_core: "CPU (1 = one core)",
  cpu_ratio_machine: "CPU of the machine",
  rss_bytes: "Memory",
  pss_bytes: "Memory",
  swap_bytes: "Memory",
  rss_peak_bytes: "Memory",
  vms_bytes: "Virtual memory",
  cpu_seconds: "CPU by mode",
  cpu_user_seconds: "CPU by mode",
  cpu_system_seconds: "CPU by mode",
  io_read_bytes: "Storage",
  io_write_bytes: "Storage",
  io_read_calls_bytes: "Read and write calls",
  io_write_calls_bytes: "Read and write calls",
  page_faults_minor: "Page faults",
  page_faults_major: "Page faults",
  context_switches_voluntary: "Context switches",
  context_switches_involuntary: "Context switches",
  pressure_cpu_ratio: "Pressure",
  pressure_memory_ratio: "Pressure",
  pressure_io_ratio: "Pressure",
  cpu_wait_seconds: "Waiting",
  io_wait_seconds: "Waiting",
  threads: "Threads and processes",
  processes: "Threads and processes",
  open_files: "Open files",
  host_cpu_ratio_machine: "Host: CPU",
  host_steal_ratio: "Host: CPU",
  host_io_wait_ratio: "Host: CPU",
  host_memory_available_bytes: "Host: memory available",
  cgroup_memory_bytes: "Control group: memory",
};
function asDrawn(s) {
  if (s.kind !== "counter") return { t: s.t, v: s.v, unit: s.unit };
  const t = [],
    v = [],
    gaps = s.t.slice(1).map((x, i) => x - s.t[i]);
  // The closing sample comes right behind the one before it: a rate between the two says nothing.
  const least = gaps.slice().sort((a, b) => a - b)[gaps.length >> 1] / 4;
  for (let i = 1, last = 0; i < s.t.length; i++) {
    if (!known(s.v[i]) || !known(s.v[last])) {
      if (known(s.v[i])) last = i;
      continue;
    }
    if (s.t[i] - s.t[last] < least) continue;
    const dt = (s.t[i] - s.t[last]) / 1e3,
      dv = s.v[i] - s.v[last];
    if (dt > 0 && dv >= 0) {
      t.push(s.t[i]);
      v.push(dv / dt);
    }
    last = i;
  }
  return { t, v, unit: s.unit === "seconds" ? "ratio" : s.unit + "/s" };
}
function niceStep(range, parts) {
  const raw = range / parts || 1,
    power = Math.pow(10, Math.floor(Math.log10(raw)));
  for (const m of [1, 2, 5, 10]) if (m * power >= raw) return m * power;
  return 10 * power;
}
function timelineSection() {
  const usable = DATA.series.filter(
    s => s.v.filter(known).length > 1 && s.name !== "host_uptime_seconds",
  );
  if (!usable.length) return null;
  const section = $("section", { id: "timelines" }),
    charts = $("div", { class: "charts" });
  const full = [0, Math.max(DATA.run.duration_ns / 1e6, ...usable.map(s => s.t[s.t.length - 1]))];
  let range = full.slice(),
    cursor = null,
    drag = null,
    views = [];
  // The program's own metrics are part of the picture, whichever process they are of.
  const general = s => s.own || !/^(process|thread) \d/.test(s.subject);
  const owners = new Set(usable.filter(s => s.own).map(s => s.subject)).size;
  const subjects = [...new Set(usable.filter(s => !general(s)).map(s => s.subject))];
  const choice = $(
    "select",
    { onchange: () => fill() },
    $("option", { value: "" }, "the whole run"),
    ...subjects.map(s => $("option", { value: s }, s)),
  );
  const redraw = () => views.forEach(v => v.draw());

  function chart(title, list) {
    const lines = list.map((s, i) => ({
      ...asDrawn(s),
      name:
        s.name.replace(/_(bytes|seconds|ratio|count)$/, "").replace(/_/g, " ") +
        (s.subject !== "run" && s.subject !== "host" && general(s) && !(s.own && owners === 1)
          ? " " + s.subject
          : ""),
      colour: LINES[i % LINES.length],
    }));
    const unit = lines[0].unit,
      legend = $("h3", null, title);
    const view = canvas(132, (g, w, h) => draw(g, w, h));
    const L = 62,
      R = 6,
      T = 8,
      B = 20;
    const px = (t, w) => L + ((t - range[0]) / (range[1] - range[0])) * (w - L - R);
    function draw(g, w, h) {
      let low = 0,
        high = 0;
      for (const l of lines)
        for (let i = 0; i < l.t.length; i++)
          if (l.t[i] >= range[0] && l.t[i] <= range[1] && known(l.v[i])) {
            high = Math.max(high, l.v[i]);
            low = Math.min(low, l.v[i]);
          }
      if (high === low) high = low + 1;
      let step = niceStep(high - low, 3);
      if (unit.startsWith("bytes")) {
        step = 1;
        while (step * 4 < high - low) step *= 2;
      }
      high = Math.ceil((high / step) * 1.0001) * step;
      const py = v => T + ((high - v) / (high - low)) * (h - T - B);
      g.font = "11px system-ui, sans-serif";
      g.textAlign = "right";
      g.lineWidth = 1;
      for (let v = Math.ceil(low / step) * step; v <= high; v += step) {
        g.strokeStyle = css("--line");
        g.beginPath();
        g.moveTo(L, py(v));
        g.lineTo(w - R, py(v));
        g.stroke();
        g.fillStyle = css("--soft");
        g.fillText(quantity(v, unit), L - 7, py(v) + 4);
      }
      g.textAlign = "center";
      const ts = niceStep((range[1] - range[0]) / 1e3, 6);
      for (let t = Math.ceil(range[0] / 1e3 / ts) * ts; t * 1e3 <= range[1]; t += ts)
        g.fillText(
          ts < 1 ? +t.toFixed(6) + " s" : seconds(t),
          Math.min(px(t * 1e3, w), w - 18),
          h - 5,
        );
      g.save();
      g.beginPath();
      g.rect(L, 0, w - L - R, h - B + 1);
      g.clip();
      for (const e of DATA.events.slice(0, 400)) {
        g.strokeStyle = css("--bad");
        g.globalAlpha = 0.35;
        g.beginPath();
        g.moveTo(px(e.t, w), T);
        g.lineTo(px(e.t, w), h - B);
        g.stroke();
      }
      g.globalAlpha = 1;
      lines.forEach((l, k) => {
        g.beginPath();
        let pen = false,
          first = 0,
          last = 0;
        for (let i = 0; i < l.t.length; i++) {
          if (!known(l.v[i])) {
            pen = false;
            continue;
          }
          const x = px(l.t[i], w),
            y = py(l.v[i]);
          if (!pen) {
            g.moveTo(x, y);
            if (!first) first = x;
            pen = true;
          } else g.lineTo(x, y);
          last = x;
        }
        g.strokeStyle = l.colour;
        g.lineWidth = 1.6;
        g.lineJoin = "round";
        g.stroke();
        if (k === 0 && first) {
          g.lineTo(last, py(Math.max(low, 0)));
          g.lineTo(first, py(Math.max(low, 0)));
          g.globalAlpha = 0.12;
          g.fillStyle = l.colour;
          g.fill();
          g.globalAlpha = 1;
        }
      });
      if (drag) {
        g.fillStyle = css("--accent");
        g.globalAlpha = 0.15;
        g.fillRect(px(drag[0], w), T, px(drag[1], w) - px(drag[0], w), h - T - B);
        g.globalAlpha = 1;
      }
      if (cursor !== null) {
        g.strokeStyle = css("--soft");
        g.beginPath();
        g.moveTo(px(cursor, w), T);
        g.lineTo(px(cursor, w), h - B);
        g.stroke();
      }
      g.restore();
      const at = l => {
        let best = l.v.length - 1;
        if (cursor !== null) {
          best = -1;
          for (let i = 0; i < l.t.length && l.t[i] <= cursor; i++) best = i;
        }
        while (best >= 0 && !known(l.v[best])) best--;
        return best < 0 ? NaN : l.v[best];
      };
      legend.replaceChildren(
        title,
        ...lines.map(l =>
          $(
            "span",
            null,
            $("i", { class: "key", style: "background:" + l.colour }),
            (lines.length > 1 || l.name.toLowerCase() !== title.toLowerCase() ? l.name + " " : "") +
              quantity(at(l), l.unit),
          ),
        ),
      );
      document.body.dataset.charts = views.length;
    }
    const time = e => {
      const r = view.c.getBoundingClientRect();
      return Math.max(
        range[0],
        Math.min(
          range[1],
          range[0] + ((e.clientX - r.left - L) / (r.width - L - R)) * (range[1] - range[0]),
        ),
      );
    };
    view.c.addEventListener("mousemove", e => {
      cursor = time(e);
      if (drag) drag[1] = cursor;
      redraw();
    });
    view.c.addEventListener("mouseleave", () => {
      cursor = null;
      drag = null;
      redraw();
    });
    view.c.addEventListener("mousedown", e => {
      drag = [time(e), time(e)];
    });
    view.c.addEventListener("mouseup", () => {
      if (drag && Math.abs(drag[1] - drag[0]) > (range[1] - range[0]) / 100)
        range = drag.sort((a, b) => a - b);
      drag = null;
      redraw();
    });
    view.c.addEventListener("dblclick", () => {
      range = full.slice();
      redraw();
    });
    views.push(view);
    return $("div", { class: "chart" }, legend, view.c);
  }
  function fill() {
    for (const v of views) drawings.splice(drawings.indexOf(v), 1);
    views = [];
    const groups = new Map();
    for (const s of usable) {
      if (choice.value ? s.own || s.subject !== choice.value : !general(s)) continue;
      const title = TITLES[s.name] || s.name.replace(/_/g, " "),
        key = title + "|" + (s.subject === "host") + "|" + asDrawn(s).unit;
      if (!groups.has(key))
        groups.set(key, [
          s.subject === "host" && !s.name.startsWith("host") ? "Host: " + title : title,
          [],
        ]);
      groups.get(key)[1].push(s);
    }
    const flat = ([, list]) =>
      list.every(s => {
        const d = asDrawn(s).v.filter(known);
        return d.every(v => v === d[0]);
      });
    const order = Object.values(TITLES);
    const rank = title => (order.includes(title) ? order.indexOf(title) : order.length);
    // What every run has, down to the memory; then what only this program has.
    const own = order.indexOf("Memory") + 0.5;
    const place = ([title, list]) => (list[0].own ? own : rank(title));
    const list = [...groups.values()].sort((a, b) => place(a) - place(b));
    const quiet = list
      .filter(flat)
      .map(([title, l]) => `${title} ${quantity(asDrawn(l[0]).v.find(known), asDrawn(l[0]).unit)}`);
    charts.replaceChildren(
      ...list
        .filter(x => !flat(x))
        .slice(0, 60)
        .map(([title, l]) => chart(title, l)),
    );
    constant.textContent = quiet.length ? "Constant: " + quiet.join(" · ") : "";
    redraw();
  }
  const constant = $("p", { class: "sub", style: "margin-top:10px" });
  section.append(
    $("h2", null, "Over time"),
    $(
      "p",
      { class: "sub" },
      "Counters are drawn as rates. Drag to zoom all, double-click to see the whole run again.",
    ),
    $("div", { class: "bar" }, subjects.length ? choice : null),
    charts,
    constant,
  );
  section.start = fill;
  return section;
}
