#!/usr/bin/env python3
# What `tacho check` adds to a command beside `tacho run`: medians of interleaved runs.
#
#   bench/check.py BUILD_FOLDER [ROUNDS]
import os
import statistics
import subprocess
import sys
import tempfile
import time

COMMAND = ["sleep", "0.1"]


def main():
    tacho = os.path.join(os.path.abspath(sys.argv[1]), "host/cli/tacho")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 21
    with tempfile.TemporaryDirectory() as folder:
        base = [tacho, "--store", os.path.join(folder, "store.db")]
        ways = {"the command alone": COMMAND,
                "tacho run --no-profile": [*base, "-q", "run", "--no-profile", "--", *COMMAND],
                "tacho check -- COMMAND": [*base, "check", "trading", "--", *COMMAND],
                "tacho check, stored run": [*base, "check", "trading"]}
        took = {way: [] for way in ways}
        for _ in range(rounds):
            for way, words in ways.items():
                begin = time.perf_counter()
                subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, check=True)
                took[way].append((time.perf_counter() - begin) * 1e3)
    medians = {way: statistics.median(times) for way, times in took.items()}
    peer = medians["tacho run --no-profile"]
    print(f"{'median of ' + str(rounds):26} {'ms':>8} {'to tacho run':>13}")
    for way, median in medians.items():
        print(f"{way:26} {median:8.1f} {median / peer:13.2f}")


if __name__ == "__main__":
    main()
