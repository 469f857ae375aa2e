# Runs sampler_probe and reads what it printed; used by the sampler's tests.
import collections
import os
import re
import subprocess
import tempfile

BUILD = os.environ["TACHO_BINARY_DIR"]
PROBE = os.path.join(BUILD, "tests", "host", "capture", "sampler_probe")
REFUSE = os.path.join(BUILD, "tests", "host", "capture", "refuse_perf")
AGENT = os.path.join(BUILD, "host", "agent", "libtacho-agent.so")
PROGRAMS = os.path.join(BUILD, "tests", "programs")


def program(name):
    return os.path.join(PROGRAMS, name)


class Sampled:
    """What one observation gave: figures, notes, maps, stacks (process, weight, flags, addresses)."""

    def __init__(self, text, done):
        self.figures, self.notes, self.stacks = {}, [], []
        self.python = []  # (weight, [(place, function, line)]) of stacks with Python names
        self.maps = collections.defaultdict(list)
        self.profiles, self.done = [], done
        self.output = done.stdout
        programs = collections.Counter()  # a process can become another program; each has its maps
        for line in text.splitlines():
            word, _, rest = line.partition(" ")
            if word == "note":
                self.notes.append(rest)
            elif word == "profile":
                self.profiles.append(rest)
            elif word == "stack":
                pid, weight, flags, *addresses = rest.split(" ")
                self.stacks.append(((int(pid), programs[pid]), int(weight), int(flags),
                                    [int(address, 16) for address in addresses]))
            elif word == "python":
                names = [re.fullmatch(r"(.*):(\d+)@(\d+)", name).groups() for name in rest.split(" ")]
                self.python.append((self.stacks[-1][1],
                                    [(int(at), name, int(line)) for name, line, at in names]))
            elif word == "map":
                pid, start, end, offset, path = rest.split(" ", 4)
                if path == "-":
                    programs[pid] += 1
                self.maps[int(pid), programs[pid]].append(
                    (int(start, 16), int(end, 16), int(offset, 16), path))
            elif rest:
                self.figures[word] = float(rest)

    def __getitem__(self, name):
        return self.figures[name]

    def complete(self):
        return self["complete"] / max(1, self["samples"])


def sample(*command, options=(), refused=False, prefix=(), timeout=60, user=None):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        out = os.path.join(folder, "out")
        words = list(prefix) + ([REFUSE] if refused else [])
        words += [PROBE, "--agent", AGENT, "--out", out, *options]
        if command:
            words += ["--", *command]
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, user=user,
                              errors="replace")
        text = ""
        if os.path.exists(out):
            with open(out, errors="replace") as file:
                text = file.read()
        return Sampled(text, done)


class Symbols:
    """The functions of an ELF file by address, from nm."""

    def __init__(self, path):
        self.path = path
        self.items = []
        headers = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True).stdout
        self.loads = [tuple(int(number, 16) for number in re.split(r"\s+", line.strip())[1:6])
                      for line in headers.splitlines() if line.strip().startswith("LOAD")]
        for line in subprocess.run(["nm", "-nS", "--defined-only", path], capture_output=True,
                                   text=True).stdout.splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in "tTwW":
                self.items.append((int(words[0], 16), int(words[1], 16), words[3]))

    def name(self, file_offset):
        for offset, address, _, size, _ in self.loads:
            if offset <= file_offset < offset + size:
                at = file_offset - offset + address
                for start, length, name in self.items:
                    if start <= at < start + length:
                        return name
        return None


def names_of(sampled, path):
    """For each stack of the program at `path`: weight, names innermost first (None: other files)."""
    symbols = Symbols(path)
    known = {}
    runs = {run for run, maps in sampled.maps.items() if any(m[3] == path for m in maps)}
    for run, weight, _, addresses in sampled.stacks:
        if run not in runs:
            continue
        names = []
        for at, address in enumerate(a for a in addresses if a < 1 << 63):
            key = (run, address, at == 0)
            if key not in known:
                known[key] = None
                for start, end, offset, where in sampled.maps[run]:
                    if start <= address < end and where == path:
                        known[key] = symbols.name(address - start + offset - (at > 0))
            names.append(known[key])
        yield weight, names


def shares_of(sampled, path):
    """Self time by function, as parts of the whole."""
    sums, total = collections.Counter(), 0
    for weight, names in names_of(sampled, path):
        total += weight
        if names:
            sums[names[0]] += weight
    return {name: weight / total for name, weight in sums.items()}
