# Runs are listed, named, exported, imported, collected; each failure is a sentence and an exit status.
import csv
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

TACHO = os.environ["TACHO_PROGRAM"]


class Runs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.store = os.path.join(self.folder, "store.db")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def tacho(self, *words, **options):
        return subprocess.run([TACHO, "--store", self.store, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              cwd=self.folder, **{"text": True, **options})

    def run_one(self, *words, name=None, status=0):
        name = ["--name", name] if name else []
        done = self.tacho("-q", "run", "--no-profile", *name, "--", *words)
        self.assertEqual(done.returncode, status, done.stderr)

    def list(self):
        done = self.tacho("runs", "list", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refuse(self, status, words, *command):
        done = self.tacho(*command)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_a_store_that_is_not_there_is_an_empty_list(self):
        self.assertEqual(self.list(), [])
        self.assertIn("no runs yet", self.tacho("runs").stderr)
        self.assertEqual(self.tacho("runs", "--format", "csv").stdout.count("\n"), 1)
        self.assertFalse(os.path.exists(self.store))
        self.refuse(3, "cannot open the store", "runs", "show", "last")

    def test_the_list_has_the_newest_first_in_every_format(self):
        self.run_one("true", name="before")
        self.run_one("sh", "-c", 'exit 3 # "a, b"', status=3)
        newest, oldest = self.list()
        self.assertEqual((oldest["name"], newest["exit_status"] >> 8), ("before", 3))
        self.assertTrue(newest["finished"] and newest["stored_bytes"] > 500)
        rows = list(csv.DictReader(io.StringIO(self.tacho("runs", "--format", "csv").stdout)))
        self.assertEqual([row["id"] for row in rows], [newest["id"], oldest["id"]])
        self.assertEqual(rows[0]["command"], newest["command"])
        text = self.tacho("runs", "--limit", "1").stdout
        self.assertIn("exit 3", text)
        self.assertIn("and 1 older", text)
        self.assertNotIn("before", text)

    def test_a_run_is_shown_by_any_of_its_names(self):
        self.run_one("true", name="before")
        self.run_one("true")
        run = self.list()[1]
        for name in ["last~1", "before", run["id"], run["id"][:8]]:
            shown = json.loads(self.tacho("runs", "show", name, "--format", "json").stdout)
            self.assertEqual(shown["id"], run["id"])
            self.assertGreater(shown["holds"]["samples"], 0)
            self.assertIn("kernel", shown["environment"])
        self.assertIn("metrics", self.tacho("runs", "show", "last").stdout)

    def test_an_export_reads_back_in_another_store(self):
        self.run_one("true", name="before")
        self.assertEqual(self.tacho("runs", "export", "before", "-o", "x.tacho").returncode, 0)
        shown = self.tacho("runs", "show", "before", "--format", "csv").stdout
        self.assertEqual(self.tacho("runs", "show", "x.tacho", "--format", "csv").stdout, shown)
        with open(os.path.join(self.folder, "x.tacho"), "rb") as file:
            exported = file.read()
        piped = self.tacho("runs", "export", "before", "-o", "-", text=False).stdout
        self.assertEqual(piped, exported)
        self.store = os.path.join(self.folder, "other.db")
        self.assertEqual(self.tacho("runs", "import", "x.tacho", "--name", "after").returncode, 0)
        self.refuse(3, "already", "runs", "import", "x.tacho")
        self.assertEqual(self.tacho("runs", "show", "after", "--format", "csv").stdout,
                         shown.replace("before", "after"))

    def test_damaged_files_are_refused(self):
        self.run_one("true")
        self.tacho("runs", "export", "last", "-o", "x.tacho")
        path = os.path.join(self.folder, "x.tacho")
        with open(path, "rb") as file:
            data = bytearray(file.read())
        with open(path, "wb") as file:
            file.write(data[:len(data) // 2])
        self.refuse(3, "cut off", "runs", "import", "x.tacho")
        data[len(data) // 2] ^= 1
        with open(path, "wb") as file:
            file.write(data)
        self.refuse(3, "does not match", "runs", "show", "x.tacho")
        with open(path, "w") as file:
            file.write("no run")
        self.refuse(3, "not an exported run", "runs", "show", "./x.tacho")
        self.refuse(3, "none.tacho", "runs", "show", "none.tacho")

    def test_names_are_given_and_taken(self):
        self.run_one("true")
        self.assertEqual(self.tacho("runs", "rename", "last", "v1").returncode, 0)
        self.assertEqual(self.list()[0]["name"], "v1")
        self.refuse(2, "the name", "runs", "rename", "v1", "a/b")
        self.refuse(3, "no run", "runs", "rename", "v2", "v3")
        self.assertEqual(self.tacho("runs", "rename", "v1", "").returncode, 0)
        self.assertEqual(self.list()[0]["name"], "")

    def test_runs_are_removed_and_collected(self):
        for name in ["a", None, None, None]:
            self.run_one("true", name=name)
        ids = [run["id"] for run in self.list()]
        self.assertEqual(self.tacho("runs", "rm", "last", "last~1").returncode, 0)
        self.assertEqual([run["id"] for run in self.list()], ids[2:])
        self.refuse(3, "no run", "runs", "rm", "nothing", "last")
        self.run_one("true")
        look = self.tacho("runs", "gc", "--keep", "1", "--dry-run")
        self.assertIn("1 run would be removed", look.stderr)
        self.assertEqual(len(self.list()), 3)
        self.tacho("runs", "gc", "--keep", "1")
        self.assertEqual(["a"], [run["name"] for run in self.list() if run["name"]])
        self.assertEqual(len(self.list()), 2)
        self.tacho("runs", "gc", "--older-than", "0.000001", "--named")
        self.assertEqual(self.list(), [])

    def test_a_damaged_store_is_said_and_the_rest_of_it_can_be_used(self):
        self.run_one("true", name="a")
        self.run_one("true", name="b")
        self.assertIn("is sound", self.tacho("runs", "check").stderr)
        with sqlite3.connect(self.store) as db:
            db.execute("UPDATE run SET command = 'false' WHERE name = 'a'")
        self.refuse(3, "does not match", "runs", "check")
        self.refuse(3, "does not match", "runs", "show", "a")
        self.assertEqual([run["is_damaged"] for run in self.list()], [False, True])
        self.assertEqual(self.tacho("runs", "show", "b").returncode, 0)
        self.assertEqual(self.tacho("runs", "rm", "a").returncode, 0)
        self.assertIn("is sound", self.tacho("runs", "check").stderr)

    def test_what_a_killed_tacho_had_stored_can_be_reported_with_names(self):
        program = os.path.join(os.environ["TACHO_BINARY_DIR"], "tests/programs/split_nofp")
        tacho = subprocess.Popen([TACHO, "--store", self.store, "run", "--", program, "60"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            while True:  # until something of the profile is stored
                shown = self.tacho("-q", "runs", "show", "last", "--format", "json")
                if shown.returncode == 0 and json.loads(shown.stdout)["holds"]["stacks"] > 0:
                    break
                self.assertIsNone(tacho.poll(), "it ended by itself")
            tacho.kill()
            tacho.wait()
        finally:
            os.killpg(tacho.pid, signal.SIGKILL)
        stored = json.loads(self.tacho("runs", "show", "last", "--format", "json").stdout)
        self.assertFalse(stored["finished"])
        self.assertGreaterEqual(stored["holds"]["samples"], json.loads(shown.stdout)["holds"]["samples"])
        self.assertIn("is sound", self.tacho("runs", "check").stderr)
        report = self.tacho("report", "last")
        self.assertEqual(report.returncode, 0, report.stderr)
        self.assertIn("not finished", report.stdout)
        self.assertRegex(report.stdout, r"truth_mix|split_(heavy|medium|light|round)")
        self.refuse(3, "is being recorded", "runs", "rm", "last")  # it may be: it was stored just now

    def test_wrong_usage_is_status_2(self):
        for words in [["frob"], ["show"], ["show", "a", "b"], ["export"], ["rename", "a"], ["rm"],
                      ["gc", "x"], ["list", "--format", "yaml"], ["gc", "--keep", "x"]]:
            self.assertEqual(self.tacho("runs", *words).returncode, 2, words)

    def test_a_run_that_could_not_be_stored_is_not_said_to_be(self):
        self.run_one("true")
        with sqlite3.connect(self.store, isolation_level=None) as db:
            db.execute("BEGIN IMMEDIATE")
            done = self.tacho("run", "--no-profile", "--", "true")
        db.close()
        self.assertEqual(done.returncode, 0)
        self.assertIn("locked by another process", done.stderr)
        self.assertNotIn("stored as", done.stderr)
        self.assertEqual(len(self.list()), 1)

    def test_a_store_that_cannot_be_used_does_not_stop_a_run(self):
        with open(self.store, "w") as file:
            file.write("this is a text file, which is long enough to be looked at " * 3)
        done = self.tacho("run", "--no-profile", "--", "sh", "-c", "exit 4")
        self.assertEqual(done.returncode, 4)
        self.assertIn("damaged", done.stderr)
        self.assertIn("exit 4", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
