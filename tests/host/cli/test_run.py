# tacho run as a user and a script meet it: what it passes through, what it says, what it leaves behind.
import glob
import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TACHO = os.environ["TACHO_PROGRAM"]
PROGRAMS = os.path.join(os.environ["TACHO_BINARY_DIR"], "tests", "programs")


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tacho-test-")
        self.store = os.path.join(self.folder, "store.db")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def tacho(self, *words, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("timeout", 60)
        return subprocess.run([TACHO, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, **options)

    def run_(self, *words, **options):
        return self.tacho("run", "--store", self.store, *words, **options)

    def facts(self, *words):
        done = self.run_("--format", "json", "-o", os.path.join(self.folder, "r.json"), *words)
        with open(os.path.join(self.folder, "r.json")) as file:
            return done, json.load(file)

    def runs(self):
        return json.loads(self.tacho("runs", "list", "--store", self.store, "--format", "json").stdout)


class PassesThrough(Base):
    def test_output_is_the_commands_own(self):
        done = self.run_("--", "sh", "-c", "echo out; echo err >&2")
        self.assertEqual(done.stdout, "out\n")
        self.assertIn("err\n", done.stderr)

    def test_input_reaches_the_command(self):
        done = subprocess.run([TACHO, "run", "-q", "--store", self.store, "--", "tr", "a-z", "A-Z"],
                              input="hello", stdout=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.stdout, "HELLO")

    def test_exit_status_is_the_commands(self):
        for code in (0, 1, 2, 3, 42, 255):
            self.assertEqual(self.run_("-q", "--", "sh", "-c", f"exit {code}").returncode, code)

    def test_death_by_signal_is_128_and_the_signal(self):
        done = self.run_("--", "sh", "-c", "kill -SEGV $$")
        self.assertEqual(done.returncode, 128 + signal.SIGSEGV)
        self.assertIn("SEGV", done.stderr.upper())

    def test_the_command_keeps_the_terminal(self):
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(TACHO, [TACHO, "run", "-q", "--store", self.store, "--", "sh", "-c",
                             "test -t 0 && test -t 1 && test -t 2 && stty size && echo on-a-terminal"])
        seen = b""
        while True:
            try:
                data = os.read(fd, 4096)
            except OSError:
                break
            if not data:
                break
            seen += data
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        self.assertIn(b"on-a-terminal", seen)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)

    def test_limits_and_ignored_signals_are_handed_on(self):
        done = self.run_("-q", "--", "sh", "-c", "ulimit -n; grep SigIgn /proc/self/status")
        limit, ignored = done.stdout.split("\n")[:2]
        self.assertEqual(limit, str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        bare = subprocess.run(["grep", "SigIgn", "/proc/self/status"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(ignored, bare.stdout.strip())


class Refuses(Base):
    def test_a_command_that_is_not_there(self):
        done = self.run_("--", "no-such-command-here")
        self.assertEqual(done.returncode, 127)
        self.assertIn("no-such-command-here", done.stderr)
        self.assertNotIn("stored as", done.stderr)

    def test_a_file_that_cannot_be_executed(self):
        path = os.path.join(self.folder, "plain")
        open(path, "w").close()
        done = self.run_("--", path)
        self.assertEqual(done.returncode, 126)
        self.assertIn(path, done.stderr)

    def test_a_program_of_a_wrong_format(self):
        path = os.path.join(self.folder, "garbage")
        with open(path, "wb") as file:
            file.write(b"\x7fELFgarbage")
        os.chmod(path, 0o755)
        self.assertIn(self.run_("--", path).returncode, (126, 127)) # 127 where a shell tries it

    def test_no_target_or_two(self):
        for words in ([], ["--pid", "1", "--", "true"], ["--pid", "1", "--comm", "sh"]):
            done = self.run_(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn("tacho run --pid", done.stderr)

    def test_wrong_options_name_the_option(self):
        for words in (["--rate", "x"], ["--rate", "1e9"], ["--for", "2 weeks"], ["--unwind", "magic"],
                      ["--every"], ["--no-such-option"], ["--format", "bmp"], ["--name", "a/b"],
                      ["--pid", "12x"], ["--pid", "-5"], ["--for", "0"], ["--every", "0ms"]):
            done = self.run_(*words, *([] if words == ["--every"] else ["--", "true"]))
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(words[0], done.stderr)

    def test_a_process_that_is_gone(self):
        child = subprocess.Popen(["true"])
        child.wait()
        done = self.run_("--pid", str(child.pid), "--for", "1s")
        self.assertEqual(done.returncode, 3)
        self.assertIn(str(child.pid), done.stderr)

    def test_a_name_that_nobody_has(self):
        done = self.run_("--comm", "no-such-name")
        self.assertEqual(done.returncode, 3)
        self.assertIn("no-such-name", done.stderr)


class Observes(Base):
    def test_a_command_that_exits_at_once(self):
        done, facts = self.facts("--", "true")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(self.runs()), 1)

    def test_a_thousand_children_are_in_the_totals(self):
        done, facts = self.facts("--", os.path.join(PROGRAMS, "forks"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_two_thousand_threads(self):
        done, facts = self.facts("--", os.path.join(PROGRAMS, "many_threads"))
        self.assertEqual(done.returncode, 0, done.stderr)
        notes = [note["text"] for note in facts["notes"]]
        self.assertTrue(any("the samples stand for" in text for text in notes), notes)

    def test_a_complete_profile_has_no_warning(self):
        done, facts = self.facts("--", os.path.join(PROGRAMS, "split_nofp"), "0.5")
        self.assertEqual([note for note in facts["notes"] if note["kind"] == "warning"], [])

    def test_a_running_process_for_a_while(self):
        child = subprocess.Popen([os.path.join(PROGRAMS, "split_nofp"), "30"], stdout=subprocess.DEVNULL)
        try:
            done = self.run_("--pid", str(child.pid), "--for", "500ms")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIsNone(child.poll())
        finally:
            child.kill()
            child.wait()

    def test_what_a_child_used_before_is_not_counted_when_its_parent_waits_for_it(self):
        parent = subprocess.Popen(["sh", "-c", os.path.join(PROGRAMS, "split_nofp") + " 2 & wait"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        before = 0
        while before < 0.8: # seconds of CPU time of the child
            with open(f"/proc/{parent.pid}/task/{parent.pid}/children") as file:
                children = file.read().split()
            if children:
                with open(f"/proc/{children[0]}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                before = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        _, facts = self.facts("--pid", str(parent.pid))
        parent.wait()
        used = sum(metric["increase"] for metric in facts["metrics"] if metric["subject"] == "run"
                   and metric["name"] in ("cpu_user_seconds", "cpu_system_seconds"))
        self.assertLess(used, 2 - before + 0.15)

    def test_nothing_is_left_behind(self):
        work = os.path.join(self.folder, "work")
        os.mkdir(work)
        process = subprocess.Popen([TACHO, "run", "-q", "--store", self.store, "--", "true"], cwd=work,
                                   stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": work})
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(glob.glob(f"/dev/shm/*{process.pid}*") + os.listdir(work), [])


class EndsWell(Base):
    def start(self, *words):
        return subprocess.Popen([TACHO, "run", "--store", self.store, *words], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True)

    def wait_for_line(self, process, text):
        line = process.stdout.readline()
        self.assertIn(text, line)

    def wait_until_it_catches(self, process, number):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with open(f"/proc/{process.pid}/status") as status:
                caught = [line for line in status if line.startswith("SigCgt")][0]
            if int(caught.split()[1], 16) >> (number - 1) & 1:
                return
        self.fail("it never caught the signal")

    def test_ctrl_c_prints_the_report(self):
        process = self.start("--", "sh", "-c", "echo ready; exec sleep 60")
        self.wait_for_line(process, "ready")
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=30)
        self.assertIn("stored as run", error)
        self.assertEqual(process.returncode, 128 + signal.SIGINT)

    def test_ctrl_c_that_the_command_ignores_ends_the_observation_then_waits(self):
        process = self.start("--", "sh", "-c", "trap '' INT; echo ready; read x < " + self.folder + "/go; exit 7")
        os.mkfifo(os.path.join(self.folder, "go"))
        self.wait_for_line(process, "ready")
        os.killpg(process.pid, signal.SIGINT)
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "waiting for it" in line:
                break
        self.assertIsNone(process.poll())
        with open(os.path.join(self.folder, "go"), "w") as fifo:
            fifo.write("\n")
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 7)

    def test_sigterm_reaches_the_command(self):
        process = self.start("--", "sh", "-c", "trap 'echo got-term; exit 5' TERM; echo ready; "
                             "while :; do sleep 0.05; done")
        self.wait_for_line(process, "ready")
        os.kill(process.pid, signal.SIGTERM)
        output, error = process.communicate(timeout=30)
        self.assertIn("got-term", output)
        self.assertEqual(process.returncode, 5)

    def test_ctrl_c_while_observing_a_running_process_leaves_it_alone(self):
        child = subprocess.Popen(["sleep", "60"])
        try:
            process = self.start("--pid", str(child.pid))
            self.wait_until_it_catches(process, signal.SIGINT)
            os.kill(process.pid, signal.SIGINT)
            _, error = process.communicate(timeout=30)
            self.assertIn("stored as run", error)
            self.assertEqual(process.returncode, 0)
            self.assertIsNone(child.poll())
        finally:
            child.kill()
            child.wait()

    def test_a_store_that_cannot_be_written_costs_the_store_not_the_report(self):
        blocked = os.path.join(self.folder, "file", "store.db")
        open(os.path.join(self.folder, "file"), "w").close()
        done = self.tacho("run", "--store", blocked, "--", "sh", "-c", "exit 4")
        self.assertEqual(done.returncode, 4)
        self.assertIn("will not be stored", done.stderr)
        self.assertIn("wall", done.stderr.lower())

    def test_killed_tacho_leaves_the_run_and_the_program(self):
        process = self.start("--", "sh", "-c", "echo $$; exec sleep 60")
        child = int(process.stdout.readline())
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = self.runs() if os.path.exists(self.store) else []
            if found:
                break
        os.kill(process.pid, signal.SIGKILL)
        os.kill(child, signal.SIGKILL) # the program is the user's: it went on
        process.communicate(timeout=30)
        self.assertEqual(len(self.runs()), 1)
        report = self.tacho("report", "last", "--store", self.store)
        self.assertEqual(report.returncode, 0, report.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
