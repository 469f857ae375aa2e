# Where sampling is refused, or the target is gone, the sampler says so and goes on.
import os
import pwd
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from sampled import BUILD, names_of, program, sample, shares_of  # noqa: E402


def notes(taken):
    return "\n".join(taken.notes)


class Refused(unittest.TestCase):
    def check_shares(self, taken, name):
        shares = shares_of(taken, program(name))
        slack = 5 * (0.25 / taken["samples"]) ** 0.5
        self.assertLess(abs(shares["split_heavy"] - 0.6), slack)
        self.assertLess(abs(shares["split_light"] - 0.1), slack)

    def test_an_agent_samples_where_the_system_call_is_refused(self):
        taken = sample(program("split_nofp"), "1.5", refused=True,
                       options=("--rate", "999", "--dump"))
        if taken.done.returncode == 77:
            self.skipTest(taken.done.stderr)
        self.assertIn("perf_event_open is refused (Operation not permitted)", notes(taken))
        self.assertIn("seccomp", notes(taken))
        self.assertEqual(taken["uses_agent"], 1)
        self.assertGreater(taken["samples"], 50)
        self.check_shares(taken, "split_nofp")
        truth = dict(line.split() for line in taken.output.splitlines())
        self.assertLess(abs(taken["cpu_s"] / float(truth["cpu_s"]) - 1), 0.1)

    def test_the_rate_that_the_kernel_gave_is_told(self):
        taken = sample(program("split_nofp"), "1", refused=True, options=("--rate", "9999"))
        self.assertLess(taken["rate_hz"], 5000)
        self.assertIn("asked for 9999 Hz, the kernel's timer tick gave", notes(taken))

    def test_the_agents_stacks_are_complete(self):
        taken = sample("/usr/bin/python3", "-c", "sum(i * i for i in range(8000000))", refused=True,
                       options=("--rate", "999"))
        self.assertGreater(taken["samples"], 20)
        self.assertGreater(taken.complete(), 0.98, taken.notes)

    def test_the_agent_follows_threads_and_children(self):
        taken = sample(program("cpp_threads"), "0.4", "4", refused=True,
                       options=("--rate", "999", "--dump"))
        self.assertEqual(taken.done.returncode, 0)
        self.assertGreater(taken["threads"], 4)
        self.assertGreater(taken["cpu_s"], 1.2)
        taken = sample("sh", "-c", f"{program('split_nofp')} 0.3; {program('split_fp')} 0.3",
                       refused=True, options=("--rate", "999", "--dump"))
        self.assertGreater(taken["cpu_s"], 0.5)
        for name in ("split_nofp", "split_fp"):
            self.assertTrue([1 for _, names in names_of(taken, program(name))
                             if "split_heavy" in names], name)

    def test_many_threads_and_children_survive_the_agent(self):
        taken = sample(program("many_threads"), "2000", refused=True)
        self.assertIn("threads 2000", taken.output)
        self.assertEqual(taken.done.returncode, 0)
        taken = sample(program("forks"), "1000", refused=True)
        self.assertIn("children 1000", taken.output)
        self.assertIn("broken 0", taken.output)

    def test_the_agent_leaves_signals_of_the_program_alone(self):
        script = ("import signal, time\nseen = []\n"
                  "signal.signal(signal.SIGPROF, lambda *a: seen.append(1))\n"
                  "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {signal.SIGPROF})\n"
                  "signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)\n"
                  "end = time.process_time() + 0.4\n"
                  "while time.process_time() < end: pass\n"
                  "signal.setitimer(signal.ITIMER_PROF, 0)\nprint('seen', len(seen))")
        taken = sample("/usr/bin/python3", "-c", script, refused=True, options=("--rate", "99"))
        self.assertEqual(taken.done.returncode, 0, taken.done.stderr)
        self.assertGreater(int(taken.output.split()[1]), 20)
        self.assertGreater(taken["samples"], 20)

    def test_a_process_that_runs_is_refused_in_words(self):
        taken = sample(refused=True, options=("--pid", str(os.getpid()), "--for", "0.1"))
        self.assertEqual(taken["samples"], 0)
        self.assertIn("cannot be sampled without perf_event_open", notes(taken))

    def test_a_program_without_the_agent_is_noticed(self):
        if not shutil.which("busybox") and not os.path.exists("/sbin/ldconfig"):
            self.skipTest("no statically linked program here")
        taken = sample("/sbin/ldconfig", "-p", refused=True)
        if taken["samples"]:
            self.skipTest("/sbin/ldconfig is not statically linked")
        self.assertIn("no program loaded the agent", notes(taken))

    def test_nonsense_in_the_agents_ring_does_no_harm(self):
        taken = sample(os.path.join(BUILD, "tests", "host", "capture", "hostile_agent"), refused=True)
        self.assertIn("done", taken.output)
        self.assertEqual(taken.done.returncode, 0, taken.done.stderr)
        self.assertIn("samples", taken.figures)

    def test_no_file_is_left_behind(self):
        before = set(os.listdir("/dev/shm"))
        sample(program("split_nofp"), "0.1", refused=True)
        self.assertFalse([n for n in set(os.listdir("/dev/shm")) - before if "agent" in n])


class Gone(unittest.TestCase):
    def test_a_command_that_ends_at_once_is_no_trouble(self):
        for _ in range(5):
            taken = sample("true")
            self.assertEqual(taken.done.returncode, 0, taken.done.stderr)

    def test_a_command_that_is_not_there_is_no_trouble(self):
        taken = sample("/no/such/command")
        self.assertEqual(taken.done.returncode, 0)
        self.assertIn("No such file", taken.done.stderr)

    def test_a_command_that_is_killed_keeps_its_samples(self):
        taken = sample("sh", "-c", f"{program('split_nofp')} 5 & sleep 0.5; kill -9 $!",
                       options=("--rate", "999"))
        self.assertGreater(taken["samples"], 20)

    def test_a_process_that_is_gone_is_told(self):
        with subprocess.Popen(["true"]) as run:
            run.wait()
        taken = sample(options=("--pid", str(run.pid), "--for", "0.1"))
        self.assertEqual(taken["samples"], 0)
        self.assertIn("no CPU profile", notes(taken))

    def test_a_process_that_ends_while_attached_keeps_its_samples(self):
        with subprocess.Popen([program("split_nofp"), "0.4"], stdout=subprocess.DEVNULL) as run:
            taken = sample(options=("--pid", str(run.pid), "--for", "1", "--rate", "999"))
        self.assertGreater(taken["samples"], 50)

    def test_another_users_process_is_refused_in_words(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to become another user")
        nobody = pwd.getpwnam("nobody").pw_uid
        probe = subprocess.run(["test", "-x", program("split_nofp")], user=nobody)
        if probe.returncode:
            self.skipTest("another user cannot reach the build folder")
        taken = sample(options=("--pid", str(os.getpid()), "--for", "0.1"), user=nobody)
        self.assertEqual(taken["samples"], 0)
        self.assertTrue("ermission" in notes(taken) or "not permitted" in notes(taken), notes(taken))

    def test_without_rights_own_programs_are_sampled(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to become another user")
        nobody = pwd.getpwnam("nobody").pw_uid
        if subprocess.run(["test", "-x", program("split_nofp")], user=nobody).returncode:
            self.skipTest("another user cannot reach the build folder")
        with open("/proc/sys/kernel/perf_event_paranoid") as file:
            paranoid = int(file.read())
        taken = sample(program("split_nofp"), "0.5", options=("--rate", "999", "--dump"), user=nobody)
        self.assertGreater(taken["samples"], 50, notes(taken))
        if paranoid == 2:
            self.assertIn("time inside the kernel is not sampled: kernel.perf_event_paranoid is 2",
                          notes(taken))
            self.assertGreater(taken.complete(), 0.99)


if __name__ == "__main__":
    unittest.main()
