// The flame graph: trees of functions, the three ways to look at them, and the list of functions.
"use strict";
// PSEUDO: a thread, or calls too light to be told apart.
const KERNEL = 1,
  INLINED = 2,
  PSEUDO = 64;
function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h ^= h >>> 15;
  h = Math.imul(h, 2246822507);
  h ^= h >>> 13;
  return h >>> 0;
}
// The heaviest module has the first hue, and so on.
const HUES = [30, 196, 268, 152, 342, 48, 218, 312, 100, 176];
function colour(f) {
  if (!f.colour) {
    const shade = (hash(f.name) % 100) / 100;
    f.colour =
      f.flags & PSEUDO
        ? "#cfcec8"
        : f.flags & KERNEL
          ? `hsl(8 35% ${64 + 8 * shade}%)`
          : `hsl(${HUES[f.rank % HUES.length]} 62% ${62 + 12 * shade}%)`;
  }
  return f.colour;
}
const label = (f, flags) =>
  f.name +
  (f.flags & KERNEL ? " [k]" : "") +
  ((flags === undefined ? f.flags : flags) & INLINED ? " (inlined)" : "");

// A trie of functions: arrays by node, node 0 is the root.
class Tree {
  constructor() {
    this.fn = [-1];
    this.parent = [-1];
    this.self = [0];
    this.total = [0];
    this.flags = [0];
    this.index = new Map();
  }
  child(parent, fn, flags) {
    const key = parent * 4194304 + fn;
    let n = this.index.get(key);
    if (n === undefined) {
      n = this.fn.length;
      this.fn.push(fn);
      this.parent.push(parent);
      this.self.push(0);
      this.total.push(0);
      this.flags.push(flags);
      this.index.set(key, n);
    } else this.flags[n] &= flags;
    return n;
  }
  // Totals, children by weight, and the place of each node: begin (in weight) and depth.
  finish() {
    const n = this.fn.length;
    for (let i = 0; i < n; i++) this.total[i] = this.self[i];
    for (let i = n - 1; i > 0; i--) this.total[this.parent[i]] += this.total[i];
    this.children = new Array(n);
    for (let i = 1; i < n; i++) (this.children[this.parent[i]] ||= []).push(i);
    this.begin = new Float64Array(n);
    this.depth = new Uint32Array(n);
    this.rows = 1;
    const stack = [0];
    while (stack.length) {
      const at = stack.pop(),
        list = this.children[at];
      let x = this.begin[at];
      if (!list) continue;
      list.sort((a, b) => this.total[b] - this.total[a] || a - b);
      for (const c of list) {
        this.begin[c] = x;
        x += this.total[c];
        this.depth[c] = this.depth[at] + 1;
        this.rows = Math.max(this.rows, this.depth[c] + 1);
        stack.push(c);
      }
    }
    return this;
  }
}

class Profile {
  constructor(data) {
    Object.assign(this, data);
    this.functions = data.functions.map(f => ({
      name: f[0],
      module: f[1],
      file: f[2],
      line: f[3],
      flags: f[4],
      self: f[5],
      total: f[6],
    }));
    // Which group (thread) each node is below; groups are the nodes whose parent is the root.
    const n = data.fn.length;
    this.group = new Int32Array(n);
    this.totals = Float64Array.from(data.self);
    for (let i = n - 1; i > 0; i--) this.totals[data.parent[i]] += this.totals[i];
    for (let i = 1; i < n; i++)
      this.group[i] = data.parent[i] === 0 ? i : this.group[data.parent[i]];
    this.rankModules();
  }
  rankModules() {
    const weight = new Map();
    for (let i = 1; i < this.fn.length; i++) {
      const f = this.functions[this.fn[i]];
      if (!(f.flags & KERNEL)) weight.set(f.module, (weight.get(f.module) || 0) + this.self[i]);
    }
    const order = [...weight.keys()].sort((a, b) => weight.get(b) - weight.get(a));
    const rank = new Map(order.map((module, i) => [module, i]));
    for (const f of this.functions) f.rank = rank.get(f.module) || 0;
  }
  wanted(group) {
    return i => group === 0 || this.group[i] === group;
  }
  normal(group) {
    const tree = new Tree(),
      place = new Int32Array(this.fn.length),
      wanted = this.wanted(group);
    for (let i = 1; i < this.fn.length; i++) {
      if (!wanted(i) || this.parent[i] === 0) continue;
      place[i] = tree.child(place[this.parent[i]], this.fn[i], this.flags[i]);
      tree.self[place[i]] += this.self[i];
    }
    return tree.finish();
  }
  inverted(group) {
    const tree = new Tree(),
      wanted = this.wanted(group);
    for (let i = 1; i < this.fn.length; i++)
      if (wanted(i) && this.self[i] > 0) this.walkUp(tree, i, this.self[i]);
    return tree.finish();
  }
  walkUp(tree, node, weight) {
    let at = 0;
    for (let i = node; i > 0 && this.parent[i] > 0; i = this.parent[i])
      at = tree.child(at, this.fn[i], this.flags[i]);
    tree.self[at] += weight;
  }
  // Around one function: what it calls, and what calls it; a call within itself counts once.
  sandwich(group, fn) {
    const callees = new Tree(),
      callers = new Tree(),
      wanted = this.wanted(group);
    const place = new Int32Array(this.fn.length).fill(-1);
    for (let i = 1; i < this.fn.length; i++) {
      if (!wanted(i) || this.parent[i] === 0) continue;
      const above = place[this.parent[i]];
      if (above >= 0) place[i] = callees.child(above, this.fn[i], this.flags[i]);
      else if (this.fn[i] === fn) {
        place[i] = callees.child(0, fn, this.flags[i]);
        this.walkUp(callers, i, this.totals[i]);
      }
      if (place[i] >= 0) callees.self[place[i]] += this.self[i];
    }
    return [callers.finish(), callees.finish()];
  }
  // All threads: exact. One thread: light calls are not told apart.
  hotspots(group) {
    if (group === 0)
      return this.functions
        .map((f, fn) => ({ fn, f, self: f.self, total: f.total }))
        .filter(r => r.total > 0);
    const rows = new Map(),
      wanted = this.wanted(group),
      open = new Map();
    const row = fn => {
      let r = rows.get(fn);
      if (!r) rows.set(fn, (r = { fn, f: this.functions[fn], self: 0, total: 0 }));
      return r;
    };
    for (let i = 1; i < this.fn.length; i++) {
      if (!wanted(i) || this.parent[i] === 0) continue;
      const r = row(this.fn[i]);
      r.self += this.self[i];
      let above = this.parent[i];
      while (above > 0 && this.fn[above] !== this.fn[i]) above = this.parent[above];
      if (above <= 0) r.total += this.totals[i];
    }
    return [...rows.values()].filter(r => !(r.f.flags & PSEUDO));
  }
}

const ROW = 19;
class Flame {
  // actions: zoom(title), pick(fn) for the sandwich
  // part: "" for a whole graph, "callers" or "callees" around one function, without the root's row
  constructor(profile, actions, part) {
    this.profile = profile;
    this.actions = actions;
    this.upwards = part === "callers";
    this.hidden = part ? 1 : 0;
    this.tree = null;
    this.focus = 0;
    this.hits = null;
    this.boxes = [];
    this.view = canvas(
      () => Math.max(3, Math.min(this.rows(), 1600)) * ROW + 2,
      (g, w, h) => this.draw(g, w, h),
    );
    this.element = $("div", { class: "flame" }, this.view.c);
    const c = this.view.c;
    c.addEventListener("mousemove", e => this.hover(e));
    c.addEventListener("mouseleave", () => {
      this.over = -1;
      hideTip();
      this.view.draw();
    });
    c.addEventListener("click", e => {
      const n = this.at(e);
      if (n < 0) return;
      if (e.shiftKey && this.tree.fn[n] >= 0) actions.pick(this.tree.fn[n]);
      else this.zoom(n);
    });
    c.addEventListener("dblclick", e => {
      const n = this.at(e);
      if (n > 0) actions.pick(this.tree.fn[n]);
    });
  }
  rows() {
    return this.tree ? this.tree.rows - this.hidden : 1;
  }
  show(tree) {
    this.tree = tree;
    this.focus = 0;
    this.over = -1;
    this.view.draw();
  }
  zoom(n) {
    this.focus = n;
    this.actions.zoom(this, n);
    this.view.draw();
  }
  draw(g, w, h) {
    const t = this.tree;
    this.boxes = [];
    if (!t || !t.total[0]) {
      g.fillStyle = css("--soft");
      g.fillText("no samples", 8, 16);
      return;
    }
    const scale = w / t.total[this.focus],
      left = t.begin[this.focus],
      dark = css("--panel");
    g.font = "12px " + css("--mono");
    const char = g.measureText("mmmmmmmmmm").width / 10;
    const path = [];
    for (let n = this.focus; n >= 0; n = t.parent[n]) path.push(n);
    for (let i = path.length - 1; i > 0; i--) this.box(g, path[i], 0, w, h, char, dark, true);
    const stack = [this.focus];
    while (stack.length) {
      const n = stack.pop(),
        x = (t.begin[n] - left) * scale,
        bw = t.total[n] * scale;
      if (bw < 0.4) continue;
      this.box(g, n, x, bw, h, char, dark, false);
      if (t.children[n]) stack.push(...t.children[n]);
    }
    document.body.dataset.boxes = Math.max(+document.body.dataset.boxes || 0, this.boxes.length);
  }
  box(g, n, x, w, h, char, line, dim) {
    if (n < this.hidden) return;
    const t = this.tree,
      f = t.fn[n] >= 0 ? this.profile.functions[t.fn[n]] : null;
    const y = this.upwards
      ? h - (t.depth[n] + 1 - this.hidden) * ROW - 1
      : (t.depth[n] - this.hidden) * ROW + 1;
    if (y > h || y < -ROW) return;
    const hit = this.hits && f && this.hits.has(t.fn[n]);
    g.globalAlpha = dim ? 0.45 : this.hits && !hit ? 0.55 : 1;
    g.fillStyle = hit ? "#d2449b" : f ? colour(f) : "#c9c8c2";
    g.fillRect(x, y, Math.max(w - (w > 3 ? 1 : 0.2), 0.4), ROW - 1.5);
    if (n === this.over) {
      g.strokeStyle = css("--ink");
      g.lineWidth = 1.5;
      g.strokeRect(x + 0.5, y, w - 1, ROW - 1.5);
    }
    g.globalAlpha = dim ? 0.6 : 1;
    const room = Math.floor((w - 8) / char);
    if (room >= 2) {
      let text = f ? label(f, t.flags[n]) : "all";
      if (text.length > room) text = text.slice(0, room - 1) + "…";
      g.fillStyle = hit ? "#fff" : "#1d1d1b";
      g.fillText(text, x + 4, y + 13);
    }
    g.globalAlpha = 1;
    this.boxes.push([x, y, w, n]);
  }
  at(e) {
    const r = this.view.c.getBoundingClientRect(),
      x = e.clientX - r.left,
      y = e.clientY - r.top;
    for (let i = this.boxes.length - 1; i >= 0; i--) {
      const b = this.boxes[i];
      if (x >= b[0] && x < b[0] + b[2] && y >= b[1] && y < b[1] + ROW) return b[3];
    }
    return -1;
  }
  hover(e) {
    const n = this.at(e),
      t = this.tree;
    if (n !== this.over) {
      this.over = n;
      this.view.draw();
    }
    this.view.c.style.cursor = n >= 0 ? "pointer" : "";
    if (n < 0) {
      hideTip();
      return;
    }
    const f = t.fn[n] >= 0 ? this.profile.functions[t.fn[n]] : null,
      unit = this.profile.unit;
    const whole = t.total[0],
      above = t.parent[n] >= 0 ? t.total[t.parent[n]] : whole;
    showTip(
      e,
      $("b", null, f ? label(f, t.flags[n]) : "all"),
      $("br"),
      $(
        "i",
        null,
        f
          ? [f.module, f.file ? f.file + (f.line ? ":" + f.line : "") : ""]
              .filter(Boolean)
              .join(" · ")
          : "",
      ),
      $("br"),
      `total ${quantity(t.total[n], unit)} = ${percent(t.total[n] / whole)} of all, ` +
        `${percent(t.total[n] / above)} of its ${this.upwards ? "callee" : "parent"}`,
      $("br"),
      `self ${quantity(t.self[n], unit)} = ${percent(t.self[n] / whole)}`,
    );
  }
}

function profileSection() {
  if (!DATA.profiles.length) return null;
  const profiles = DATA.profiles.map(p => new Profile(p));
  const section = $("section", { id: "profile" }),
    panel = $("div", { class: "panel" });
  const info = $("p", { class: "sub" }),
    crumb = $("p", { class: "crumb" });
  const hot = $("div");
  let profile = profiles[0],
    group = 0,
    mode = "flame",
    picked = -1,
    flames = [];

  const actions = {
    zoom: (flame, n) => {
      const names = [];
      for (let i = n; i > 0; i = flame.tree.parent[i])
        names.unshift(profile.functions[flame.tree.fn[i]].name);
      crumb.textContent = names.length
        ? names.join(" › ")
        : "Click a box to zoom, double-click it to see its callers and callees.";
    },
    pick: fn => {
      picked = fn;
      setMode("sandwich");
    },
  };
  const buttons = {};
  for (const [key, text, help] of [
    ["flame", "Flame graph", "from the outermost function inwards"],
    ["inverted", "Callers", "from the innermost function outwards"],
    ["sandwich", "One function", "callers above, callees below"],
  ])
    buttons[key] = $("button", { title: help, onclick: () => setMode(key) }, text);
  const search = $("input", {
    type: "search",
    placeholder: "Search functions",
    oninput: () => find(),
  });
  const found = $("span", { class: "sub", style: "margin:0" });
  const profileChoice = $(
    "select",
    {
      title: "Profile",
      onchange: e => {
        profile = profiles[+e.target.value];
        group = 0;
        picked = -1;
        fillGroups();
        setMode(mode === "sandwich" ? "flame" : mode);
      },
    },
    ...profiles.map((p, i) => $("option", { value: i }, p.name)),
  );
  const groupChoice = $("select", {
    title: "Thread",
    onchange: e => {
      group = +e.target.value;
      redraw();
    },
  });
  const reset = $(
    "button",
    {
      onclick: () => {
        search.value = "";
        find();
        flames.forEach(f => f.zoom(0));
      },
    },
    "Reset",
  );
  const graph = $("div");

  function fillGroups() {
    const list = [];
    for (let i = 1; i < profile.fn.length; i++) if (profile.parent[i] === 0) list.push(i);
    list.sort((a, b) => profile.totals[b] - profile.totals[a]);
    groupChoice.replaceChildren(
      $("option", { value: 0 }, `all ${list.length} threads`),
      ...list
        .slice(0, 500)
        .map(i =>
          $(
            "option",
            { value: i },
            profile.functions[profile.fn[i]].name +
              " — " +
              percent(profile.totals[i] / profile.totals[0]),
          ),
        ),
    );
    groupChoice.style.display = list.length > 1 ? "" : "none";
    const t = profile.truncated;
    info.textContent =
      `${quantity(profile.total, profile.unit)} of ${profile.name} in ` +
      `${count(profile.samples)} samples, by ${profile.sampler}` +
      (known(profile.rate_hz) ? ` at ${digits(profile.rate_hz, "Hz")}` : "") +
      `; ${percent(profile.samples ? t / profile.samples : NaN)} of the stacks are incomplete`;
  }
  function setMode(m) {
    mode = m;
    for (const k in buttons) buttons[k].classList.toggle("on", k === m);
    redraw();
  }
  function redraw() {
    for (const f of flames) drawings.splice(drawings.indexOf(f.view), 1);
    const rows = profile.hotspots(group);
    if (mode === "sandwich" && picked < 0 && rows.length)
      picked = rows.reduce((a, b) => (b.self > a.self ? b : a)).fn;
    flames =
      mode === "sandwich"
        ? [new Flame(profile, actions, "callers"), new Flame(profile, actions, "callees")]
        : [new Flame(profile, actions, "")];
    graph.replaceChildren(...flames.map(f => f.element));
    if (mode === "sandwich" && picked >= 0) {
      const [callers, callees] = profile.sandwich(group, picked);
      flames[0].show(callers);
      flames[1].show(callees);
      crumb.textContent =
        label(profile.functions[picked]) + ": above what calls it, below what it calls";
      flames[0].element.scrollTop = 1e6;
    } else {
      flames[0].show(mode === "inverted" ? profile.inverted(group) : profile.normal(group));
      actions.zoom(flames[0], 0);
    }
    drawHot(rows);
    find();
  }
  function find() {
    const text = search.value.toLowerCase();
    let hits = null;
    if (text) {
      hits = new Set();
      profile.functions.forEach((f, i) => {
        if (f.name.toLowerCase().includes(text)) hits.add(i);
      });
    }
    found.textContent = "";
    for (const f of flames) {
      f.hits = hits;
      f.view.draw();
    }
    if (!hits || !flames[0].tree) return;
    const t = flames[0].tree;
    let sum = 0;
    const stack = [0];
    while (stack.length) {
      const n = stack.pop();
      if (hits.has(t.fn[n])) sum += t.total[n];
      else if (t.children[n]) stack.push(...t.children[n]);
    }
    found.textContent = `${hits.size} functions, ${percent(sum / t.total[0])}`;
  }
  function drawHot(rows) {
    const whole = profile.totals[group] || 1;
    const most = rows.reduce((a, r) => Math.max(a, r.self), 0) || 1;
    hot.replaceChildren(
      table(
        [
          { name: "self", text: r => percent(r.self / whole), key: r => r.self },
          { name: "total", text: r => percent(r.total / whole), key: r => r.total },
          {
            name: "",
            text: r =>
              $("span", { class: "meter", style: `width:${Math.max(1, (90 * r.self) / most)}px` }),
            key: r => r.self,
            left: true,
          },
          { name: "function", text: r => label(r.f), left: true, code: true },
          { name: "module", text: r => r.f.module, left: true },
          {
            name: "hottest line",
            text: r =>
              r.f.file ? r.f.file.split("/").pop() + (r.f.line ? ":" + r.f.line : "") : "",
            left: true,
            code: true,
          },
        ],
        rows,
        {
          by: 0,
          limit: 25,
          click: r => {
            picked = r.fn;
            setMode("sandwich");
            panel.scrollIntoView({ behavior: "smooth" });
          },
        },
      ),
    );
  }
  panel.append(
    $(
      "div",
      { class: "bar" },
      profiles.length > 1 ? profileChoice : null,
      groupChoice,
      ...Object.values(buttons),
      $("span", { class: "space" }),
      found,
      search,
      reset,
    ),
    crumb,
    graph,
  );
  section.append(
    $("h2", null, "Where the time went"),
    info,
    panel,
    $("h2", null, "Functions"),
    $("p", { class: "sub" }, "Click one to see its callers and callees."),
    $("div", { class: "panel" }, hot),
  );
  addEventListener("keydown", e => {
    if (e.key === "Escape") reset.click();
  });
  section.start = () => {
    fillGroups();
    setMode("flame");
  };
  return section;
}
