// Fuzzes the configuration language: any text is read and checked without a crash, what is reported
// has a place in the text, and there is a program exactly when there was no error.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/config.h"

#include <cstdint>
#include <string>

#include "test/cfg/script_host.h"
#include "test/fuzz/check.h"

using namespace fairlead;
using fairlead::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    cfg::Diagnostics diagnostics;
    module::Registry registry;
    check(registry.add(test::toy_descriptor()).has_value(), "the module is added");
    const cfg::Config config = cfg::read_text(text, {}, diagnostics);
    const auto program = cfg::compile(config, registry, diagnostics);
    check((program == nullptr) == (diagnostics.errors() != 0), "no program exactly after errors");
    for (const cfg::Diagnostic& d : diagnostics.all()) {
        check(d.at.file < diagnostics.file_count(), "a diagnostic has a file");
        check(!d.text.empty(), "a diagnostic says something");
    }
    check(diagnostics.print().empty() == diagnostics.all().empty(), "what was found is printed");
    return 0;
}
