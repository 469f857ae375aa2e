# Zones of instrumented programs: they appear by themselves, survive kill -9, and can be dumped.
import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

TACHO = os.environ["TACHO_PROGRAM"]
EXAMPLES = os.path.join(os.environ["TACHO_BINARY_DIR"], "examples", "small")


class Zones(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tacho-test-")
        self.environment = {**os.environ, "XDG_DATA_HOME": self.folder,
                            "TACHO_DIR": os.path.join(self.folder, "rings")}
        os.mkdir(self.environment["TACHO_DIR"])

    def tearDown(self):
        shutil.rmtree(self.folder)

    def tacho(self, *words, **options):
        return subprocess.run([TACHO, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, env=self.environment,
                              **options)

    def facts(self, *words):
        path = os.path.join(self.folder, "r.json")
        done = self.tacho("run", "--format", "json", "-o", path, *words)
        with open(path) as file:
            return done, json.load(file)

    def test_an_instrumented_program_shows_its_zones_by_itself(self):
        done, facts = self.facts("--", os.path.join(EXAMPLES, "first_zones"))
        self.assertEqual(done.returncode, 0, done.stderr)
        zones = {zone["name"]: zone for zone in facts["zones"]}
        self.assertEqual(zones["round"]["count"], 20)
        self.assertEqual(zones["text_make"]["count"], 20)
        inner = zones["text_make"]["total_ns"] + zones["words_count"]["total_ns"]
        self.assertLessEqual(inner, zones["round"]["total_ns"])
        self.assertAlmostEqual(zones["round"]["self_ns"] + inner, zones["round"]["total_ns"],
                               delta=zones["round"]["total_ns"] * 0.001 + 1000)
        counters = {metric["name"] for metric in facts["metrics"]}
        self.assertIn("bytes_read", counters)

    def test_zones_of_every_process_of_the_tree(self):
        program = os.path.join(EXAMPLES, "first_zones")
        _, facts = self.facts("--", "sh", "-c", f"{program} >/dev/null; {program} > /dev/null")
        zones = {zone["name"]: zone for zone in facts["zones"]}
        self.assertEqual(zones["round"]["count"], 40)

    def test_zones_can_be_switched_off(self):
        _, facts = self.facts("--zones", "off", "--", "sh", "-c", "true")
        self.assertEqual(facts["zones"], [])

    def test_no_ring_file_is_left(self):
        process = subprocess.Popen([TACHO, "run", "-q", "--", os.path.join(EXAMPLES, "first_zones")],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=self.environment)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(glob.glob(f"/dev/shm/*{process.pid}*"), [])

    def test_what_a_killed_tacho_left_is_removed_by_the_next(self):
        process = subprocess.Popen([TACHO, "run", "-q", "--no-store", "--", "sh", "-c",
                                    "echo $$; exec sleep 60"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, env=self.environment)
        child = int(process.stdout.readline())
        left = glob.glob(f"/dev/shm/tacho-run-{process.pid}-*")
        process.kill()
        process.wait()
        os.kill(child, signal.SIGKILL)
        process.stdout.close()
        self.assertEqual(len(left), 1)
        self.assertTrue(os.path.exists(left[0]))
        self.tacho("run", "-q", "--no-store", "--", "true")
        self.assertFalse(os.path.exists(left[0]))

    def test_a_killed_program_leaves_what_it_recorded(self):
        # The program stops itself in the middle of a zone: first_zones under a debugger-free stop.
        program = subprocess.Popen([os.path.join(EXAMPLES, "first_zones")], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL,
                                   env={**self.environment, "TACHO": "detailed"})
        try:
            path = os.path.join(self.environment["TACHO_DIR"], f"{program.pid}.tacho")
            while program.poll() is None:
                done = self.tacho("dump", str(program.pid), "--format", "json")
                if done.returncode == 0 and json.loads(done.stdout)["zones"]:
                    break
            self.assertIsNone(program.poll(), "the program ended before it was looked at")
            program.send_signal(signal.SIGKILL)
        finally:
            program.kill()
            program.wait()
        self.assertTrue(os.path.exists(path))
        done = self.tacho("dump", path, "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        zones = {zone["name"]: zone for zone in json.loads(done.stdout)["zones"]}
        self.assertIn("text_make", zones)
        listed = self.tacho("dump", "--format", "json")
        self.assertEqual([entry["state"] for entry in json.loads(listed.stdout)], ["ended"])
        self.tacho("dump", "--remove-dead")
        self.assertFalse(os.path.exists(path))

    def test_a_snapshot_of_the_flight_recorder_is_dumped_and_stored(self):
        snapshot = os.path.join(self.folder, "slow.tacho")
        subprocess.run([os.path.join(EXAMPLES, "flight_recorder"), snapshot], check=True,
                       stdout=subprocess.DEVNULL, env=self.environment)
        done = self.tacho("dump", snapshot, "--name", "slow")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("compute", done.stdout)
        report = self.tacho("report", "slow", "--format", "json")
        self.assertEqual(report.returncode, 0, report.stderr)
        zones = {zone["name"]: zone for zone in json.loads(report.stdout)["zones"]}
        self.assertGreaterEqual(zones["compute"]["max_ns"], 30e6)

    def test_what_is_no_ring_file_is_said(self):
        plain = os.path.join(self.folder, "plain")
        with open(plain, "w") as file:
            file.write("hello")
        for target in (plain, os.path.join(self.folder, "missing"), "999999999", self.folder):
            done = self.tacho("dump", target)
            self.assertEqual(done.returncode, 3, target)
            self.assertRegex(done.stderr, r"^tacho: .+\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
