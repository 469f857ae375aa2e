# The small examples do what they are there to show.
import os
import re
import subprocess
import tempfile
import unittest

FOLDER = os.path.join(os.environ["TACHO_BINARY_DIR"], "examples", "small")


def run(name, *words):
    return subprocess.run([os.path.join(FOLDER, name), *words], capture_output=True, text=True,
                          timeout=60)


class Small(unittest.TestCase):
    def test_the_first_zones_report_on_themselves(self):
        done = run("first_zones")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"words_count: [\d.]+ ms in 20 calls")
        for name, calls in (("round", 20), ("text_make", 20), ("words_count", 20)):
            self.assertRegex(done.stderr, rf"(?m)^{name} +{calls} +0 ")
        self.assertRegex(done.stderr, r"bytes_read +20971520")

    def test_zones_in_cpp_end_with_their_scope_and_count_errors(self):
        done = run("zones_cpp")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Cellar::put: 1000 calls, 100 errors", done.stdout)

    def test_the_flight_recorder_keeps_what_led_to_the_slow_step(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "slow.tacho")
            done = run("flight_recorder", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, re.escape(path))
            self.assertGreater(os.path.getsize(path), 150 * 3 * 16)


if __name__ == "__main__":
    unittest.main()
