#!/usr/bin/python3
# Compares what the small hand-made run renders to with the files in tests/golden/render.
# Usage: golden.py RENDER_PROBE [--write]      (--write: make the present output the golden one)
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "golden" / "render"
CASES = {
    "small.txt": ["text", "small"],
    "small_colour.txt": ["text", "small", "colour=1", "width=80", "top=3"],
    "callers.txt": ["text", "small", "callers_of=read", "callees_of=serve", "top=5"],
    "filtered.txt": ["text", "small", "exclude=parse"],
    "slow.txt": ["text", "small", "slow_ns=9000000", "top=4"],
    "small.folded": ["folded", "small"],
    "root.folded": ["folded", "small", "root=serve"],
    "small.dot": ["dot", "small"],
    "small.json": ["json", "small"],
    "summary.csv": ["csv", "small"],
    "hotspots.csv": ["csv", "small", "table=hotspots"],
    "zones.csv": ["csv", "small", "table=zones"],
    "spans.csv": ["csv", "small", "table=spans"],
    "events.csv": ["csv", "small", "table=events"],
    "threads.csv": ["csv", "small", "table=threads"],
    "small.om": ["openmetrics", "small"],
    "small.svg": ["svg", "small"],
    "small.speedscope.json": ["speedscope", "small"],
    "diff.txt": ["text", "diff"],
    "diff.json": ["json", "diff"],
    "diff.svg": ["svg", "diff"],
}


def main():
    probe, write = sys.argv[1], "--write" in sys.argv
    wrong = 0
    for name, arguments in CASES.items():
        got = subprocess.run([probe, *arguments], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=True).stdout
        path = FOLDER / name
        if write:
            path.write_bytes(got)
        elif not path.exists() or path.read_bytes() != got:
            wrong += 1
            print(f"{name} is not what it was; compare, and if the change is meant:\n"
                  f"  {sys.argv[0]} {probe} --write")
            diff = subprocess.run(["diff", "-u", path, "-"], input=got, stdout=subprocess.PIPE)
            print(diff.stdout.decode(errors="replace")[:4000])
    extra = {p.name for p in FOLDER.iterdir()} - set(CASES)
    if extra:
        print("golden files without a case:", ", ".join(sorted(extra)))
        wrong += 1
    return 1 if wrong else 0


sys.exit(main())
