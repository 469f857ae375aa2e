# Every command has its summary, help, examples, page, manual page and completion, and refuses nonsense.
import os
import re
import shutil
import subprocess
import unittest

TACHO = os.environ["TACHO_PROGRAM"]
SOURCE = os.environ["TACHO_SOURCE_DIR"]

with open(os.path.join(SOURCE, "host/cli/commands.def")) as file:
    COMMANDS = re.findall(r"^TACHO_COMMAND\((\w+)\)$", file.read(), re.M)


def tacho(*words, **options):
    return subprocess.run([TACHO, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=30, **options)


class Commands(unittest.TestCase):
    def test_the_overview_fits_a_screen_and_names_all(self):
        done = tacho("--help")
        self.assertEqual(done.returncode, 0)
        self.assertLessEqual(len(done.stdout.splitlines()), 24)
        for name in COMMANDS:
            self.assertRegex(done.stdout, rf"(?m)^  {name} ")

    def test_each_has_help_with_examples(self):
        for name in COMMANDS:
            with self.subTest(command=name):
                done = tacho(name, "--help")
                self.assertEqual(done.returncode, 0)
                summary = done.stdout.splitlines()[0].split(": ", 1)[1]
                self.assertLess(len(summary), 60)
                self.assertTrue(summary[0].islower())
                self.assertIn("Examples:", done.stdout)
                for line in done.stdout.splitlines():
                    self.assertLessEqual(len(line), 120, line)

    def test_a_long_list_of_choices_is_shown_whole(self):
        self.assertIn("|openmetrics\n", tacho("report", "--help").stdout)

    def test_each_has_the_page_of_its_descriptor(self):
        done = subprocess.run([os.path.join(SOURCE, "tools/gen_docs"), TACHO, "--check"],
                              stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_manual_pages_are_sound(self):
        if not shutil.which("man"):
            self.skipTest("man is not installed")
        for words in [[], *[[name] for name in COMMANDS]]:
            page = tacho("help", "--as", "man", *words).stdout
            done = subprocess.run(["man", "--warnings", "-l", "-"], input=page, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env={**os.environ, "MANPAGER": "cat", "MANWIDTH": "100"})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("warning", done.stderr)
            self.assertIn("NAME", done.stdout)

    def test_completion_of_bash_offers_commands_options_and_choices(self):
        script = tacho("help", "--as", "bash").stdout
        def complete(*words):
            line = "; ".join([script, "COMP_WORDS=(" + " ".join(f"'{word}'" for word in words) + ")",
                              f"COMP_CWORD={len(words) - 1}", "_tacho", 'echo "${COMPREPLY[@]}"'])
            return subprocess.run(["bash", "-c", line.replace("complete -o filenames -F _tacho tacho\n;", "")],
                                  stdout=subprocess.PIPE, text=True).stdout.split()
        self.assertIn("run", complete("tacho", "r"))
        self.assertIn("--unwind", complete("tacho", "run", "--un"))
        self.assertEqual(complete("tacho", "run", "--unwind", "t"), ["table"])

    def test_a_mistyped_command_gets_a_suggestion(self):
        done = tacho("rnu")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean 'run'", done.stderr)
        self.assertEqual(tacho("xyzzy").returncode, 2)
        self.assertEqual(tacho().returncode, 2)

    def test_a_reader_that_goes_away_is_no_failure(self):
        done = subprocess.run(f"'{TACHO}' help --as bash | head -c 1", shell=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.stderr, "")

    def test_a_full_disk_is_a_failure_that_is_said(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([TACHO, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("No space left", done.stderr)

    def test_version(self):
        self.assertRegex(tacho("--version").stdout, r"^tacho \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
