# A run is held against a budget: the table, the exit status, every format, and what is refused.
import json
import os
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

TACHO = os.environ["TACHO_PROGRAM"]
SOURCE = os.environ["TACHO_SOURCE_DIR"]

BUDGET = """name: shop & co
rules:
  - {id: fast, summary: wall_seconds, limit: 1 h}
  - {id: small, summary: memory_peak_bytes, limit: 1 B, note: a | b}
  - {id: wanted, summary: processes, target: 0.5}
  - {id: absent, zone: never, limit: 1 s}
"""


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.write("tacho.yaml", BUDGET)
        self.write("good.yaml", "rules: [{id: a, summary: wall_seconds, limit: 1 h}]")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def tacho(self, *words):
        return subprocess.run([TACHO, "--store", os.path.join(self.folder, "store.db"), *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, cwd=self.folder,
                              env={**os.environ, "XDG_CONFIG_HOME": self.folder})

    def check(self, status, *words):
        done = self.tacho("check", *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def observe(self, name):
        self.assertEqual(self.tacho("-q", "run", "--no-profile", "--name", name, "--", "sleep", "0.2").returncode, 0)

    def test_the_table_has_a_verdict_for_each_rule(self):
        self.observe("one")
        lines = self.check(1).splitlines()
        text = "\n".join(lines)
        self.assertRegex(text, r"(?m)^  ok +fast ")
        self.assertRegex(text, r"(?m)^  critical +small .*<= 1 B")
        self.assertRegex(text, r"(?m)^  warning +wanted ")
        self.assertRegex(text, r"(?m)^  no data +absent +n/a .*no such zone")
        self.assertIn("failed: 1 critical, 1 warning, 1 no data, 1 ok", text)

    def test_a_command_is_observed_and_its_output_passed_through(self):
        out = self.check(0, "good.yaml", "--", "sh", "-c", "echo hello")
        self.assertEqual(out.splitlines()[0], "hello")
        self.assertIn("passed", out)
        self.assertIn("passed", self.check(0, "good.yaml"))  # and stored
        done = self.tacho("check", "good.yaml", "--", "false")
        self.assertEqual(done.returncode, 1)
        self.assertIn("ended with status 1", done.stderr)

    def test_warnings_and_missing_data_fail_only_when_strict(self):
        self.observe("one")
        self.write("warn.yaml", "rules: [{id: a, summary: processes, target: 0.5}]")
        self.check(0, "warn.yaml")
        self.check(1, "warn.yaml", "--strict")
        self.write("part.yaml", "rules: [{id: a, summary: wall_seconds, limit: 1 h}, "
                                "{id: b, metric: never, limit: 1}]")
        self.check(0, "part.yaml")
        self.check(1, "part.yaml", "--strict")
        self.write("none.yaml", "rules: [{id: b, metric: never, limit: 1}]")
        self.assertIn("1 no data, 0 ok", self.check(1, "none.yaml"))

    def test_json_says_all(self):
        self.observe("one")
        report = json.loads(self.check(1, "--format", "json"))
        rules = {rule["id"]: rule for rule in report["rules"]}
        self.assertFalse(report["passed"])
        self.assertEqual(rules["small"]["verdict"], "critical")
        self.assertGreater(rules["small"]["measured"], 1000)
        self.assertEqual((rules["small"]["unit"], rules["small"]["bound"]), ("bytes", 1))
        self.assertEqual((rules["absent"]["measured"], rules["absent"]["line"]), (None, 6))

    def test_junit_is_xml_with_a_failure(self):
        self.observe("one")
        self.check(1, "--format", "junit", "-o", "verdicts.xml")
        suite = xml.etree.ElementTree.parse(os.path.join(self.folder, "verdicts.xml")).find("testsuite")
        self.assertEqual([suite.get(key) for key in ["tests", "failures", "skipped"]], ["4", "1", "1"])
        failed = [case.get("name") for case in suite if case.find("failure") is not None]
        self.assertEqual((failed, suite[0].get("classname")), (["small"], "shop & co"))

    def test_github_gets_annotations(self):
        self.observe("one")
        lines = self.check(1, "--format", "github").splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[0].startswith("::error file=tacho.yaml,line=4,title=small::critical: "))
        self.assertTrue(lines[1].startswith("::warning file=tacho.yaml,line=5,title=wanted::"))
        self.assertTrue(lines[2].startswith("::notice file=tacho.yaml,line=6,title=absent::no data"))

    def test_markdown_is_a_table(self):
        self.observe("one")
        lines = self.check(1, "--format", "markdown").splitlines()
        self.assertTrue(lines[0].startswith("**failed**"))
        self.assertEqual({line.count("|") for line in lines[2:]}, {6})

    def test_sarif_has_a_result_for_what_is_not_ok(self):
        self.observe("one")
        run, = json.loads(self.check(1, "--format", "sarif"))["runs"]
        self.assertEqual([(result["ruleId"], result["level"]) for result in run["results"]],
                         [("small", "error"), ("wanted", "warning"), ("absent", "note")])
        place = run["results"][0]["locations"][0]["physicalLocation"]
        self.assertEqual((place["artifactLocation"]["uri"], place["region"]["startLine"]), ("tacho.yaml", 4))

    def test_change_needs_a_baseline(self):
        self.observe("one")
        self.observe("two")
        self.write("change.yaml", "rules: [{id: a, summary: wall_seconds, change: 10000 %}]")
        self.check(1, "change.yaml")
        out = self.check(0, "change.yaml", "two", "--baseline", "one")
        self.assertRegex(out, r"(?m)^  ok +a .*% against ")
        done = self.tacho("check", "change.yaml", "--baseline", "never")
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot read the baseline", done.stderr)

    def test_presets_are_listed_shown_and_replaced(self):
        names = [line.split()[0] for line in self.tacho("presets", "list").stdout.splitlines()]
        self.assertEqual(names, ["iot", "micropython", "p2p-vpn", "tiny-llm", "trading"])
        for name in names:
            with open(os.path.join(SOURCE, "presets", name + ".yaml")) as file:
                self.assertEqual(self.tacho("presets", "show", name).stdout, file.read())
        self.observe("one")
        self.check(0, "tiny-llm")
        self.write("tacho/presets/iot.yaml", "rules: [{id: mine, summary: processes, limit: 100}]")
        self.assertIn("mine", self.check(0, "iot"))
        self.assertIn("mine", self.tacho("presets", "show", "iot").stdout)

    def test_what_cannot_be_done_is_one_sentence(self):
        self.write("bad.yaml", "rules:\n  - {id: a, zone: z, limit: 4 GiB}")
        for status, words, command in [
                (2, "bad.yaml:2:29: '4 GiB' is no value for 'z'", ["check", "bad.yaml"]),
                (2, "one budget and one run", ["check", "good.yaml", "last", "more"]),
                (2, "no command follows", ["check", "good.yaml", "--"]),
                (2, "a run that there is, or observe one", ["check", "good.yaml", "last", "--", "true"]),
                (2, "there is no preset 'x'; there are iot", ["presets", "show", "x"]),
                (2, "say 'tacho presets list'", ["presets", "drop"]),
                (3, "cannot open the store", ["check", "good.yaml"]),
                (3, "missing.yaml", ["check", "missing.yaml"])]:
            with self.subTest(command=command):
                done = self.tacho(*command)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        os.remove(os.path.join(self.folder, "tacho.yaml"))
        self.assertIn("there is no tacho.yaml here", self.tacho("check").stderr)


if __name__ == "__main__":
    unittest.main()
