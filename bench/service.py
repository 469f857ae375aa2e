#!/usr/bin/env python3
# What being observed costs a real program, the order service: service.py [ROUNDS [REQUESTS [VARIANT...]]].
#
# The service answers a fixed number of requests of the usual mix, in turns, in rotating order: built without
# zones, with zones that nobody watches, with each mode of recording, under `tacho run`, under perf record.
# Cost is CPU time per request of the service and of whatever observes it, as the kernel counts both; ratios
# are medians of those of the same round, and their spread is that of the middle half of the rounds. What an
# observer does once, at the start and at the end (finding names, storing), is counted too: about 0.1 s of CPU
# time for `tacho run`, so that few requests make it look dearer than a long run does.
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("TACHO_BINARY_DIR", os.path.join(ROOT, "build"))
TACHO = os.path.join(BUILD, "host", "cli", "tacho")
EXAMPLES = os.path.join(BUILD, "examples")
SERVICE = os.path.join(EXAMPLES, "order_service", "order_service")
LOAD = os.path.join(EXAMPLES, "load", "load")
BASE = "zones, unobserved"


def variants(folder):
    store = ["--store", os.path.join(folder, "store.db"), "--quiet"]
    data = os.path.join(folder, "perf.data")
    return {
        "no zones": ([SERVICE + "_off"], ""),
        BASE: ([SERVICE], ""),
        "zones, statistics": ([SERVICE], "statistics"),
        "zones, trace": ([SERVICE], "trace"),
        "zones, detailed": ([SERVICE], "detailed"),
        "tacho run": ([TACHO, "run", *store, "--", SERVICE], ""),
        "tacho run, no profile": ([TACHO, "run", *store, "--no-profile", "--", SERVICE], ""),
        "tacho run, no zones": ([TACHO, "run", *store, "--", SERVICE + "_off"], ""),
        "perf record -F 99 -g": (["perf", "record", "-q", "-F", "99", "-g", "-o", data, "--", SERVICE], ""),
    }


def measure(command, mode, requests):
    """CPU microseconds per request, and requests per second."""
    environment = {**os.environ, "TACHO": mode}
    if not mode:
        del environment["TACHO"]
    process = subprocess.Popen([*command, "--port", "0", "--history", "5000"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    url = process.stdout.readline().strip().rpartition(" ")[2]
    load = subprocess.run([LOAD, "--connections", "8", "--requests", str(requests), url],
                          capture_output=True, text=True, check=True).stdout
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout
    for pid in children.split() or [process.pid]:
        os.kill(int(pid), signal.SIGTERM)
    process.stdout.read()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    rate = re.search(r"(\d+) per second", load)
    return (usage.ru_utime + usage.ru_stime) * 1e6 / requests, float(rate.group(1))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    requests = int(sys.argv[2]) if len(sys.argv) > 2 else 50000
    if not os.path.exists(SERVICE):
        print("skipped: the order service is not built")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        table = {name: value for name, value in variants(folder).items()
                 if name == BASE or not sys.argv[3:] or name in sys.argv[3:]}
        cost = {name: [] for name in table}
        rate = {name: [] for name in table}
        names = list(table)
        for turn in range(rounds):
            for name in names[turn % len(names):] + names[:turn % len(names)]:
                cpu_us, per_s = measure(*table[name], requests)
                cost[name].append(cpu_us)
                rate[name].append(per_s)
    print(f"{rounds} rounds of {requests} requests")
    print(f"{'variant':22} {'CPU us/request':>14} {'ratio':>7} {'middle half':>15} {'requests/s':>11}")
    for name in table:
        ratios = sorted(value / base for value, base in zip(cost[name], cost[BASE]))
        low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
        print(f"{name:22} {statistics.median(cost[name]):14.1f} {statistics.median(ratios):7.3f}"
              f" {low:7.3f}-{high:.3f} {statistics.median(rate[name]):11.0f}")


main()
