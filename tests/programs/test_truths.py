# The programs to observe do what they say: their shares, counts and times are those they are built for.
import os
import subprocess
import sys

FOLDER = os.path.join(os.environ["TACHO_BINARY_DIR"], "tests", "programs")
SCRIPTS = os.path.join(os.environ["TACHO_SOURCE_DIR"], "tests", "programs")
failures = []


def run(*words, status=0):
    command = [os.path.join(FOLDER, words[0])] + list(words[1:])
    if words[0].startswith("/"):
        command = list(words)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != status:
        failures.append(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def near(truth, key, expected, slack):
    value = float(truth.get(key, "nan"))
    if not abs(value - expected) <= slack:
        failures.append(f"{key} is {value}, not {expected} +- {slack}")


def at_least(truth, key, least):
    value = float(truth.get(key, "nan"))
    if not value >= least:
        failures.append(f"{key} is {value}, below {least}")


def check_cpu_programs():
    for name in ("split_fp", "split_nofp", "split_stripped", "split_debuglink"):
        truth = run(name, "0.2")
        near(truth, "split_heavy", 0.6, 0.04)
        near(truth, "split_medium", 0.3, 0.04)
    for name in ("recursion_fp", "recursion_nofp"):
        near(run(name, "0.05", "400"), "depth", 400, 0)
    truth = run("plugin_host", "0.2", "4")
    near(truth, "loads", 4, 0)
    near(truth, "plugin_work", 0.5, 0.04)
    truth = run("cpp_threads", "0.1", "4")
    near(truth, "threads", 4, 0)
    at_least(truth, "caught", 1)
    near(truth, "cpu_s", 0.4, 0.1)


def check_made_code():
    truth = run("jit", "0.2", status=0)
    near(truth, "jit_hot", 0.75, 0.04)
    with open(truth["map"], encoding="ascii") as perf_map:
        names = [line.split()[2] for line in perf_map]
    os.remove(truth["map"])
    if names != ["jit_hot", "jit_cold"]:
        failures.append(f"the map names {names}")


def check_many():
    truth = run("forks", "200")
    near(truth, "children", 200, 0)
    near(truth, "broken", 0, 0)
    near(run("forks", "50", "1"), "broken", 0, 0)
    truth = run("many_threads", "2000", "20")
    near(truth, "threads", 2000, 0)


def check_growth_and_waits():
    truth = run("grow", "0.2", "50")
    near(truth, "grown_bytes", 0.2 * 50 * 1048576, 16384)
    truth = run("waits", "2")
    for key, expected in (("sleep", 0.08), ("read", 0.06), ("lock", 0.04), ("condition", 0.02)):
        at_least(truth, f"waits_{key}_s", expected * 0.9)


def check_scripts():
    truth = run("/usr/bin/python3", os.path.join(SCRIPTS, "work.py"), "0.2")
    near(truth, "python_hot", 0.75, 0.06)
    if run("split_fp", "x", status=2):
        failures.append("split_fp took x for a number")


for check in (check_cpu_programs, check_made_code, check_many, check_growth_and_waits, check_scripts):
    check()
for failure in failures:
    print(failure, file=sys.stderr)
sys.exit(1 if failures else 0)
