#!/usr/bin/env python3
# What sampling costs a program and this machine, beside perf record: bench/sampling.py BUILD [ROUNDS].
#
# One fixed piece of work runs under each sampler in turn, in rotating order. Costs are medians over the rounds
# of (CPU time with the sampler / CPU time without, same round) - 1: of the program alone, and of the program
# and the sampler together. "complete" is the share of stacks that reach the outermost frame; for perf it is
# the share of stacks that end in a start function.
import collections
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

STARTS = {"_start", "clone", "clone3", "__clone", "__clone3", "_dl_start_user", "start_thread"}


def work():
    """About a second of CPU time in libraries without frame pointers, and in an interpreter."""
    return ["/usr/bin/python3", "-c",
            "import re, zlib\n"
            "text = b''.join(b'%d %d;' % (i, i * i % 9973) for i in range(60000))\n"
            "for i in range(18): zlib.compress(text, 6)\n"
            "for i in range(90000): re.sub('a+b', 'c', 'aab' * 8)"]


def samplers(build, folder):
    probe = os.path.join(build, "tests", "host", "capture", "sampler_probe")
    agent = ["--agent", os.path.join(build, "host", "agent", "libtacho-agent.so")]
    out = os.path.join(folder, "probe")
    table = {"nothing": []}
    if os.path.exists(probe):
        table["tacho 999 Hz"] = [probe, "--rate", "999", "--out", out + ".999", "--"]
    if shutil.which("perf"):
        perf = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "999"]
        table["perf -g 999 Hz"] = perf + ["-g", "-o", out + ".perf"]
        table["perf dwarf 999 Hz"] = perf + ["--call-graph", "dwarf", "-o", out + ".dwarf"]
    if os.path.exists(probe):
        table["tacho 99 Hz"] = [probe, "--rate", "99", "--out", out + ".99", "--"]
        table["agent 999 Hz"] = [probe, "--rate", "999", "--kind", "agent", *agent, "--out", out + ".agent",
                                 "--"]
    return table


def measure(prefix):
    """CPU seconds of the program, and of it with the sampler."""
    script = 'TIMEFORMAT="cpu %U %S"; time "$@" > /dev/null'
    command = prefix + ["bash", "-c", script, "bash"] + work()
    read, write = os.pipe()
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=write)
    os.close(write)
    with os.fdopen(read, errors="replace") as pipe:
        text = pipe.read()
    _, _, usage = os.wait4(run.pid, 0)
    found = re.search(r"cpu ([\d.]+) ([\d.]+)", text)
    if not found:
        raise SystemExit(f"{command[0]} did not run: {text}")
    return float(found[1]) + float(found[2]), usage.ru_utime + usage.ru_stime


def figures_of(path):
    with open(path, errors="replace") as file:
        return {w[0]: w[1] for w in (line.split() for line in file) if len(w) == 2}


def perf_figures(path):
    """Samples, share of complete stacks, bytes per sample."""
    text = subprocess.run(["perf", "script", "-i", path, "-F", "comm,ip,sym"], capture_output=True, text=True,
                          errors="replace").stdout
    stacks = [block.splitlines()[1:] for block in text.split("\n\n") if "\n" in block]
    ends = [stack[-1].split()[1] for stack in stacks if stack and len(stack[-1].split()) > 1]
    complete = sum(end.split("+")[0] in STARTS or "libc_start" in end for end in ends)
    samples = max(1, len(stacks))
    return samples, complete / samples, os.path.getsize(path) / samples


def print_stacks(folder, name):
    out = os.path.join(folder, "probe")
    if name.startswith("perf"):
        samples, complete, size = perf_figures(out + (".perf" if "-g" in name else ".dwarf"))
        return f"{samples:8d} {100 * complete:8.2f} % {size:8.0f}"
    path = {"tacho 999 Hz": ".999", "tacho 99 Hz": ".99", "agent 999 Hz": ".agent"}.get(name)
    if not path:
        return f"{'':>8} {'':>10} {'':>8}"
    figures = figures_of(out + path)
    samples, complete = int(figures["samples"]), int(figures["complete"])
    return (f"{samples:8d} {100 * complete / max(1, samples):8.2f} % {'':>8}"
            f"  {float(figures['own_us_per_sample']):.2f} us/sample of its own")


def print_stored(build, folder):
    """Bytes in the store per sample: what a run at 4999 Hz takes more than one at 99 Hz."""
    tacho = os.path.join(build, "host", "cli", "tacho")
    if not os.path.exists(tacho):
        return
    sizes = []
    for rate in ("99", "4999"):
        store = os.path.join(folder, "store" + rate)
        done = subprocess.run([tacho, "run", "--rate", rate, "--every", "1s", "--store", store, "--"] + work(),
                              capture_output=True, text=True, errors="replace")
        found = re.search(r" in ([\d,]+) samples", done.stderr)
        sizes.append((int(found[1].replace(",", "")) if found else 0,
                      sum(os.path.getsize(store + end) for end in ("", "-wal", "-shm")
                          if os.path.exists(store + end))))
    more = sizes[1][0] - sizes[0][0]
    if more > 0:
        print(f"stored by tacho run: {(sizes[1][1] - sizes[0][1]) / more:.0f} bytes per sample, stacks included")


def main():
    build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    with tempfile.TemporaryDirectory() as folder:
        table = samplers(build, folder)
        if "tacho 999 Hz" not in table:
            print("sampler_probe is not built: nothing to measure")
            return
        if "perf -g 999 Hz" not in table:
            print("perf is not installed: no peer")
        values = collections.defaultdict(list)
        names = list(table)
        measure([])  # warms the caches
        for turn in range(rounds):
            for name in names[turn % len(names):] + names[:turn % len(names)]:
                values[name].append(measure(table[name]))
        print(f"{'':18} {'program':>9} {'with tool':>10} {'samples':>8} {'complete':>10} {'B/sample':>8}")
        cost = {}
        for name in names[1:]:
            ratio = [[v[i] / n[i] - 1 for v, n in zip(values[name], values["nothing"])] for i in (0, 1)]
            cost[name] = [statistics.median(r) for r in ratio]
            print(f"{name:18} {100 * cost[name][0]:+8.2f} % {100 * cost[name][1]:+8.2f} %"
                  f" {print_stacks(folder, name)}")
        seconds = statistics.median(v[0] for v in values["nothing"])
        spread = statistics.median(abs(v[0] / seconds - 1) for v in values["nothing"])
        print(f"program alone: {seconds:.3f} s of CPU, median deviation {100 * spread:.2f} %, {rounds} rounds")
        print_stored(build, folder)
        if "perf -g 999 Hz" in cost:
            peer = cost["perf -g 999 Hz"]
            print("tacho / perf -g at 999 Hz: program x{:.2f}, with tool x{:.2f}".format(
                *(cost["tacho 999 Hz"][i] / peer[i] if peer[i] > 0 else float("nan") for i in (0, 1))))


if __name__ == "__main__":
    main()
