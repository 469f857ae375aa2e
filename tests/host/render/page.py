#!/usr/bin/python3
# Opens the HTML pages in headless Chromium and looks at what they drew: every section, boxes of the
# flame graph, charts, and no error of a script. Also works the page: search, callers, one function.
# Usage: page.py RENDER_PROBE
import os
import re
import shutil
import subprocess
import sys
import tempfile

WORK = """
<script>{
  const click = text => [...document.querySelectorAll("button")].find(b => b.textContent === text).click();
  const result = {};
  const search = document.querySelector("input[type=search]");
  search.value = "serve"; search.dispatchEvent(new Event("input"));
  result.search = document.querySelector(".bar .sub").textContent;
  click("Callers"); result.callers = document.querySelectorAll(".flame canvas").length;
  click("One function"); result.sandwich = document.querySelectorAll(".flame canvas").length;
  document.querySelector("#zones tr.click").click();
  result.histogram = document.querySelectorAll(".histogram canvas").length;
  document.querySelectorAll("#profile th")[1].click();
  const thread = document.querySelector("select[title=Thread]");
  thread.value = thread.options[1].value; thread.dispatchEvent(new Event("change"));
  const canvas = document.querySelector(".flame canvas"), r = canvas.getBoundingClientRect();
  canvas.dispatchEvent(new MouseEvent("mousemove", {clientX: r.left + 40, clientY: r.top + 8}));
  result.tip = document.querySelector("#tip").textContent.slice(0, 300);
  canvas.dispatchEvent(new MouseEvent("click", {clientX: r.left + 40, clientY: r.top + 30}));
  click("Reset");
  document.body.dataset.result = JSON.stringify(result);
}</script>
"""


# In the picture: a click on "serve" hides what is not in it, and all of it is a search's hit.
WORK_SVG = """<script><![CDATA[
  window.prompt = () => "serve";
  const box = text => [...document.querySelectorAll("g.f")].find(
    g => g.querySelector("title").textContent.startsWith(text));
  box("serve").dispatchEvent(new MouseEvent("click"));
  const hidden = [...document.querySelectorAll("g.f")].filter(g => g.style.display === "none");
  document.getElementById("search").dispatchEvent(new MouseEvent("click"));
  document.documentElement.setAttribute("data-result", hidden.length + " hidden, serve is " +
    box("serve").querySelector("rect").getAttribute("width") + " wide, " +
    document.getElementById("found").textContent);
]]></script></svg>"""


def dump(browser, page, name="page.html"):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(page)
        done = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={folder}/profile",
             "--window-size=1400,2000", "--virtual-time-budget=3000", "--dump-dom",
             "file://" + path],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=90)
        return done.stdout.decode(errors="replace")


def attribute(dom, name):
    found = re.search(rf'<body[^>]*\bdata-{name}="([^"]*)"', dom)
    return found.group(1) if found else None


def check(dom, sections, boxes, charts):
    assert attribute(dom, "error") is None, attribute(dom, "error")
    assert attribute(dom, "ready") == "yes", "the page did not finish: " + dom[-2000:]
    for section in sections:
        assert f'id="{section}"' in dom, section
    assert int(attribute(dom, "boxes")) >= boxes, attribute(dom, "boxes")
    assert charts == 0 or int(attribute(dom, "charts")) >= charts


def main():
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        print("skipped: chromium is not installed")
        return 77

    def render(*arguments):
        return subprocess.run([sys.argv[1], *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=True).stdout

    small = render("html", "small")
    # Nothing in the data may end the element that carries it, and nothing is fetched.
    assert small.count(b"</script>") == small.count(b"<script")
    assert not re.search(rb'(src|href)="https?:', small)
    dom = dump(browser, small.replace(b"</body>", WORK.encode() + b"</body>"))
    check(dom, ["profile", "timelines", "zones", "slow", "threads", "events", "notes"], 8, 5)
    result = attribute(dom, "result")
    assert result, "the page could not be worked: " + dom[-1500:]
    for wanted in ("1 functions, 35.0 %", 'callers&quot;:1', 'sandwich&quot;:2', 'histogram&quot;:1',
                   "total 600 ms"):
        assert wanted in result, (wanted, result)
    picture = dump(browser, render("svg", "small").replace(b"</svg>", WORK_SVG.encode()), "a.svg")
    found = re.search(r'data-result="([^"]*)"', picture)
    # Outside of it are parse, copy and format; it fills the picture; a third of the whole matches.
    assert found and found.group(1) == "3 hidden, serve is 1180 wide, matched 35.0 %", \
        found or picture[:2000]
    check(dump(browser, render("html", "samples:100000")), ["profile", "notes"], 1000, 0)
    check(dump(browser, render("html", "diff")), [], 8, 0)
    return 0


sys.exit(main())
