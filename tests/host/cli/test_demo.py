# The demo finds the faults that are planted, and only those; it ends cleanly however it is ended.
import glob
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

TACHO = os.environ["TACHO_PROGRAM"]
SERVICE = os.path.join(os.environ["TACHO_BINARY_DIR"], "examples", "order_service", "order_service")
LOAD = os.path.join(os.environ["TACHO_BINARY_DIR"], "examples", "load", "load")
ZONES = {"request", "validate", "risk", "execute", "database", "quote", "database: quote",
         "database: order by id", "database: orders by customer"}


class Demo(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        self.store = os.path.join(self.folder, "store.db")
        self.html = os.path.join(self.folder, "demo.html")
        self.temporary = os.path.join(self.folder, "tmp")
        os.mkdir(self.temporary)
        self.environment = {**os.environ, "TMPDIR": self.temporary}

    def command(self, *options):
        return [TACHO, "demo", "--store", self.store, "--html", self.html, *options]

    def demo(self, *options):
        return subprocess.run(self.command(*options), capture_output=True, text=True, timeout=100,
                              env=self.environment)

    def assert_nothing_left(self):
        self.assertEqual(glob.glob(self.temporary + "/*"), [])
        running = subprocess.run(["pgrep", "-f", f"{SERVICE}.*--for 4.000"], capture_output=True)
        self.assertEqual(running.stdout, b"")

    def test_all_planted_faults_are_found_and_shown(self):
        done = self.demo("--for", "5s")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("              found: "), 3, done.stdout)
        self.assertIn("covariance_compute", done.stdout)
        self.assertIn("Where the time went", done.stderr)
        self.assertIn("cache_hit_ratio", done.stderr)
        with open(self.html, encoding="utf-8") as page:
            text = page.read()
        self.assertIn("covariance_compute", text)
        self.assertRegex(text, r'"name": ?"queue_depth"[^{}\[\]]*"own": ?true')
        self.assert_nothing_left()

    def test_an_observed_service_shows_its_zones_and_metrics(self):
        path = os.path.join(self.folder, "report.json")
        process = subprocess.Popen(
            [TACHO, "run", "--no-store", "--format", "json", "--output", path, "--quiet", "--",
             SERVICE, "--port", "0", "--for", "3"],
            stdout=subprocess.PIPE, text=True, env=self.environment)
        url = process.stdout.readline().strip().rpartition(" ")[2]
        load = subprocess.run([LOAD, "--for", "1.5", url], capture_output=True, text=True,
                              timeout=60)
        totals, _ = process.communicate(timeout=60)
        self.assertEqual((load.returncode, process.returncode), (0, 0), load.stderr)
        with open(path, encoding="utf-8") as text:
            report = json.load(text)
        zones = {zone["name"]: zone for zone in report["zones"]}
        self.assertEqual(set(zones), ZONES)
        accepted, rejected = re.search(r"accepted (\d+), rejected (\d+)", totals).groups()
        self.assertEqual(zones["risk"]["count"], int(accepted) + int(rejected))
        self.assertEqual(zones["risk"]["errors"], int(rejected))
        metrics = {metric["name"]: metric for metric in report["metrics"]}
        self.assertEqual(metrics["orders_accepted"]["last"], int(accepted))
        self.assertTrue(0 < metrics["cache_hit_ratio"]["last"] < 1)
        self.assertTrue({"queue_depth", "connections"} <= set(metrics))
        # The samples have the times at which they were taken, so that there is a rate.
        self.assertGreater(metrics["orders_accepted"]["rate_per_second"], 0)

    def test_nothing_is_found_where_nothing_is_planted(self):
        done = self.demo("--for", "4s", "--faults", "none", "--quiet")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("              not planted: "), 3, done.stdout)
        self.assertNotIn("Where the time went", done.stderr)

    def test_it_works_without_wrk(self):
        self.environment["PATH"] = "/nowhere"
        done = self.demo("--for", "4s", "--faults", "leak")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"load: requests \d+ in ")

    def test_ctrl_c_ends_it_early_with_the_report(self):
        process = subprocess.Popen(self.command("--for", "60s"), stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.PIPE, env=self.environment,
                                   start_new_session=True)
        begin = time.monotonic()
        while not subprocess.run(["pgrep", "-g", str(process.pid), "-x", "wrk|load"],
                                 capture_output=True).stdout:
            self.assertLess(time.monotonic() - begin, 30)
        time.sleep(1)  # so that there is something to report
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=40)
        self.assertIn("Where the time went", errors)
        self.assertIn("hotspot", output)
        self.assertIn(process.returncode, (0, 1))
        self.assert_nothing_left()

    def test_what_cannot_work_is_said_at_once(self):
        for options, word in ((("--faults", "typo"), "typo"), (("--for", "1s"), "2 to 3600"),
                              (("extra",), "no arguments")):
            done = self.demo(*options)
            self.assertEqual((done.returncode, word in done.stderr), (2, True), done.stderr)
        done = self.demo("--for", "2s", "--store", "/dev/null/store.db")
        self.assertEqual((done.returncode, "/dev/null" in done.stderr), (3, True), done.stderr)
        done = self.demo("--html", "/nowhere/demo.html")
        self.assertEqual((done.returncode, "/nowhere/demo.html" in done.stderr), (3, True))


if __name__ == "__main__":
    unittest.main()
