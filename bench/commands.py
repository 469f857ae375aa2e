#!/usr/bin/env python3
# tacho bench beside hyperfine: the same commands' medians, and what each adds to a run.
#
#   bench/commands.py [TACHO] [ROUNDS]
#
# Both time the same program without a shell, in turns, in many short rounds. The ratio is the median of the
# rounds' ratios. Overhead per run, from the shortest command with many runs: what the tool took altogether, less
# its start (the same with two runs), less the times that it reports, over the runs; CPU likewise.

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
COMMANDS = {"true": 100, "sleep 0.02": 10, "sha256sum FILE": 10}
OVERHEAD_RUNS = 500


def measure(words, path):
    """Wall seconds of a whole tool, its CPU seconds with those of what it ran, and its report."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    with open(path if words[-1] != path else os.devnull, "w") as out:
        subprocess.run([word for word in words if word], check=True, stdout=out, stderr=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with open(path) as file:
        (result,) = json.load(file)["results"]
    ran = (result["user"] + result["system"]) * len(result["times"])
    return wall - sum(result["times"]), cpu - ran, result


def overheads(tools, rounds, path):
    """Wall and CPU microseconds that each tool adds to a run."""
    rows = {name: [] for name in tools}
    for _ in range(rounds):
        for name, words in tools.items():
            rest, cpu, _ = measure(words("true", OVERHEAD_RUNS, path), path)
            start, start_cpu, _ = measure(words("true", 2, path), path)
            rows[name].append(((rest - start) / (OVERHEAD_RUNS - 2) * 1e6,
                               (cpu - start_cpu) / (OVERHEAD_RUNS - 2) * 1e6))
    return {name: [statistics.median(column) for column in zip(*values)] for name, values in rows.items()}


def medians(tools, command, runs, rounds, path):
    """The medians that each tool reported, one a round."""
    found = {name: [] for name in tools}
    for number in range(rounds):
        for name in list(tools)[::-1 if number % 2 else 1]:
            found[name].append(measure(tools[name](command, runs, path), path)[2]["median"])
    return found


def main():
    tacho = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/host/cli/tacho")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    if not shutil.which("hyperfine"):
        print("hyperfine is not installed: nothing to compare with")
        return 77
    tools = {
        "tacho bench": lambda command, runs, path: [
            tacho, "-q", "bench", "--shell", "none", "-w", "0", "-r", str(runs), "--format", "hyperfine",
            command],
        "hyperfine -N": lambda command, runs, path: [
            "hyperfine", "-N", "--style", "none", "-r", str(runs), command, "--export-json", path],
    }
    with tempfile.TemporaryDirectory(prefix="tacho-commands-") as folder:
        path, large = os.path.join(folder, "out"), os.path.join(folder, "FILE")
        with open(large, "wb") as file:
            file.write(bytes(8 << 20))
        print(f"{'command':16} {'tacho bench ms':>15} {'hyperfine -N ms':>16} {'ratio':>7}")
        for command, runs in COMMANDS.items():
            own, peer = medians(tools, command.replace("FILE", large), runs, rounds, path).values()
            ratio = statistics.median(a / b for a, b in zip(own, peer))
            print(f"{command:16} {statistics.median(own) * 1e3:15.3f} {statistics.median(peer) * 1e3:16.3f} "
                  f"{ratio:7.3f}", flush=True)
        print(f"\n{'tool':16} {'overhead us/run':>15} {'own CPU us/run':>16}")
        for name, (wall, cpu) in overheads(tools, rounds, path).items():
            print(f"{name:16} {wall:15.1f} {cpu:16.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
