#!/usr/bin/env python3
# ./tacho and ./test in a small repository of their own: build, stay quick, rebuild, repair, pass all through.

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

CMAKE = """cmake_minimum_required(VERSION 3.25)
project(small LANGUAGES C)
option(TACHO_TESTS "" ON)
add_subdirectory(host)
"""
PROGRAM = """#include <stdio.h>
int main(int argc, char **argv)
{
    int c;
    for (int i = 1; i < argc; i++)
        printf("[%s]", argv[i]);
    while ((c = getchar()) != EOF)
        putchar(c);
    return WORD;
}
"""


class Repository(unittest.TestCase):
    """A small repository with the wrappers, and tools that write down how they were called."""

    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="tacho wrapper-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("tacho", "test", ".ci/run", "tools/setup.sh", "tools/packages.txt"):
            os.makedirs(os.path.dirname(os.path.join(self.folder, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(self.folder, name))
        os.makedirs(os.path.join(self.folder, "cmake"))
        self.put("CMakeLists.txt", CMAKE)
        self.put("host/CMakeLists.txt", "add_subdirectory(cli)\n")
        self.put("host/cli/CMakeLists.txt", "add_executable(tacho main.c)\n")
        self.put("host/cli/main.c", PROGRAM.replace("WORD", "7"))
        self.log = os.path.join(self.folder, "calls")
        self.bin = os.path.join(self.folder, "bin")
        os.makedirs(self.bin)
        self.count("cmake")
        self.count("ninja")
        # Whatever this machine lacks, a test installs nothing.
        self.fake("apt-get", "exit 1")

    def put(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def fake(self, name, script):
        path = os.path.join(self.bin, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script + "\n")
        os.chmod(path, 0o755)

    def count(self, name, before=""):
        """Puts a program in front of a tool that writes down each call."""
        self.fake(name, f"echo {name} \"$*\" >>'{self.log}'\n{before}\nexec {shutil.which(name)} \"$@\"")

    def calls(self):
        """The calls of ninja and cmake since the last look, without those that cmake makes itself."""
        text = ""
        if os.path.exists(self.log):
            with open(self.log, encoding="utf-8") as file:
                text = file.read()
            os.remove(self.log)
        return [line.split()[0] for line in text.splitlines()
                if line.startswith("cmake") or line.endswith("host/all")]

    def start(self, *words, path=None, cwd="/", program="tacho", **options):
        env = dict(os.environ, PATH=(self.bin + ":" + os.environ["PATH"] if path is None else path))
        child = subprocess.Popen([os.path.join(self.folder, program), *words], env=env, cwd=cwd, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 **options)
        self.addCleanup(child.kill)
        return child

    def tacho(self, *words, given="", **options):
        child = self.start(*words, **options)
        out, err = child.communicate(given, timeout=60)
        return child.returncode, out, err

    def ready(self):
        code, _, err = self.tacho()
        self.assertEqual(code, 7, err)
        self.calls()


class Command(Repository):
    """./tacho: everything it does before it is the command."""

    def test_first_call_builds_and_passes_all_through(self):
        code, out, err = self.tacho("run", "a b", given="from stdin\n")
        self.assertEqual((code, out), (7, "[run][a b]from stdin\n"), err)
        self.assertIn("building", err)

    def test_second_call_is_silent_and_asks_no_tool(self):
        self.ready()
        code, out, err = self.tacho("x")
        self.assertEqual((code, out, err), (7, "[x]", ""))
        self.assertEqual(self.calls(), [])

    def test_works_from_anywhere_and_through_a_link(self):
        self.ready()
        link = os.path.join(self.bin, "linked")
        os.symlink("../tacho", link)
        done = subprocess.run([link, "y"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stdout), (7, b"[y]"))
        done = subprocess.run(["sh", "tacho", "z"], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stdout), (7, b"[z]"))

    def test_changed_source_is_built(self):
        self.ready()
        self.put("host/cli/main.c", PROGRAM.replace("WORD", "8"))
        self.assertEqual(self.tacho()[0], 8)
        self.assertEqual(self.tacho()[0], 8)
        self.assertEqual(self.calls().count("ninja"), 1)

    def test_changed_documentation_is_no_reason_to_build(self):
        self.ready()
        self.put("docs/page.md", "x\n")
        self.put("README.md", "x\n")
        self.assertEqual(self.tacho()[0], 7)
        self.assertEqual(self.calls(), [])

    def test_compiler_error_is_shown_and_mended(self):
        self.ready()
        self.put("host/cli/main.c", "#error planted\n" + PROGRAM)
        code, out, err = self.tacho()
        self.assertEqual((code, out), (3, ""))
        self.assertIn("planted", err)
        self.assertIn("build/build.log", err)
        self.put("host/cli/main.c", PROGRAM.replace("WORD", "9"))
        self.assertEqual(self.tacho()[0], 9)

    def test_failed_configuration_is_repaired(self):
        self.put("CMakeLists.txt", CMAKE + 'message(FATAL_ERROR "planted")\n')
        code, _, err = self.tacho()
        self.assertEqual(code, 3)
        self.assertIn("planted", err)
        self.put("CMakeLists.txt", CMAKE)
        self.assertEqual(self.tacho()[0], 7)

    def test_killed_in_the_middle_of_either_step_is_repaired(self):
        for tool in ("cmake", "ninja"):
            started = os.path.join(self.folder, "started-" + tool)
            self.count(tool, f"touch '{started}'; sleep 60 & wait")
            child = self.start(start_new_session=True)
            while not os.path.exists(started) and child.poll() is None:
                time.sleep(0.01)
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            self.count(tool)
        self.assertEqual(self.tacho()[0], 7)

    def test_repository_that_was_moved_is_configured_anew(self):
        self.ready()
        old = self.folder
        self.folder = old + "-moved"
        os.rename(old, self.folder)
        self.addCleanup(os.rename, self.folder, old)
        self.put("host/cli/main.c", PROGRAM.replace("WORD", "8"))
        self.assertEqual(self.tacho(path=os.environ["PATH"])[0], 8)

    def test_library_that_moved_is_found_anew(self):
        self.put("host/cli/CMakeLists.txt", "find_library(X x PATHS ${CMAKE_SOURCE_DIR}/old "
                 "${CMAKE_SOURCE_DIR}/new NO_DEFAULT_PATH)\nadd_executable(tacho main.c)\n"
                 "target_link_libraries(tacho ${X})\n")
        self.put("x.c", "int x;\n")
        os.makedirs(os.path.join(self.folder, "old"))
        subprocess.run("cc -c x.c && ar rc old/libx.a x.o", shell=True, cwd=self.folder, check=True)
        self.ready()
        os.rename(os.path.join(self.folder, "old"), os.path.join(self.folder, "new"))
        self.put("host/cli/main.c", PROGRAM.replace("WORD", "8"))
        self.assertEqual(self.tacho()[0], 8)

    def test_two_at_once_build_once(self):
        children = [self.start() for _ in range(3)]
        ends = [child.communicate("", timeout=60)[1] for child in children]
        self.assertEqual([child.returncode for child in children], [7, 7, 7], ends)
        self.assertEqual(self.calls().count("ninja"), 1)

    def test_command_inherits_no_lock(self):
        self.put("host/cli/main.c", "#include <unistd.h>\nint main(void)\n{\n"
                 "    return write(9, \"\", 0) == 0;\n}\n")
        self.assertEqual(self.tacho()[0], 0)

    def on_terminal(self):
        """Exit status of a call and what it wrote to a terminal on standard error."""
        leader, follower = os.openpty()
        child = subprocess.Popen([os.path.join(self.folder, "tacho")], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=follower)
        os.close(follower)
        text = b""
        try:
            while True:
                text += os.read(leader, 4096)
        except OSError:
            pass
        os.close(leader)
        return child.wait(), text.decode()

    def test_terminal_sees_progress_and_then_a_clean_line(self):
        code, text = self.on_terminal()
        self.assertEqual(code, 7, text)
        self.assertRegex(text, r"\r\x1b\[Kbuilding 1/\d+ ")
        self.assertTrue(text.endswith("\r\x1b[K"), text)
        self.assertEqual(self.on_terminal(), (7, ""))

    def test_terminal_sees_the_failure(self):
        self.put("host/cli/main.c", "#error planted\n" + PROGRAM)
        code, text = self.on_terminal()
        self.assertEqual(code, 3, text)
        self.assertIn("#error planted", text)

    def test_missing_packages_without_a_way_to_install_them(self):
        self.fake("dpkg-query", "exit 1")
        self.fake("id", "echo 1000")
        self.fake("sudo", "exit 1")
        code, _, err = self.tacho()
        self.assertEqual(code, 7, err)
        self.assertIn("neither root nor sudo", err)
        self.assertIn("libdw-dev", err)
        code, _, err = self.tacho()
        self.assertEqual((code, err), (7, ""))

    def test_missing_packages_are_installed_by_group(self):
        self.fake("dpkg-query", "echo '|installed gcc|'")
        self.fake("id", "echo 0")
        self.fake("apt-get", f"cat; echo \"$*\" >>'{self.log}.apt'")
        self.put("tools/packages.txt", "# list\nbuild gcc a\nbuild cmake b\ndemo wrk c\ntest clang d\n")
        code, out, err = self.tacho(given="for the command")
        self.assertEqual((code, out), (7, "for the command"), err)
        with open(self.log + ".apt", encoding="utf-8") as file:
            asked = file.read().splitlines()
        self.assertTrue(asked[-1].endswith("install --no-install-recommends cmake"), asked)

    def test_no_compiler_is_one_sentence(self):
        for name in ("sh", "dirname", "find", "flock", "mkdir", "mv", "rm", "grep", "readlink", "id"):
            os.symlink(shutil.which(name), os.path.join(self.bin, name))
        os.remove(os.path.join(self.bin, "apt-get"))
        code, _, err = self.tacho(path=self.bin)
        self.assertEqual(code, 3)
        self.assertIn("cc is missing", err)

    def test_build_of_another_user_is_used_as_it_is(self):
        if os.geteuid() != 0:
            self.skipTest("only root can make files of another user")
        self.ready()
        os.chmod(self.folder, 0o755)
        self.put("host/cli/main.c", PROGRAM.replace("WORD", "8"))
        code, _, err = self.tacho(user=65534, path=os.environ["PATH"])
        self.assertEqual(code, 7, err)
        self.assertIn("may belong to another user", err)
        self.assertIn("as it was built last", err)


class Test(Repository):
    """./test in the same small repository."""

    def setUp(self):
        super().setUp()
        self.put("CMakeLists.txt", CMAKE + "enable_testing()\nif(TACHO_TESTS)\n"
                 "add_test(NAME one COMMAND true)\nadd_test(NAME two COMMAND true)\n"
                 "add_test(NAME preset COMMAND false)\nset_tests_properties(preset PROPERTIES LABELS preset)\n"
                 "endif()\n")

    def test_all_run_and_the_summary_comes_last(self):
        code, out, err = self.tacho(program="test")
        self.assertNotEqual(code, 0, err)
        self.assertIn("67% tests passed, 1 tests failed out of 3", out)

    def test_ctest_options_pass_through(self):
        code, out, err = self.tacho("-R", "^o", program="test")
        self.assertEqual(code, 0, err)
        self.assertIn("100% tests passed, 0 tests failed out of 1", out)

    def test_a_name_that_no_test_has_is_a_failure(self):
        self.assertNotEqual(self.tacho("-R", "nothing", program="test")[0], 0)

    def test_fast_leaves_the_presets_out(self):
        code, out, err = self.tacho("--fast", program="test")
        self.assertEqual(code, 0, err)
        self.assertIn("out of 2", out)

    def test_build_without_tests_gets_them(self):
        self.ready()
        code, out, err = self.tacho("--fast", program="test")
        self.assertEqual(code, 0, err)
        self.assertIn("out of 2", out)

    def test_compiler_error_ends_it(self):
        self.put("host/cli/main.c", "#error planted\n")
        code, _, err = self.tacho(program=".ci/run")
        self.assertEqual(code, 3)
        self.assertIn("planted", err)


if __name__ == "__main__":
    sys.exit(unittest.main())
