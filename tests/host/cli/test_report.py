# `tacho report` and `tacho diff` on real runs: every format, options that choose, and bad requests.
import gzip
import json
import os
import re
import subprocess
import tempfile
import unittest

TACHO = os.environ["TACHO_PROGRAM"]
SOURCE = os.environ["TACHO_SOURCE_DIR"]

with open(os.path.join(SOURCE, "host/render/formats.def")) as file:
    FORMATS = re.findall(r"^TACHO_REPORT_FORMAT\((\w+),", file.read(), re.M)


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.store = os.path.join(cls.folder.name, "store.db")
        for name, bytes_count in (("before", 3_000_000), ("after", 6_000_000)):
            done = cls.tacho("run", "--name", name, "--rate", "500", "--", "sh", "-c",
                             f"head -c {bytes_count} /dev/zero | sha256sum; exit 3")
            assert done.returncode == 3, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def tacho(cls, *words, text=True):
        return subprocess.run([TACHO, "--store", cls.store, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text, timeout=60)

    def test_every_format_is_made_of_a_stored_run(self):
        for name in FORMATS:
            with self.subTest(format=name):
                done = self.tacho("report", "before", "--format", name, text=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertGreater(len(done.stdout), 50)
                path = os.path.join(self.folder.name, "out." + name)
                filed = self.tacho("report", "before", "--format", name, "-o", path)
                self.assertEqual(filed.returncode, 0, filed.stderr)
                with open(path, "rb") as file:
                    self.assertEqual(file.read(), done.stdout)
                if name in ("json", "speedscope", "chrome", "firefox"):
                    json.loads(done.stdout)
                if name == "pprof":
                    gzip.decompress(done.stdout)

    def test_the_last_run_is_shown_when_none_is_named(self):
        last = self.tacho("report").stdout
        self.assertEqual(last, self.tacho("report", "after").stdout)
        self.assertNotEqual(last, self.tacho("report", "last~1").stdout)
        self.assertIn("exit 3", last)

    def test_the_summary_has_its_parts(self):
        text = self.tacho("report").stdout
        for part in ("CPU", "memory", "I/O", "Where the time went", "The hot path",
                     "Processes and threads", "About this observation", "overhead"):
            self.assertIn(part, text)

    def test_json_agrees_with_the_run(self):
        report = json.loads(self.tacho("report", "after", "--format", "json").stdout)
        self.assertEqual(report["run"]["name"], "after")
        self.assertEqual(report["run"]["exit_code"], 3)
        self.assertGreater(report["summary"]["wall_seconds"], 0)
        self.assertGreater(report["summary"]["memory_peak_bytes"], 100_000)
        names = {metric["name"] for metric in report["metrics"]}
        self.assertLessEqual({"cpu_user_seconds", "rss_bytes", "threads"}, names)

    def test_options_choose_what_is_shown(self):
        done = self.tacho("report", "--within", "no_such_function_anywhere")
        self.assertIn("no sample passes the filter", done.stdout)
        done = self.tacho("report", "--callers", "*", "--top", "1")
        self.assertIn("Callers of *", done.stdout)
        table = self.tacho("report", "--format", "csv", "--table", "threads").stdout
        self.assertTrue(table.startswith("kind,pid,tid,"))

    def test_differences_are_made_in_each_format(self):
        for name in ("text", "json", "html", "svg"):
            with self.subTest(format=name):
                done = self.tacho("diff", "before", "after", "--format", name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertGreater(len(done.stdout), 100)
        diff = json.loads(self.tacho("diff", "before", "after", "--format", "json").stdout)
        self.assertEqual((diff["before"]["name"], diff["after"]["name"]), ("before", "after"))
        reads = next(m for m in diff["metrics"] if m["name"] == "io_read_calls_bytes")
        self.assertGreater(reads["delta"], 2_500_000)

    def test_bad_requests_are_told_apart(self):
        for words, status, sentence in (
                (("report", "nobody"), 3, "nobody"),
                (("report", "--profile", "heap"), 3, "this run has no profile \"heap\"; it has: cpu"),
                (("report", "before", "after"), 2, "one run is shown at a time"),
                (("report", "--from", "2s", "--to", "1s"), 2, "--to is not after --from"),
                (("report", "--format", "chrome", "--around", "x"), 3, "no event and no span"),
                (("report", "--format", "morse"), 2, "morse"),
                (("report", "-o", "/nowhere/at/all"), 3, "cannot write the report to /nowhere"),
                (("diff", "before"), 2, "two runs are compared")):
            with self.subTest(words=words):
                done = self.tacho(*words)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(sentence, done.stderr)

    def test_a_report_that_fails_leaves_no_file(self):
        path = os.path.join(self.folder.name, "none.svg")
        done = self.tacho("report", "--format", "svg", "--within", "no_such_function", "-o", path)
        self.assertEqual(done.returncode, 3)
        self.assertFalse(os.path.exists(path))

    def test_a_full_disk_is_said(self):
        done = self.tacho("report", "--format", "html", "-o", "/dev/full")
        self.assertEqual(done.returncode, 3)
        self.assertIn("No space left", done.stderr)


if __name__ == "__main__":
    unittest.main()
