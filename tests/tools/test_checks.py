#!/usr/bin/env python3
# Plants one fault after the other in a small tree and expects the checks of tools/ to name it.

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

GOOD_HEADER = """// Adds two numbers, for those who cannot.
#ifndef TACHO_CORE_SUM_H
#define TACHO_CORE_SUM_H

int tacho_sum(int a, int b);

#endif
"""
GOOD_SOURCE = """// Adds two numbers, for those who cannot.
#include "core/sum.h"

int tacho_sum(int a, int b)
{
    return a + b;
}
"""


class Tree(unittest.TestCase):
    """A tree with one folder, core, that every check finds good."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tacho-checks-")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("layers.txt", "tidy_rules.txt", "ratchet.txt"):
            self.put("tools/" + name, self.ours("tools/" + name))
        self.put("core/sum.h", GOOD_HEADER)
        self.put("core/sum.c", GOOD_SOURCE)

    def ours(self, name):
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            return file.read()

    def put(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def run_check(self, tool, *words):
        env = {key: value for key, value in os.environ.items() if key != "TACHO_BINARY_DIR"}
        done = subprocess.run([os.path.join(ROOT, "tools", tool), *words, self.folder], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def good(self, tool):
        code, text = self.run_check(tool)
        self.assertEqual((code, text), (0, ""))

    def bad(self, tool, *parts):
        code, text = self.run_check(tool)
        self.assertEqual(code, 1, text)
        for part in parts:
            self.assertIn(part, text)
        return text


class Layers(Tree):
    def test_allowed_includes_are_good(self):
        self.put("wire/frame.h", "#include <tacho/errors.h>\n")
        self.put("core/ring.c", '#include "wire/frame.h"\n#include "sum.h"\n#include <time.h>\n')
        self.put("host/base/time.h", "int x;\n")
        self.put("host/cli/main.c", '#include "core/sum.h"\n#include "store/store.h"\n')
        self.good("check_layers")

    def test_include_against_an_arrow(self):
        self.put("wire/frame.c", '// A frame.\n\n#include "core/sum.h"\n')
        self.bad("check_layers", "wire/frame.c:3: wire may not include from core", "layers.txt")

    def test_target_side_does_not_see_the_host(self):
        self.put("core/ring.c", '#include "base/fail.h"\n')
        self.bad("check_layers", "core/ring.c:1: core may not include from host/base")

    def test_way_around_by_dots(self):
        self.put("wire/frame.c", '#include "../core/sum.h"\n')
        self.bad("check_layers", "wire/frame.c:1: ../core/sum.h climbs out of the folder")

    def test_subfolder_belongs_to_the_line_above(self):
        self.put("ports/cpu/host/cycles.h", '#include "base/fail.h"\n')
        self.bad("check_layers", "ports/cpu may not include from host/base")

    def test_header_found_by_include_path(self):
        self.put("ports/cpu/mock/tacho_cpu.h", "int x;\n")
        self.put("core/ring.c", '#include "tacho_cpu.h"\n')
        self.good("check_layers")
        self.put("wire/frame.c", '#include "tacho_cpu.h"\n')
        self.bad("check_layers", "wire/frame.c:1: wire may not include from ports/cpu")

    def test_folder_without_a_line(self):
        self.put("gizmo/thing.c", "int x;\n")
        self.bad("check_layers", "gizmo/thing.c:1: no folder above this file has a line")

    def test_circle_of_lines(self):
        text = self.ours("tools/layers.txt").replace("wire:            include",
                                                     "wire:            include core")
        self.put("tools/layers.txt", text)
        self.bad("check_layers", "in a circle", "wire -> core -> wire")

    def test_build_that_links_what_the_line_does_not_name(self):
        self.put("wire/CMakeLists.txt", "tacho_layer(wire\n  SOURCES frame.c\n  LAYERS include core)\n")
        self.bad("check_layers", "wire/CMakeLists.txt:1: wire is built with the layer core")

    def test_line_that_names_an_unknown_folder(self):
        self.put("tools/layers.txt", "core: nowhere\n")
        self.bad("check_layers", "tools/layers.txt:1: core may see nowhere, which has no line")


class Tidy(Tree):
    def test_good_tree(self):
        self.good("check_tidy")

    def test_text_faults(self):
        self.put("core/sum.c", GOOD_SOURCE + "\tint x; \n" + "int " + "y" * 100 + ";\nint z;")
        self.bad("check_tidy", "core/sum.c:8: a tab", "core/sum.c:8: blanks", "core/sum.c:9: 105 columns",
                 "core/sum.c:10: the last line has no end")

    def test_first_line(self):
        self.put("core/sum.c", GOOD_SOURCE.replace("// Adds", "/* Adds"))
        self.put("tools/run.sh", "#!/bin/sh\necho\n")
        self.bad("check_tidy", "core/sum.c:1: the first line is", "tools/run.sh:2: the first line is")

    def test_banned_words_and_private_paths(self):
        self.put("core/sum.c", GOOD_SOURCE + "// TO" + "DO later\n// see /wo" + "rk/notes\n")
        self.put("docs/page.md", "Look into `/ro" + "ot/notes`.\n")
        self.bad("check_tidy", "core/sum.c:8: TO" + "DO", "core/sum.c:9: /wo" + "rk/n",
                 "docs/page.md:1: /ro" + "ot/n")

    def test_missing_guard(self):
        self.put("core/sum.h", "// Adds two numbers, for those who cannot.\nint tacho_sum(int a, int b);\n")
        self.bad("check_tidy", "core/sum.h:1: the header has no include guard")

    def test_vague_names(self):
        self.put("host/utils/x.md", "x\n")
        self.put("core/helpers.c", GOOD_SOURCE)
        self.bad("check_tidy", "host/utils:1:", "core/helpers.c:1:")

    def test_forbidden_calls_count_in_code_only(self):
        body = "\nvoid tacho_f(void)\n{\n    // malloc(1) is not for us\n    tacho_put(\"printf(\");\n}\n"
        self.put("core/sum.c", GOOD_SOURCE + body)
        self.good("check_tidy")
        self.put("core/sum.c", GOOD_SOURCE + body.replace("tacho_put", "printf"))
        self.bad("check_tidy", "core/sum.c:12: printf: there is no terminal")

    def test_only_the_command_exits_and_prints(self):
        text = GOOD_SOURCE.replace("core/", "render/").replace("return a + b", "exit(a + b)")
        self.put("host/cli/sum.c", text)
        self.good("check_tidy")
        self.put("host/render/sum.c", text)
        self.bad("check_tidy", "host/render/sum.c:6: exit")

    def test_only_the_store_knows_the_database(self):
        text = GOOD_SOURCE.replace('"core/sum.h"', "<sqlite3.h>")
        self.put("host/store/sum.c", text)
        self.good("check_tidy")
        self.put("host/capture/sum.c", text)
        self.bad("check_tidy", "host/capture/sum.c:2: sqlite3.h")

    def test_ratchet_holds_and_lowers_lengths(self):
        long = GOOD_SOURCE.replace("    return", "    a++;\n" * 79 + "    return")
        self.put("core/sum.c", long)
        self.bad("check_tidy", "core/sum.c:5: function tacho_sum has 82 lines, at most 70")
        self.put("tools/ratchet.txt", "# ratchet\nfunction core/sum.c tacho_sum 82\n")
        self.good("check_tidy")
        self.put("core/sum.c", long.replace("    a++;\n", "", 5))
        self.bad("check_tidy", "tools/ratchet.txt:2: function core/sum.c tacho_sum is shorter now")
        self.assertEqual(self.run_check("check_tidy", "--lower"), (0, ""))
        self.put("core/sum.c", long.replace("    a++;\n", "", 4))
        self.bad("check_tidy", "has 78 lines, at most 77")
        self.put("core/sum.c", GOOD_SOURCE)
        self.assertEqual(self.run_check("check_tidy", "--lower"), (0, ""))
        with open(os.path.join(self.folder, "tools/ratchet.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "# ratchet\n")

    def test_file_above_the_limit(self):
        self.put("core/sum.c", GOOD_SOURCE + "// more\n" * 800)
        self.bad("check_tidy", "core/sum.c:1: file has 807 lines, at most 800")


class Docs(Tree):
    ROWS = "| id | what | state | shown by |\n|---|---|---|---|\n| L9 | profiler | planned | |\n"

    def test_command_needs_a_page(self):
        self.put("host/cli/commands.def", "// x\nTACHO_COMMAND(run)\n")
        self.bad("check_docs", "host/cli/commands.def:2: the command run has no page")
        self.put("docs/commands/run.md", "# run\n")
        self.good("check_docs")

    def test_metric_needs_a_row(self):
        self.put("host/run/metrics.def", 'TACHO_METRIC_ROW(rss_bytes, "bytes", GAUGE, LOWER, "x")\n')
        self.bad("check_docs", "docs/metrics.md does not exist")
        self.put("docs/metrics.md", "| `rss` |\n")
        self.bad("check_docs", "host/run/metrics.def:1: rss_bytes is missing in docs/metrics.md")
        self.put("docs/metrics.md", "| `rss_bytes` |\n")
        self.good("check_docs")

    def test_cited_row_must_exist(self):
        self.put("docs/requirements.md", self.ROWS)
        self.put("tests/core/test_sum.c", "// Sums (L9).\n")
        self.good("check_docs")
        self.put("tests/core/test_sum.c", "// Sums (L9, B" "77).\n")
        self.bad("check_docs", "tests/core/test_sum.c:1: cites B77")

    def test_done_row_must_be_shown(self):
        self.put("docs/requirements.md", self.ROWS.replace("planned", "done"))
        self.bad("check_docs", "docs/requirements.md:3: L9 is done, but no test or page")
        self.put("docs/requirements.md", self.ROWS.replace("planned | |", "done | `docs/gone.md` |"))
        self.bad("check_docs", "L9 is shown by docs/gone.md, which is neither a test nor a file")
        self.put("docs/requirements.md", self.ROWS.replace("planned | |", "soon | `core/sum.c` |"))
        self.bad("check_docs", "L9 is 'soon'")

    def test_folder_needs_a_paragraph(self):
        self.put("tools/layers.txt", "core:\ngizmo: core\n")
        self.put("ARCHITECTURE.md", "| `core` | The core. |\n")
        self.bad("check_docs", "tools/layers.txt:2: gizmo has no row")

    def test_examples_name_what_exists(self):
        self.put("host/cli/commands.def", "TACHO_COMMAND(run)\n")
        self.put("docs/commands/run.md", "```\ntacho run --every 1s -- ls --all\n$ ./tacho run x # --no\n```\n")
        self.put("host/cli/cmd_run.c", '"every"\n')
        self.good("check_docs")
        self.put("README.md", "Then\n\n```sh\n./tacho walk\n./tacho run --evry 1s -- ls\n```\n")
        self.bad("check_docs", "README.md:4: tacho has no command walk",
                 "README.md:5: no command of tacho has an option --evry")

    def test_dead_link(self):
        self.put("docs/page.md", "See [that](gone.md#there) and [this](https://example.org/).\n")
        self.bad("check_docs", "docs/page.md:1: the link to gone.md leads nowhere")


class Format(Tree):
    def test_source_out_of_format(self):
        shutil.copy(os.path.join(ROOT, ".clang-format"), self.folder)
        code, text = self.run_check("check_format")
        if code == 77:
            self.skipTest(text)
        self.assertEqual(code, 0, text)
        self.put("core/sum.c", GOOD_SOURCE.replace("    return", "  return"))
        code, text = self.run_check("check_format")
        self.assertNotEqual(code, 0)
        self.assertIn("core/sum.c:5", text)


if __name__ == "__main__":
    sys.exit(unittest.main())
