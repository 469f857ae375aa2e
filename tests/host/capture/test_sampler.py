# What the sampler takes is true: shares, complete stacks, whole process trees, rates.
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from sampled import names_of, program, sample, shares_of  # noqa: E402

FAST = ("--rate", "2999")


def off_by(share, truth):
    return abs(share - truth)


class Shares(unittest.TestCase):
    def test_known_shares_come_out_with_and_without_frame_pointers(self):
        for name in ("split_fp", "split_nofp"):
            taken = sample(program(name), "1", options=(*FAST, "--dump"))
            shares = shares_of(taken, program(name))
            self.assertGreater(taken["samples"], 1000)
            # Five standard deviations of that many draws.
            slack = 5 * (0.25 / taken["samples"]) ** 0.5
            self.assertLess(off_by(shares["split_heavy"], 0.6), slack)
            self.assertLess(off_by(shares["split_medium"], 0.3), slack)
            self.assertLess(off_by(shares["split_light"], 0.1), slack)

    def test_shares_are_those_of_perf_in_the_same_run(self):
        if not shutil.which("perf"):
            self.skipTest("perf is not installed")
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "perf.data")
            taken = sample("perf", "record", "-q", "-e", "cpu-clock", "-F", "4998", "-o", data,
                           program("split_nofp"), "2", options=("--rate", "4999", "--dump"))
            shares = shares_of(taken, program("split_nofp"))
            report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--comm",
                                     "split_nofp", "--percentage", "relative", "-F",
                                     "overhead,sym"], capture_output=True, text=True).stdout
        peer = {name: float(percent) / 100 for percent, name in
                re.findall(r"([\d.]+)%\s+\[\.\]\s+(\S+)", report)}
        if "split_heavy" not in peer:
            self.skipTest("perf took no samples here: " + report[-200:])
        for name in ("split_heavy", "split_medium", "split_light"):
            self.assertLess(off_by(shares[name], peer[name]), 0.03, name)

    def test_weights_add_up_to_the_cpu_time(self):
        taken = sample(program("split_nofp"), "1", options=FAST)
        truth = dict(line.split() for line in taken.output.splitlines())
        self.assertLess(abs(taken["cpu_s"] / float(truth["cpu_s"]) - 1), 0.02)


class Stacks(unittest.TestCase):
    def check_complete(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(command[0] + " is not installed")
        taken = sample(*command, options=("--rate", "1999"))
        self.assertGreater(taken["samples"], 100, command)
        self.assertGreater(taken.complete(), 0.99, (command, taken.notes))

    def test_stacks_of_python_are_complete(self):
        self.check_complete("/usr/bin/python3", "-c",
                            "import re\nfor i in range(150000): re.sub('a+b', 'c', 'aab' * 8)")

    def test_stacks_of_sqlite_are_complete(self):
        self.check_complete("sqlite3", ":memory:",
                            "with recursive c(x) as (select 1 union all select x+1 from c where "
                            "x<1500000) select sum(x*x%7) from c")

    def test_stacks_of_xz_with_threads_are_complete(self):
        self.check_complete("xz", "-T2", "-3", "-kc", os.path.realpath("/usr/bin/python3"))

    def test_stacks_of_a_shell_and_its_children_are_complete(self):
        self.check_complete("bash", "-c", "for i in $(seq 200); do /bin/true; done; "
                                          "for ((i = 0; i < 150000; i++)); do :; done")

    def test_a_recursion_has_its_depth_also_without_frame_pointers(self):
        for name in ("recursion_fp", "recursion_nofp"):
            taken = sample(program(name), "0.4", "60", options=("--dump", *FAST))
            right = 0  # the last call of the sixty is a jump
            stacks = [names for _, names in names_of(taken, program(name))
                      if names and names[0] == "recursion_leaf"]
            for names in stacks:
                inner = [n for n in names if n in ("recursion_even", "recursion_odd")]
                right += len(inner) == 59 and "main" in names and "recursion_start" in names
            self.assertGreater(len(stacks), 300)
            self.assertGreater(right / len(stacks), 0.99)

    def test_copies_shrink_to_the_stacks_and_grow_until_deep_ones_fit(self):
        shallow = sample(program("split_nofp"), "1.5", options=("--rate", "997"))
        self.assertLess(shallow["stack_bytes"], 32 << 10)
        self.assertGreater(shallow.complete(), 0.99)
        taken = sample("sh", "-c", f"{program('split_nofp')} 1; {program('recursion_nofp')} 3 700",
                       options=("--dump", "--rate", "997"))
        self.assertGreaterEqual(taken["stack_bytes"], 12 << 10)
        late = taken.stacks[len(taken.stacks) * 5 // 6:]
        cut = sum(1 for _, _, flags, _ in late if flags & 1)
        self.assertLess(cut / len(late), 0.01, taken.notes)

    def test_stacks_go_on_through_the_kernel(self):
        if os.geteuid() != 0:
            self.skipTest("only root may sample the kernel here")
        command = ("dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=4000")
        both = [a for _, _, _, a in sample(*command, options=("--dump", *FAST)).stacks
                if a[0] >= 1 << 63 and a[-1] < 1 << 63]
        self.assertGreater(len(both), 50)
        without = sample(*command, options=("--dump", "--no-kernel", *FAST)).stacks
        self.assertGreater(len(without), 50)
        self.assertFalse([a for _, _, _, a in without if len(a) > 1 and a[0] >= 1 << 63])

    def test_code_made_by_a_jit_is_walked_by_frame_pointer(self):
        taken = sample(program("jit"), "0.3", options=("--dump", *FAST))
        os.remove(dict(line.split() for line in taken.output.splitlines())["map"])
        made = [a for pid, _, flags, a in taken.stacks
                if any(s <= a[0] < e and not w.startswith("/usr") and "jit" not in w
                       for s, e, _, w in taken.maps[pid] if w.startswith("//anon"))]
        self.assertGreater(len(made), 300)

    def test_walking_by_frame_pointer_alone_is_possible(self):
        taken = sample(program("recursion_fp"), "0.3", "20",
                       options=("--dump", "--unwind", "fp", *FAST))
        stacks = [names for _, names in names_of(taken, program("recursion_fp"))
                  if names and names[0] == "recursion_leaf"]
        deep = sum(1 for names in stacks if names.count("recursion_even") == 9)
        self.assertGreater(deep / max(1, len(stacks)), 0.9)


PYTHON = """
import time
def spin_heavy(n):
    s = 0
    for i in range(6 * n): s += i * i
    return s
def spin_medium(n):
    s = 0
    for i in range(3 * n): s += i * i
    return s
def spin_größe(n):
    s = 0
    for i in range(n): s += i * i
    return s
class Work:
    def medium(self, n, one=1, two=2, three=3):
        four, five = one, two
        return spin_medium(n)
    @staticmethod
    def key(n):
        return spin_größe(n)
def main():
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        spin_heavy(900)
        Work().medium(900)
        sorted([900], key=Work.key)
main()
"""


class Python(unittest.TestCase):
    def setUp(self):
        version = subprocess.run(["/usr/bin/python3", "--version"], capture_output=True, text=True)
        if " 3.11." not in version.stdout:
            self.skipTest("names are read from Python 3.11 only")

    def test_python_functions_have_their_names_and_shares(self):
        script = PYTHON.replace("SECONDS", "1.5")
        taken = sample("/usr/bin/python3", "-c", script, options=("--rate", "999", "--dump"))
        self.assertGreater(len(taken.python), 0.7 * taken["samples"])
        selfs, callers = {}, {}
        for _, names in taken.python:
            inner = names[0][1]
            selfs[inner] = selfs.get(inner, 0) + 1
            if len(names) > 1:
                callers.setdefault(inner, []).append(names[1][1])
        total, slack = len(taken.python), 5 * (0.25 / len(taken.python)) ** 0.5
        self.assertLess(abs(selfs["spin_heavy"] / total - 0.6), slack)
        self.assertLess(abs(selfs["spin_medium"] / total - 0.3), slack)
        self.assertLess(abs(selfs["spin_größe"] / total - 0.1), slack)
        # The function itself is that of the sample; its callers are read a little later.
        for inner, caller in (("spin_heavy", "main"), ("spin_medium", "Work.medium"),
                              ("spin_größe", "Work.key")):
            right = callers[inner].count(caller) / len(callers[inner])
            self.assertGreater(right, 0.5, (inner, callers[inner][:20]))

    def test_names_come_with_the_line_of_the_function(self):
        taken = sample("/usr/bin/python3", "-c", PYTHON.replace("SECONDS", "0.5"),
                       options=("--rate", "999", "--dump"))
        lines = {name: line for _, names in taken.python for _, name, line in names}
        self.assertEqual(lines["spin_heavy"], 3)
        self.assertEqual(lines["<module>"], 1)

    def test_the_agents_stacks_have_python_names_too(self):
        taken = sample("/usr/bin/python3", "-c", PYTHON.replace("SECONDS", "1"),
                       options=("--rate", "999", "--dump", "--kind", "agent"))
        self.assertGreater(len(taken.python), 0.4 * taken["samples"])

    def test_other_interpreters_keep_their_native_frames(self):
        others = [path for path in ("/usr/bin/perl", "/usr/bin/node") if os.path.exists(path)]
        for path in others:
            taken = sample(path, "-e", "for (let i = 0; i < 1e7; i++);" if "node" in path else
                           "for ($i = 0; $i < 2000000; $i++) {}", options=("--dump", *FAST))
            self.assertFalse(taken.python)
            self.assertGreater(taken["samples"], 20)


class Trees(unittest.TestCase):
    def test_a_thousand_children_are_seen(self):
        taken = sample(program("forks"), "1000", options=("--rate", "4999", "--dump"))
        self.assertEqual(taken["lost"], 0)
        self.assertGreaterEqual(taken["threads"], 1000)
        self.assertGreater(len({pid for pid, _, _, _ in taken.stacks}), 200)
        work = sum(w for w, names in names_of(taken, program("forks"))
                   if "forks_child_work" in names)
        truth = dict(line.split() for line in taken.output.splitlines())
        self.assertGreater(work / 1e9, 0.3 * float(truth["children_cpu_s"]))

    def test_two_thousand_threads_are_seen(self):
        taken = sample(program("many_threads"), "2000", options=("--rate", "4999", "--dump"))
        self.assertEqual(taken["lost"], 0)
        self.assertGreaterEqual(taken["threads"], 2000)
        # A thread that was just made may have a stack that cannot be read yet.
        self.assertGreater(taken.complete(), 0.96, taken.notes)

    def test_a_process_that_runs_is_sampled_with_all_its_threads(self):
        with subprocess.Popen([program("cpp_threads"), "20", "4"], stdout=subprocess.DEVNULL) as run:
            try:
                while len(os.listdir(f"/proc/{run.pid}/task")) < 5:
                    time.sleep(0.01)
                taken = sample(options=("--pid", str(run.pid), "--for", "0.8", "--dump", *FAST))
            finally:
                run.kill()
        self.assertGreater(taken["samples"], 500)
        self.assertGreater(taken.complete(), 0.99, taken.notes)

    def test_children_that_a_process_has_already_are_sampled(self):
        with subprocess.Popen(["sh", "-c", f"{program('split_nofp')} 20 & wait"],
                              stdout=subprocess.DEVNULL, start_new_session=True) as run:
            try:
                while subprocess.run(["pgrep", "-P", str(run.pid), "-x", "split_nofp"],
                                     capture_output=True).returncode:
                    time.sleep(0.01)
                taken = sample(options=("--pid", str(run.pid), "--for", "0.5", "--dump", *FAST))
            finally:
                os.killpg(run.pid, 9)
        self.assertGreater(shares_of(taken, program("split_nofp"))["split_heavy"], 0.4)

    def test_threads_that_start_while_attached_are_sampled_once(self):
        # The weights cannot exceed the time that two CPUs had, unless a thread is sampled twice.
        script = ("import threading, time\n"
                  "def work():\n    end = time.thread_time() + 0.02\n"
                  "    while time.thread_time() < end: pass\n"
                  "while True:\n    t = threading.Thread(target=work); t.start(); t.join()")
        with subprocess.Popen(["/usr/bin/python3", "-c", script]) as run:
            try:
                time.sleep(0.2)
                before = os.times()
                taken = sample(options=("--pid", str(run.pid), "--for", "1", *FAST))
                after = os.times()
            finally:
                run.kill()
        self.assertGreater(taken["threads"], 2)
        self.assertLess(taken["cpu_s"], 1.15 * (after.elapsed - before.elapsed))

    def test_the_asked_rate_is_reached(self):
        for rate in (99, 999, 9999):
            taken = sample(program("split_nofp"), "0.7", options=("--rate", str(rate)))
            self.assertLess(abs(taken["rate_hz"] / rate - 1), 0.1)


class Waits(unittest.TestCase):
    def test_time_off_the_cpu_is_where_the_program_waits(self):
        taken = sample(program("waits"), "8", options=("--off-cpu", "--dump"))
        if any("off-CPU time needs" in note for note in taken.notes):
            self.skipTest("sampling context switches is not permitted here")
        truth = dict(line.split() for line in taken.output.splitlines())
        found = {}
        for weight, names in names_of(taken, program("waits")):
            for name in set(names):
                found[name] = found.get(name, 0) + weight / 1e9
        for name in ("waits_sleep", "waits_read", "waits_lock", "waits_condition"):
            self.assertLess(abs(found[name] / float(truth[name + "_s"]) - 1), 0.1, name)


if __name__ == "__main__":
    unittest.main()
