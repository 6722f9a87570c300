#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each check passes clean code and catches the violation that it is for."""
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import check_allow
import check_headers
import check_layers
import check_seeds
import check_size
import check_words
import cpp_scan


class Tree(unittest.TestCase):
    """A small tree in a temporary folder."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def assert_finds(self, check, *parts):
        found = check.check(self.root)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def assert_clean(self, check):
        self.assertEqual(check.check(self.root), [])


class Seeds(Tree):
    def setUp(self):
        super().setUp()
        self.write("test/a_test.cpp", 'TEST_CASE("one goes "\n          "up", "[x]") {}\n')
        self.write("test/b_test.py", "    def test_two(self):\n")

    def page(self, test):
        self.write("docs/seeds.md", "# Seeds\n\n| what | where | test |\n|---|---|---|\n"
                                    f"| `x` | y | {test} |\n")

    def test_passes_tests_that_exist(self):
        self.page("`test/a_test.cpp: one goes up`<br>`test/b_test.py: test_two`")
        self.assert_clean(check_seeds)

    def test_a_test_that_is_gone(self):
        self.page("`test/a_test.cpp: two go up`")
        self.assert_finds(check_seeds, "docs/seeds.md:5:", "two go up")

    def test_a_file_that_is_gone(self):
        self.page("`test/c_test.cpp: one goes up`")
        self.assert_finds(check_seeds, "test/c_test.cpp")

    def test_a_row_without_a_test(self):
        self.page("later")
        self.assert_finds(check_seeds, "later")


class Layers(Tree):
    def setUp(self):
        super().setUp()
        for header in ("core/base/text.h", "core/sip/uri.h", "core/api/net.h", "core/module.h",
                       "modules/tm/api.h", "modules/tm/table.h", "cfg/config.h"):
            self.write(header, "")

    def test_passes_what_goes_down(self):
        self.write("core/sip/uri.cpp", '#include "core/sip/uri.h"\n#include "core/base/text.h"\n')
        self.write("modules/sl/sl.cpp", '#include "core/module.h"\n#include "core/api/net.h"\n'
                                        '#include "modules/tm/api.h"\n#include <string>\n')
        self.assert_clean(check_layers)

    def test_base_must_not_know_sip(self):
        self.write("core/base/text.cpp", '\n#include "core/sip/uri.h"\n')
        self.assert_finds(check_layers, "core/base/text.cpp:2:", '#include "core/sip/uri.h"')

    def test_core_must_not_know_a_module(self):
        self.write("core/server/x.cpp", '#include "modules/tm/api.h"\n')
        self.assert_finds(check_layers, "core/server/x.cpp:1:")

    def test_a_module_sees_only_another_ones_api(self):
        self.write("modules/sl/sl.cpp", '#include "modules/tm/table.h"\n')
        self.assert_finds(check_layers, "modules/sl/sl.cpp:1:", "modules/OTHER/api.h")

    def test_a_module_does_not_know_the_configuration(self):
        self.write("modules/sl/sl.cpp", '#include "cfg/config.h"\n')
        self.assert_finds(check_layers, "modules/sl/sl.cpp:1:")

    def test_paths_start_at_the_top(self):
        self.write("core/sip/uri.cpp", '#include "uri.h"\n')
        self.assert_finds(check_layers, "from the top")

    def test_libevent_stays_in_its_folder(self):
        self.write("core/net/udp.cpp", "#include <event2/event.h>\n")
        self.assert_finds(check_layers, "core/event/")

    def test_boost_stays_in_its_folder(self):
        self.write("modules/tm/table.cpp", "#include <boost/interprocess/offset_ptr.hpp>\n")
        self.assert_finds(check_layers, "core/shm/")

    def test_libxml_is_for_cpl(self):
        self.write("core/server/x.cpp", "#include <libxml/parser.h>\n")
        self.assert_finds(check_layers, "modules/cpl/")

    def test_a_new_folder_must_be_given_its_place(self):
        self.write("core/other/x.cpp", '#include "core/base/text.h"\n')
        self.assert_finds(check_layers, "no layer")


class Sizes(Tree):
    def test_passes_small_code(self):
        self.write("core/base/a.cpp", "int f(int a) {\n    if (a) return 1;\n    return 0;\n}\n")
        self.assert_clean(check_size)

    def test_long_file(self):
        self.write("core/base/a.cpp", "int a;\n" * 701)
        self.assert_finds(check_size, "701 lines", "700")

    def test_long_header(self):
        self.write("core/base/a.h", "int f();\n" * 301)
        self.assert_finds(check_size, "301 lines", "300")

    def test_long_function(self):
        self.write("core/base/a.cpp", "namespace x {\nvoid f() {\n" + "    g();\n" * 80 + "}\n}\n")
        self.assert_finds(check_size, "core/base/a.cpp:2:", "f: 82 lines")

    def test_long_test_case(self):
        self.write("test/a.cpp", 'TEST_CASE("a", "[b]") {\n' + "    g();\n" * 60 + "}\n")
        self.assert_finds(check_size, "62 lines", "60")

    def test_deep_nesting(self):
        self.write("core/base/a.cpp", "void f() {\n" + "if (a) {\n" * 5 + "}\n" * 5 + "}\n")
        self.assert_finds(check_size, "nested 5 deep")

    def test_many_parameters(self):
        self.write("core/base/a.cpp",
                   "void f(int a, std::map<int, int> b, int c, int d, int e, int g, int h) {}\n")
        self.assert_finds(check_size, "7 parameters")

    def test_macro(self):
        self.write("core/base/a.h", "#define MAX(a, b) ((a) > (b) ? (a) : (b))\n")
        self.assert_finds(check_size, "function-like macro MAX")

    def test_too_many_headers(self):
        for i in range(41):
            self.write(f"core/base/h{i}.h", f'#include "core/base/h{i + 1}.h"\n')
        self.write("core/base/h41.h", "")
        self.write("core/base/a.cpp", '#include "core/base/h0.h"\n')
        self.assert_finds(check_size, "42 own headers")


class Scan(unittest.TestCase):
    def test_finds_functions_among_other_braces(self):
        code = """
namespace a {
struct S : B<int> {
    int x{3};
    int y = f({1, 2});
    S(int a, int b) : x{a}, y(b) {}
    auto g() const noexcept -> int { return [&](int q) { return q; }(1); }
};
constexpr int table[] = {1, 2, 3};
template <class T>
    requires std::is_class_v<T>
bool operator==(const T& l, const T& r) {
    return l.x == r.x;
}
enum class E : unsigned char { a, b };
}
"""
        self.assertEqual([(f.name, f.parameters) for f in cpp_scan.functions(code)],
                         [("S", 2), ("g", 0), ("=", 2)])

    def test_counts_nesting_of_control_only(self):
        code = "void f() {\n{ S s{1};\nfor (;;) {\nauto l = [&] { if (a) { b(); } };\n} }\n}\n"
        found = cpp_scan.functions(code)
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0].nesting, 2)
        self.assertEqual(found[0].lines, 6)


class Allow(Tree):
    def catches(self, path, code, rule):
        self.write(path, code + "\n")
        self.assert_finds(check_allow, f"{path}:1: {rule}:", code)

    def test_fork(self):
        self.catches("core/server/x.cpp", "auto pid = ::fork();", "fork")

    def test_reinterpret_cast(self):
        self.catches("modules/tm/x.cpp", "auto p = reinterpret_cast<A*>(q);", "reinterpret_cast")

    def test_void_pointer(self):
        self.catches("cfg/x.cpp", "void* p = nullptr;", "void*")

    def test_throw(self):
        self.catches("core/sip/x.cpp", "throw 1;", "throw")

    def test_regex(self):
        self.catches("cfg/x.cpp", "std::regex r;", "std::regex")

    def test_real_time(self):
        self.catches("modules/tm/x.cpp", "auto t = time(nullptr);", "real time")

    def test_sprintf(self):
        self.catches("core/sip/x.cpp", 'sprintf(b, "");', "unbounded text")

    def test_new(self):
        self.catches("core/sip/x.cpp", "auto* a = new A(1);", "new")

    def test_placement_new(self):
        self.catches("core/sip/x.cpp", "auto* a = ::new (p) A;", "placement new")

    def test_delete(self):
        self.catches("core/sip/x.cpp", "if (a) delete a;", "delete")

    def test_sleep_in_a_test(self):
        self.catches("test/core/x.cpp", "std::this_thread::sleep_for(1s);", "sleep")

    def test_thread(self):
        self.catches("modules/tm/x.cpp", "std::thread t(f);", "threads")

    def test_resolver(self):
        self.catches("modules/tm/x.cpp", "getaddrinfo(a, b, c, d);", "blocking resolver")

    def test_namespace_in_a_header(self):
        self.catches("core/sip/x.h", "using namespace std;", "using namespace")

    def test_passes_names_comments_texts_and_those_who_may(self):
        self.write("core/sip/x.cpp", '// a new throw; fork()\nauto s = "throw new void*";\n'
                                     "A(const A&) = delete;\nint renew_fork(); m.fork_count(1);\n")
        self.write("core/proc/x.cpp", "auto pid = ::fork();\n")
        self.write("core/shm/x.h", "auto* a = ::new (p) A;\nvoid* q;\n")
        self.assert_clean(check_allow)


class Words(Tree):
    def test_private_path(self):
        self.write("README.md", "see /" + "work/notes\n")
        self.assert_finds(check_words, "README.md:1:")

    def test_marker_without_ticket(self):
        self.write("README.md", "T" + "ODO later\n")
        self.assert_finds(check_words, "ticket")

    def test_marker_with_ticket(self):
        self.write("README.md", "T" + "ODO(#12) later\n")
        self.assert_clean(check_words)

    def test_licence(self):
        self.write("core/a.h", "// A header.\n")
        self.assert_finds(check_words, "SPDX")


class Headers(Tree):
    def test_a_header_must_include_what_it_uses(self):
        self.write("core/a.h", "#pragma once\n#include <string>\ninline std::string f();\n")
        self.write("core/b.h", "#pragma once\nstd::string g();\n")
        self.assert_finds(check_headers, "core/b.h: does not compile alone")

    def test_what_a_built_source_includes_first_has_been_compiled_alone(self):
        self.write("core/a.h", "#pragma once\nstd::string f();\n")
        self.write("core/b.h", "#pragma once\nstd::string g();\n")
        self.write("core/a.cpp", '// A.\n#include "core/a.h"\n\n#include "core/b.h"\n')
        self.write("build/compile_commands.json",
                   json.dumps([{"directory": f"{self.root}/build", "file": "../core/a.cpp"}]))
        found = check_headers.check(self.root, self.root / "build")
        self.assertEqual([text.split(":")[0] for text in found], ["core/b.h"])


if __name__ == "__main__":
    unittest.main()
