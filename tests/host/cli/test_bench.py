# Commands are timed in turns; a slower one is exit status 1; what a figure cannot say is said.
import csv
import fcntl
import io
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

TACHO = os.environ["TACHO_PROGRAM"]


class Bench(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()

    def tearDown(self):
        shutil.rmtree(self.folder)

    def tacho(self, *words, status=0):
        done = subprocess.run([TACHO, "bench", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60, cwd=self.folder)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def json(self, *words, status=0):
        return json.loads(self.tacho("--format", "json", *words, status=status).stdout)

    def log(self):
        with open(os.path.join(self.folder, "log")) as file:
            return file.read().split()

    def test_commands_take_turns_after_the_warm_up(self):
        self.tacho("-r", "4", "-w", "2", "echo a >> log", "echo b >> log", "echo c >> log")
        self.assertEqual("".join(self.log()), "abcabc" + "abccbaabccba")

    def test_it_is_prepared_before_each_run(self):
        self.tacho("-r", "2", "-w", "1", "--prepare", "echo p >> log", "echo a >> log")
        self.assertEqual("".join(self.log()), "papapa")

    def test_a_run_is_as_long_and_as_large_as_it_is(self):
        python = "python3 -c 'x = bytearray(100 << 20)'"
        sleep, large = self.json("-r", "3", "-w", "0", "sleep 0.05", python)["commands"]
        self.assertTrue(all(run["wall_seconds"] >= 0.05 for run in sleep["runs"]))
        self.assertLess(sleep["user_seconds"]["mean"], 0.05)
        self.assertGreater(large["rss_peak_bytes"]["min"], 100 << 20)
        self.assertFalse(sleep["in_shell"])
        self.assertTrue(large["in_shell"])
        self.assertEqual((sleep["count"], sleep["wall_seconds"]["p99"]), (3, None))
        self.assertEqual(sleep["wall_seconds"]["p50"],
                         sorted(run["wall_seconds"] for run in sleep["runs"])[1])

    def test_a_command_twice_as_slow_is_a_regression_that_a_rerun_confirms(self):
        words = ["--compare", "-r", "10", "--threshold", "20%"]
        done = self.json(*words, "sleep 0.02", "sleep 0.04", status=1)
        (result,) = done["comparisons"]
        self.assertEqual((result["verdict"], done["reran"]), ("regression", True))
        self.assertGreater(result["change"], 0.5)
        self.assertIsNotNone(done["noise"])
        text = self.tacho(*words, "sleep 0.04", "sleep 0.02").stdout
        self.assertIn("improvement: 'sleep 0.02' -", text)
        self.assertIn("noise of the machine, A/A", text)

    def test_too_few_runs_make_no_verdict(self):
        done = self.json("--compare", "-r", "3", "sleep 0.001", "sleep 0.02")
        self.assertEqual(done["comparisons"][0]["verdict"], "inconclusive")
        self.assertIsNone(done["noise"])

    def test_a_failing_command_stops_it_with_a_sentence(self):
        for words, sentence in [(["exit 3"], "'exit 3' failed with exit code 3"),
                                (["no-such-command"], "spelled right"),
                                (["--shell", "none", "no-such-command"], "cannot run"),
                                (["--prepare", "exit 4", "true"], "--prepare 'exit 4' failed"),
                                (["kill -9 $$"], "exit code 137")]:
            done = self.tacho("-r", "2", *words, status=3)
            self.assertIn(sentence, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_a_command_that_fails_half_of_the_time_is_named_and_not_judged(self):
        flaky = "if [ -e x ]; then rm x; exit 1; else touch x; fi"
        words = ["-i", "-w", "0", "-r", "20", "--compare", "true", flaky]
        done = self.json(*words)
        self.assertEqual(done["commands"][1]["failed"], 10)
        self.assertEqual(done["comparisons"][0]["verdict"], "inconclusive")
        self.assertIn("failed in 10 of 20 runs", self.tacho(*words).stdout)

    def test_sweeps_fill_in_every_combination(self):
        rows = csv.DictReader(io.StringIO(self.tacho(
            "-r", "1", "--format", "csv", "--param", "n=1..2", "--param", "m=x,y",
            "--name", "{m}\"{n}", "echo {n} {m} {other}").stdout))
        self.assertEqual([(row["name"], row["command"]) for row in rows],
                         [(f'{m}"{n}', f"echo {n} {m} {{other}}") for n in "12" for m in "xy"])

    def test_others_read_its_formats(self):
        done = json.loads(self.tacho("-r", "3", "--format", "hyperfine", "--param", "s=0.001",
                                     "sleep {s}").stdout)
        (result,) = done["results"]
        self.assertEqual(result["exit_codes"], [0, 0, 0])
        self.assertEqual(result["median"], sorted(result["times"])[1])
        self.assertEqual(result["parameters"], {"s": "0.001"})
        lines = self.tacho("-r", "3", "--format", "go", "--name", "a b", "true").stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[0], r"^Benchmark/a_b 1 \d+ ns/op \d+ user-ns/op \d+ sys-ns/op")

    def test_an_interruption_prints_what_was_measured(self):
        child = subprocess.Popen([TACHO, "bench", "--format", "json", "-r", "100000", "-w", "0",
                                  "echo a >> log; sleep 0.01"], cwd=self.folder, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if os.path.exists(os.path.join(self.folder, "log")) and len(self.log()) > 3:
                break
            time.sleep(0.005)
        child.send_signal(signal.SIGINT)
        out, error = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 3, error)
        self.assertIn("interrupted", error)
        done = json.loads(out)
        self.assertTrue(done["interrupted"])
        self.assertGreaterEqual(done["commands"][0]["count"], 3)

    def test_wrong_usage_is_a_sentence(self):
        for words, sentence in [([], "which command"), ([""], "empty command"),
                                (["--compare", "true"], "two commands"),
                                (["--threshold", "0", "true"], "not a change"),
                                (["--warmup", "1.5", "true"], "not a number of runs"),
                                (["--param", "n", "true"], "not NAME="),
                                (["--param", "n=1..900", "--param", "m=1..900", "true"], "1000"),
                                (["--name", "a", "true", "true"], "1 names")]:
            self.assertIn(sentence, self.tacho(*words, status=2).stderr)

    def test_progress_is_for_a_terminal_only_and_is_cleared(self):
        words = [TACHO, "bench", "-r", "30", "-w", "0", "sleep 0.02"]
        self.assertEqual(self.tacho(*words[2:]).stderr, "")
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave,
                       timeout=60, check=True)
        os.close(slave)
        shown = b""
        try:
            while block := os.read(master, 4096):
                shown += block
        except OSError:
            pass # the end of a terminal that nobody holds open any more
        os.close(master)
        self.assertRegex(shown.decode(), r"measuring: round \d+, about .* left")
        self.assertTrue(shown.endswith(b"\r\033[K"), shown)

    def test_output_of_commands_is_shown_only_if_asked_for(self):
        self.assertNotIn("seen", self.tacho("-r", "1", "--name", "x", "echo seen").stdout)
        self.assertIn("seen", self.tacho("-r", "1", "--show-output", "--name", "x", "echo seen").stdout)


if __name__ == "__main__":
    unittest.main()
