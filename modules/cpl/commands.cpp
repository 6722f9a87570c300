// Commands: scripts come, go and are shown; files are checked; scripts are run dry. The texts of
// success and the beginnings of errors are Kamailio's. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/commands.h"

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/api/text.h"
#include "modules/cpl/cpl.h"
#include "modules/cpl/files.h"
#include "modules/cpl/listing.h"
#include "modules/cpl/rehearsal.h"

namespace fairlead::cpl {

namespace {

Cpl& of(Module& m) {
    return static_cast<Cpl&>(m);
}

Result<std::string> owner_in(Module& m, const fairlead::Call& call) {
    if (!call.has(0) || call.text(0).empty()) return fail("No URI");
    const auto owner = of(m).named_owner(call.text(0));
    if (!owner) return fail("Invalid URI");
    return *owner;
}

Result<std::string> file_in(Module& m, std::string_view path) {
    auto xml = read_file(std::string(path), of(m).limits().size);
    if (!xml) return fail(fmt::format("Failed loading CPL file: {}", xml.error().str()));
    return std::move(*xml);
}

/// Answers when the change is in the database.
Result<void> answer_when_done(fairlead::Call& call, std::string_view success,
                              std::string_view failure,
                              const std::function<Result<void>(Database::Done)>& change) {
    // Shared: a std::function is copied.
    const std::shared_ptr<LateAnswer> late = call.later();
    const auto begun = change([late, success, failure](bool ok) {
        if (ok)
            late->answer().text(success);
        else
            late->fail(Error{.code = 500, .text = std::string(failure), .where = {}});
    });
    if (!begun)
        late->fail(Error{
            .code = 500, .text = fmt::format("{}: {}", failure, begun.error().text), .where = {}});
    return {};
}

Result<void> load(Module& m, fairlead::Call& call) {
    const std::string owner = TRY(owner_in(m, call));
    if (call.text(1).empty()) return fail("No CPL file");
    const std::string xml = TRY(file_in(m, call.text(1)));
    Faults faults;
    const auto compiled = compile(xml, of(m).limits(), faults);
    if (!compiled) return fail("Failed encoding CPL\n" + faults.str());
    return answer_when_done(call, "CPL Enabled", "Failed saving CPL", [&](Database::Done done) {
        return of(m).keep(owner, xml, *compiled, {}, std::move(done));
    });
}

Result<void> remove(Module& m, fairlead::Call& call) {
    const std::string owner = TRY(owner_in(m, call));
    return answer_when_done(call, "CPL Disabled", "Remove failed", [&](Database::Done done) {
        return of(m).drop(owner, {}, std::move(done));
    });
}

Result<void> get(Module& m, fairlead::Call& call) {
    const std::string owner = TRY(owner_in(m, call));
    Arena arena;
    if (const auto xml = of(m).find(owner, Store::Form::xml, arena)) call.answer().text(*xml);
    return {};
}

Result<void> check(Module& m, fairlead::Call& call) {
    const std::string xml = TRY(file_in(m, call.text(0)));
    Faults faults;
    const auto compiled = compile(xml, of(m).limits(), faults);
    Answer& answer = call.answer();
    answer.begin_struct();
    answer.text("result", compiled ? "correct" : "refused");
    if (compiled) answer.integer("size", static_cast<std::int64_t>(compiled->size()));
    answer.begin_array("faults");
    for (const Fault& fault : faults.all()) answer.text(fault.str());
    answer.end_array();
    answer.end_struct();
    return {};
}

/// The compiled script that a dry run is of.
Result<std::string> script_in(Module& m, std::string_view what) {
    if (what.starts_with('/')) {
        const std::string xml = TRY(file_in(m, what));
        Faults faults;
        auto compiled = compile(xml, of(m).limits(), faults);
        if (!compiled) return fail("Failed encoding CPL\n" + faults.str());
        return std::move(*compiled);
    }
    const auto owner = of(m).named_owner(what);
    if (!owner) return fail("Invalid URI");
    Arena arena;
    const auto bytes = of(m).find(*owner, Store::Form::compiled, arena);
    if (!bytes) return fail("No CPL script", {}, 404);
    return std::string(*bytes);
}

Result<void> run(Module& m, fairlead::Call& call) {
    const std::string bytes = TRY(script_in(m, call.text(0)));
    std::vector<std::string_view> words;
    for (std::size_t i = 1; i < call.args().size(); ++i)
        if (call.has(i)) words.push_back(call.text(i));
    const auto situation = parse_situation(words, of(m).now());
    if (!situation) return std::unexpected(situation.error());
    const Rehearsal done =
        rehearse(bytes, situation->call, situation->direction, situation->world, of(m).policy());
    Answer& answer = call.answer();
    answer.begin_struct();
    answer.text("outcome", done.outcome);
    answer.text("tried", done.tried);
    answer.text("contacts", done.contacts);
    answer.begin_array("path");
    for (const std::string& line : path_lines(bytes, done)) answer.text(line);
    answer.end_array();
    answer.begin_array("notes");
    for (const std::string& note : done.notes) answer.text(note);
    answer.end_array();
    answer.end_struct();
    return {};
}

template <auto Run>
constexpr Command row(std::string_view name, std::string_view doc, Right right,
                      std::span<const CommandArg> args) {
    Command command{name, doc, right, args};
    command.run = Run;
    return command;
}

constexpr CommandArg kOwner{"user", "user, user@domain or a URI.", CommandArg::Type::text, true};
constexpr CommandArg kFile{"file", "A file on the server's machine."};
constexpr std::array<CommandArg, 2> kLoadArgs{
    {kOwner, {"file", kFile.doc, CommandArg::Type::text, true}}};
constexpr std::array<CommandArg, 1> kOwnerArgs{{kOwner}};
constexpr std::array<CommandArg, 1> kFileArgs{{kFile}};
constexpr std::array<CommandArg, 2> kRunArgs{
    {{"script", "Its owner, or a file whose path begins with '/'."},
     {"call",
      "Words that describe the call: incoming or outgoing, from=, to=, uri=, time=, header=, "
      "registered=, answer=, lookup=fails.",
      CommandArg::Type::text, true, true}}};

}  // namespace

// Those that read files do it with the server's rights, so they are for administrators.
constexpr std::array<Command, kCommands> commands{{
    row<load>("cpl.load", "Stores the script in a file for a user.", Right::change, kLoadArgs),
    row<remove>("cpl.remove", "Removes a user's script.", Right::change, kOwnerArgs),
    row<get>("cpl.get", "A user's script as it was uploaded; nothing when there is none.",
             Right::read, kOwnerArgs),
    row<check>("cpl.check", "What is wrong with the script in a file.", Right::change, kFileArgs),
    row<run>("cpl.run", "Runs a script dry: the way that a described call takes, and its outcome.",
             Right::change, kRunArgs),
}};

}  // namespace fairlead::cpl
