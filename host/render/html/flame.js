// Zoom and search in a flame graph that is an SVG picture.
(function () {
  "use strict";
  var svg = document.documentElement,
    boxes = [],
    W = 1180,
    M = 10,
    CH = 6.6;
  document.querySelectorAll("g.f").forEach(function (g) {
    var r = g.querySelector("rect");
    boxes.push({
      g: g,
      r: r,
      t: g.querySelector("text"),
      x: +r.getAttribute("x") - M,
      w: +r.getAttribute("width"),
      y: +r.getAttribute("y"),
      title: g.querySelector("title").textContent,
    });
  });
  function name(b) {
    var at = b.title.lastIndexOf(" (");
    return at > 0 ? b.title.slice(0, at) : b.title;
  }
  function fit(b, x, w) {
    var n = Math.floor((w - 4) / CH),
      s = name(b);
    if (n < 2) {
      if (b.t) b.t.style.display = "none";
      return;
    }
    if (!b.t) {
      b.t = document.createElementNS("http://www.w3.org/2000/svg", "text");
      b.t.setAttribute("y", b.y + 12);
      b.g.appendChild(b.t);
    }
    b.t.style.display = "";
    b.t.setAttribute("x", x + M + 3);
    b.t.textContent = s.length > n ? s.slice(0, n - 1) + "…" : s;
  }
  function zoom(z) {
    boxes.forEach(function (b) {
      var inside = b.x + b.w > z.x + 1e-6 && b.x < z.x + z.w - 1e-6;
      var parent = b.y < z.y;
      b.g.style.display = inside ? "" : "none";
      b.g.classList.toggle("dim", inside && parent);
      if (!inside) return;
      var x = Math.max(0, ((b.x - z.x) / z.w) * W),
        e = Math.min(W, ((b.x + b.w - z.x) / z.w) * W);
      b.r.setAttribute("x", x + M);
      b.r.setAttribute("width", e - x);
      fit(b, x, e - x);
    });
  }
  boxes.forEach(function (b) {
    b.g.addEventListener("click", function () {
      zoom(b);
    });
  });
  function search() {
    var text = prompt("Functions whose name contains:", ""),
      sum = 0,
      end = -1;
    boxes.forEach(function (b) {
      b.g.classList.remove("hit");
    });
    var hits = !text
      ? []
      : boxes.filter(function (b) {
          return name(b).indexOf(text) >= 0;
        });
    hits.sort(function (a, b) {
      return a.x - b.x || b.w - a.w;
    });
    hits.forEach(function (b) {
      b.g.classList.add("hit");
      if (b.x + b.w > end) {
        sum += b.x + b.w - Math.max(b.x, end);
        end = b.x + b.w;
      }
    });
    document.getElementById("found").textContent = text
      ? "matched " + ((sum / W) * 100).toFixed(1) + " %"
      : "";
  }
  document.getElementById("search").addEventListener("click", search);
  svg.addEventListener("keydown", function (e) {
    if (e.ctrlKey && e.key === "f") {
      e.preventDefault();
      search();
    }
  });
})();
