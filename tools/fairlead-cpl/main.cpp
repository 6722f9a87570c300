// fairlead-cpl: checks CPL scripts, says what they do, draws them, and runs them dry.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "modules/cpl/compile.h"
#include "modules/cpl/drawing.h"
#include "modules/cpl/listing.h"
#include "modules/cpl/rehearsal.h"

using namespace fairlead::cpl;

namespace {

constexpr int kRefused = 1, kUnusable = 2;

struct Options {
    std::string file, drawing;
    std::vector<std::string> call;
    bool explain = false;
};

int complain(const std::string& text) {
    std::fputs(("fairlead-cpl: " + text + "\n").c_str(), stderr);
    return kUnusable;
}

void say(const std::string& text) {
    std::fputs(text.c_str(), stdout);
}

/// One byte more than a script may have is enough to see that it is too long.
std::optional<std::string> read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string xml(Limits().size + 1, '\0');
    in.read(xml.data(), static_cast<std::streamsize>(xml.size()));
    if (in.bad() || !in.is_open() || (in.gcount() == 0 && !in.eof())) return std::nullopt;
    xml.resize(static_cast<std::size_t>(in.gcount()));
    return xml;
}

int run(const Script& script, const Options& options) {
    const std::vector<std::string_view> words(options.call.begin(), options.call.end());
    const auto situation = parse_situation(words, fairlead::SystemClock().unix_seconds());
    if (!situation) return complain(situation.error().str());
    const Rehearsal done =
        rehearse(script.bytes(), situation->call, situation->direction, situation->world);
    say(report(script.bytes(), done));
    return 0;
}

int work(const Options& options, bool runs) {
    const auto xml = read(options.file);
    if (!xml) return complain("cannot read " + options.file);
    Faults faults;
    const auto bytes = compile(*xml, {}, faults);
    if (!bytes) {
        for (const Fault& fault : faults.all()) say(options.file + ":" + fault.str() + "\n");
        return kRefused;
    }
    const auto script = Script::load(*bytes);
    if (!script) return complain("the compiled form cannot be read");
    if (!options.drawing.empty()) {
        std::ofstream out(options.drawing, std::ios::binary);
        out << draw(*script);
        out.close();
        if (!out) return complain("cannot write " + options.drawing);
    }
    if (options.explain) say(explain(*script));
    if (runs) return run(*script, options);
    if (!options.explain && options.drawing.empty())
        say(options.file + ": correct, " + std::to_string(bytes->size()) + " bytes compiled\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Checks scripts of the Call Processing Language (RFC 3880).", "fairlead-cpl");
    app.footer("Exit status: 0; 1 when the script has faults; 2 when something cannot be read.");
    Options options;
    app.require_subcommand(1);
    CLI::App* const check = app.add_subcommand("check", "Says what is wrong with a script");
    CLI::App* const dry = app.add_subcommand("run", "Shows which way a call takes, and its end");
    for (CLI::App* const command : {check, dry}) {
        command->add_option("FILE", options.file, "The script")->required();
        command->add_flag("--explain", options.explain, "Say in words what the script does");
        command->add_option("--svg", options.drawing, "Draw the script into this file");
    }
    dry->add_option("--call", options.call,
                    "The call: incoming or outgoing, and words like from=sip:bob@example.com "
                    "to=… uri=… time=2026-03-06T12:00:00Z \"header=Subject: x\" "
                    "\"registered=sip:anna@desk.test 0.5\" answer=desk.test=486 (or ring, "
                    "\"302 URI\") lookup=fails")
        ->expected(1, 64);
    CLI11_PARSE(app, argc, argv);
    return work(options, dry->parsed());
}
