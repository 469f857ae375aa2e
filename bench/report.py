#!/usr/bin/python3
# From a recording to the finished report and flame graph, beside `perf script` and a collapse of its stacks:
# the same program is recorded by both. The stackcollapse and flamegraph scripts are not in Debian: the peer
# is perf script and the smallest awk that folds, which spares it the drawing.
# Usage: report.py BUILD_FOLDER [SECONDS]
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# Folds perf script's text: a stack is printed innermost first, an empty line ends it.
FOLD = r"""
/^[^ \t#]/ { comm = $1; stack = ""; next }
/^[ \t]/   { name = $2; sub(/\+0x[0-9a-f]+$/, "", name); stack = name (stack == "" ? "" : ";" stack); next }
/^$/       { if (stack != "") folded[comm ";" stack]++; stack = "" }
END        { for (s in folded) print s, folded[s] }
"""
PROGRAM = """
import json, re, time, zlib
end = time.time() + %f
data = [{"key": i, "text": "x" * (i %% 50)} for i in range(3000)]
while time.time() < end:
    text = json.dumps(data)
    json.loads(text)
    re.findall("x+", text)
    zlib.compress(text.encode())
    sorted(data, key=lambda d: -d["key"])
"""
ROUNDS = 5


def timed(command, **options):
    start = time.monotonic()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, **options)
    return time.monotonic() - start


def main():
    build, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 6
    tacho = os.path.join(build, "host/cli/tacho")
    bench = os.path.join(build, "bench/bench_report")
    if not shutil.which("perf"):
        print("skipped: perf is not installed")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        data, store = os.path.join(folder, "perf.data"), os.path.join(folder, "store.db")
        page = os.path.join(folder, "report.html")
        program = ["python3", "-c", PROGRAM % seconds]
        subprocess.run(["perf", "record", "-q", "-F", "4999", "-g", "-o", data, *program], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run([tacho, "--store", store, "run", "--quiet", "--rate", "4999", "--", *program],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peer_shell = f"perf script -i {data} 2>/dev/null | awk '{FOLD}' > {folder}/folded"
        text = subprocess.run(["perf", "script", "-i", data, "-F", "comm"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout
        peer_samples = text.count(b"\n")
        peer, command = [], []
        for _ in range(ROUNDS):  # interleaved
            peer.append(timed(["sh", "-c", peer_shell]))
            command.append(timed([tacho, "--store", store, "report", "last", "--format", "html",
                                  "-o", page]))
        rows = [line.split() for line in
                subprocess.run([bench, store, "last", "1000000"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.splitlines()]
    own_samples = int(rows[0][1])
    peer_rate = peer_samples / statistics.median(peer)
    print(f"{'':34} {'samples':>9} {'seconds':>9} {'samples/s':>11} {'of the peer':>11}")

    def row(name, samples, spent):
        print(f"{name:34} {samples:9} {spent:9.3f} {samples / spent:11,.0f} "
              f"{samples / spent / peer_rate:10.1f}x")

    row("perf script | awk (fold only)", peer_samples, statistics.median(peer))
    row("tacho report --format html, all", own_samples, statistics.median(command))
    row("  of that, reading the run", own_samples, float(rows[0][2]))
    for name, samples, spent, size in rows[1:]:
        if name in ("chrome", "perfetto"):
            print(f"{'trace: ' + name:34} {samples:>9} {float(spent):9.3f} "
                  f"{float(spent) / int(samples) * 1e6:8.3f} us/event, "
                  f"{int(size) / int(samples):.0f} bytes/event")
        else:
            row("in memory: " + name, int(samples), float(spent))
    return 0


sys.exit(main())
