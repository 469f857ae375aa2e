#!/usr/bin/env python3
# How long names take: from opening a file to function, file, line and inlined functions of its addresses.
#
#   bench/symbols.py [BENCH_SYMBOLS] [ROUNDS]
#
# The peers are addr2line -f -i -C and llvm-symbolizer on the same addresses, each as a whole command, in
# turns; the table has medians and the ratio to each peer. tacho's own time is that of the symboliser
# inside its process. What a peer cannot read (names of a stripped file) has no figure.

import os
import shutil
import statistics
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))


def code_segment(path):
    """Virtual address and size of the largest segment with code."""
    listing = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True).stdout
    best = (0, 0)
    for line in listing.splitlines():
        words = line.split()
        if words[:1] == ["LOAD"] and "E" in words[6:8]:
            best = max(best, (int(words[4], 16), int(words[2], 16)))
    return best[1], best[0]


def timed(words, text=""):
    begin = time.perf_counter()
    answer = subprocess.run(words, input=text, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{words[0]}: {answer.stderr}")
    return (time.perf_counter() - begin) * 1000, answer.stdout


def measure(bench, rounds, title, path, count, names, peers):
    first, size = code_segment(path) if path.startswith("/") else (0, 0)
    text = "".join(f"{first + size * i // count:#x}\n" for i in range(count)) if size else ""
    own, others = [], {peer: [] for peer in peers}
    frames = known = 0
    for _ in range(rounds):
        spent, frames, known = timed([bench, path, str(count)] + names)[1].split()
        own.append(float(spent))
        for peer, words in peers.items():
            others[peer].append(timed(words + ["-e", path], text)[0])
    row = f"{title:44} {statistics.median(own):9.2f} {known:>7}"
    for peer in ("addr2line", "llvm-symbolizer"):
        if others.get(peer):
            ratio = statistics.median(theirs / ours for ours, theirs in zip(own, others[peer]))
            row += f" {statistics.median(others[peer]):12.1f} {ratio:6.1f}x"
        else:
            row += f" {'-':>12} {'':7}"
    print(row)


def main():
    bench = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/bench/bench_symbols")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    peers = {"addr2line": ["addr2line", "-a", "-f", "-i", "-C"],
             "llvm-symbolizer": ["llvm-symbolizer", "--output-style=GNU", "-a", "-f", "-i", "-C"]}
    for peer in list(peers):
        if not shutil.which(peer):
            print(f"{peer}: skipped, it is not installed")
            del peers[peer]
    print(f"{'what':44} {'tacho ms':>9} {'named':>7} {'addr2line ms':>12} {'':7} {'llvm ms':>12}"
          f"         ({rounds} rounds)")
    own = os.path.realpath(bench)
    measure(bench, rounds, "this program, 2,000 addresses, lines", own, 2000, [], peers)
    libc = next((path for path in ("/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6")
                 if os.path.exists(path)), None)
    if libc:
        libc = os.path.realpath(libc)
        measure(bench, rounds, "libc, 2,000 addresses, names only", libc, 2000, ["names"], {})
        measure(bench, rounds, "libc, 2,000 addresses, lines if installed", libc, 2000, [], {})
    if shutil.which("node"):
        node = os.path.realpath(shutil.which("node"))
        measure(bench, rounds, "node, 5,000 addresses", node, 5000, [], peers)
    measure(bench, rounds, "the kernel, 2,000 addresses", "[kernel]", 2000, [], {})


if __name__ == "__main__":
    main()
