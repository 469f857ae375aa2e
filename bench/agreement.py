#!/usr/bin/env python3
# Holds what `tacho run` says against perf, /usr/bin/time and getrusage, on programs of many kinds.
#
# Usage: bench/agreement.py TACHO PROGRAMS   (the command; the folder of the built test programs)
#
# Shares: each program is run under `perf record` and under tacho, one after the other, and the share of
# self time of each function is compared; both are samples, so that the expected difference of two shares p
# is about sqrt(2 p (1 - p) / n). Resources: one run under `/usr/bin/time -v`, one under tacho.
import collections
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile

RATE_HZ = 999


def programs(folder, scripts):
    rows = [
        ("C, frame pointers", [f"{folder}/split_fp", "4"]),
        ("C, no frame pointers", [f"{folder}/split_nofp", "4"]),
        ("C++, threads", [f"{folder}/cpp_threads", "4"]),
        ("python3", ["python3", f"{scripts}/work.py", "4"]),
        ("node", ["node", "--perf-basic-prof", "--interpreted-frames-native-stack", f"{scripts}/work.js", "4"]),
        ("sqlite3", ["sh", "-c", f"for i in 1 2 3 4 5 6 7 8; do sqlite3 :memory: < {scripts}/work.sql; done"]),
        ("xz -T2", ["xz", "-T2", "-k", "-c", "-6", f"{scripts}/../../build.input"]),
    ]
    return [row for row in rows if shutil.which(row[1][0])]


def perf_shares(command, folder):
    data = os.path.join(folder, "perf.data")
    done = subprocess.run(["perf", "record", "-q", "-F", str(RATE_HZ), "-g", "-o", data, "--", *command],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if not os.path.exists(data):
        sys.exit(f"perf record failed: {done.stderr}")
    text = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso", "--no-inline", "-G"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    counts = collections.Counter()
    for line in text.splitlines():
        match = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", line)
        if match:
            counts[plain(match.group(1))] += 1
    os.unlink(data)
    return counts


# Names as both tools can agree on: no signature, template arguments, return type or clone suffix; what has
# no name in one heap.
INTERPRETED = {name: "_PyEval_EvalFrameDefault" for name in ("python_hot", "python_cold", "main", "<module>")}


def plain(name):
    name = re.sub(r"\+0x[0-9a-f]+$", "", name)
    if name.startswith("JS:"): # "JS:*name file:line:column"
        return re.sub(r"^JS:[*~^+]?(\S*) .*", r"\1", name)
    if name.startswith(("[", "lib")) or ".so" in name:
        return "[unknown]"
    while "<" in name and (shorter := re.sub(r"<[^<>]*>", "", name)) != name:
        name = shorter
    name = re.sub(r"\(.*", "", name).split(" ")[-1]
    return re.sub(r"\.(isra|part|constprop|cold)\.?\d*", "", name)


def tacho_shares(tacho, command, folder):
    is_python = command[0] == "python3"
    path = os.path.join(folder, "folded")
    subprocess.run([tacho, "run", "-q", "--no-store", "--rate", str(RATE_HZ), "--format", "folded",
                    "-o", path, "--", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    counts = collections.Counter()
    with open(path) as file:
        for line in file:
            stack, weight = line.rsplit(" ", 1)
            frames = stack.split(";")
            while len(frames) > 1 and frames[-1].endswith("_[i]"): # the function that it was inlined into
                frames.pop()
            name = plain(re.sub(r"_\[[kij]\]$", "", frames[-1]))
            # perf sees the interpreter where tacho names the function that it interprets.
            counts[INTERPRETED.get(name, name) if is_python else name] += int(weight)
    return counts


def compare(tacho, name, command, folder):
    ours, theirs = tacho_shares(tacho, command, folder), perf_shares(command, folder)
    n_ours, n_theirs = sum(ours.values()), sum(theirs.values())
    worst, worst_name = 0, ""
    shown = []
    for function, count in theirs.most_common(8):
        share = count / n_theirs
        if share < 0.02:
            break
        own = ours[function] / n_ours if n_ours else math.nan
        shown.append(f"{function} {100 * own:.1f}/{100 * share:.1f}")
        if abs(own - share) > worst:
            worst, worst_name = abs(own - share), function
    noise = math.sqrt(2 * 0.25 / max(1, n_theirs))
    print(f"{name:22} {n_theirs:8} {100 * worst:10.1f}  {worst_name[:28]:28} {100 * noise:6.1f}   "
          + ", ".join(shown[:3]), flush=True)


def time_v(command):
    done = subprocess.run(["/usr/bin/time", "-v", *command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    def field(label):
        return float(re.search(rf"{re.escape(label)}[^:]*: ([\d.]+)", done.stderr).group(1))
    return {"cpu s": field("User time") + field("System time"),
            "peak MiB": field("Maximum resident set size") / 1024,
            "minor faults": field("Minor (reclaiming a frame) page faults"),
            "switches to wait": field("Voluntary context switches")}


def tacho_resources(tacho, command, folder):
    path = os.path.join(folder, "json")
    subprocess.run([tacho, "run", "-q", "--no-store", "--format", "json", "-o", path, "--", *command],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(path) as file:
        metrics = {metric["name"]: metric for metric in json.load(file)["metrics"]
                   if metric["subject"] == "run"}
    def last(name):
        return metrics[name]["total"] if metrics[name].get("total") is not None else metrics[name]["last"]
    return {"cpu s": last("cpu_user_seconds") + last("cpu_system_seconds"),
            "peak MiB": metrics["rss_peak_bytes"]["max"] / 2**20,
            "minor faults": last("page_faults_minor"),
            "switches to wait": last("context_switches_voluntary")}


def main():
    tacho, folder = sys.argv[1], sys.argv[2]
    scripts = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "programs")
    with tempfile.TemporaryDirectory() as work:
        sample = os.path.join(work, "input")
        with open(sample, "wb") as file:
            for path in sorted(os.listdir("/usr/lib/x86_64-linux-gnu"))[:400]:
                path = os.path.join("/usr/lib/x86_64-linux-gnu", path)
                if os.path.isfile(path) and file.tell() < 24_000_000:
                    with open(path, "rb") as library:
                        file.write(library.read(2_000_000))
        rows = programs(folder, scripts)
        for _, command in rows:
            command[:] = [sample if word.endswith("build.input") else word for word in command]
        print(f"shares of self time, tacho against perf record -F {RATE_HZ} -g, in per cent")
        print(f"{'program':22} {'samples':>8} {'worst diff':>10}  {'of':28} {'noise':>6}   tacho/perf")
        for name, command in rows:
            compare(tacho, name, command, work)
        print("\nresources, tacho / time -v")
        for name, command in rows:
            theirs, ours = time_v(command), tacho_resources(tacho, command, work)
            print(f"{name:22} " + "  ".join(f"{key} {ours[key]:.2f}/{theirs[key]:.2f}" for key in theirs),
                  flush=True)


if __name__ == "__main__":
    main()
