#!/usr/bin/env python3
# How long tacho takes to start: its version, through the wrapper, and around a program that does nothing.
#
#   bench/startup.py [TACHO] [ROUNDS]
#
# All commands take turns in one run; the table has the median of each and what it adds to `true`, the
# median of the differences within a round. The peer for `tacho run -- true` is `perf record -g -- true`.

import os
import shutil
import statistics
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))


def once(words, folder):
    """Wall time in ms from the spawn to the end of a command, and its exit status."""
    null = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    env = dict(os.environ, XDG_DATA_HOME=folder)
    begin = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, env, file_actions=null)
    _, status = os.waitpid(pid, 0)
    return (time.perf_counter() - begin) * 1000, os.waitstatus_to_exitcode(status)


def main():
    tacho = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/host/cli/tacho")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 21
    with tempfile.TemporaryDirectory(prefix="tacho-startup-") as folder:
        commands = {
            "true": ["true"],
            "tacho --version": [tacho, "--version"],
            "./tacho --version": [os.path.join(ROOT, "tacho"), "--version"],
            "tacho run -- true": [tacho, "run", "--", "true"],
            "perf record -g -- true": ["perf", "record", "-q", "-g", "-o", folder + "/perf.data",
                                       "--", "true"],
        }
        for name, words in list(commands.items()):
            if not shutil.which(words[0]):
                print(f"{name}: skipped, {words[0]} is not installed")
                del commands[name]
            elif once(words, folder)[1] != 0:
                print(f"{name}: skipped, it fails here")
                del commands[name]
        times = {name: [] for name in commands}
        for _ in range(rounds):
            for name, words in commands.items():
                times[name].append(once(words, folder)[0])
    print(f"{'command':26} {'median ms':>10} {'over true ms':>13}   ({rounds} rounds)")
    for name, values in times.items():
        over = statistics.median(a - b for a, b in zip(values, times["true"]))
        print(f"{name:26} {statistics.median(values):10.2f} {over:13.2f}")


if __name__ == "__main__":
    sys.exit(main())
