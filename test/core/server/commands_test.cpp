// The registry of commands, and values that are changed while the server runs.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <array>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/recorded_call.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

class Lamp final : public Module {
public:
    int brightness = 3;
    bool is_on = false;

    Result<void> look(Call& call) {
        call.answer().begin_struct();
        call.answer().integer("brightness", brightness);
        call.answer().end_struct();
        return {};
    }
    Result<void> paint(Call& call) {
        if (call.text(0) == "pink") return fail("no such colour", {}, 404);
        if (call.text(0) == "none") return fail("no colour at all");
        call.answer().text(call.text(0));
        if (call.has(1)) call.answer().integer(call.integer(1));
        return {};
    }
    Result<void> many(Call& call) {
        for (const Value& v : call.args()) call.answer().value(v);
        return {};
    }
    Result<void> counts(Call& call) {
        struct Source final : AnswerSource {
            int next = 1;
            bool more(Answer& answer) override {
                answer.integer(next++);
                return next <= 3;
            }
        };
        call.stream(std::make_unique<Source>());
        return {};
    }
};

constexpr CommandArg paint_args[] = {
    {.name = "colour", .doc = "Its name."},
    {.name = "coats", .doc = "How many.", .type = CommandArg::Type::integer, .optional = true}};
constexpr CommandArg many_args[] = {
    {.name = "values", .doc = "Any.", .type = CommandArg::Type::any, .repeated = true}};
constexpr Command commands[] = {
    command<&Lamp::look>("lamp.look", "Shows it.", Right::read),
    command<&Lamp::paint>("lamp.paint", "Paints it.", Right::change, paint_args, false,
                          "paint_lamp"),
    command<&Lamp::many>("lamp.many", "Says them.", Right::read, many_args, true),
    command<&Lamp::counts>("lamp.counts", "One to three.", Right::read)};
constexpr Tunable tunables[] = {tunable<&Lamp::brightness>("brightness", "How bright.", 0, 9),
                                tunable<&Lamp::is_on>("is_on", "Whether it burns.", 0, 1)};
constexpr Descriptor lamp{.name = "lamp",
                          .summary = "A lamp.",
                          .create = make_module<Lamp>,
                          .commands = commands,
                          .tunables = tunables};

struct LampHost : ModuleHost {
    LampHost() {
        add(lamp);
        on_request([](Message&) {});
        start();
    }
};

}  // namespace

TEST_CASE("a command is found by its name, and by its classic name without regard to case") {
    LampHost host;
    CHECK(ask(host.engine(), "lamp.look") == "{brightness: 3}");
    CHECK(ask(host.engine(), "PAINT_lamp", {Value("red")}) == "\"red\"");
    CHECK(ask(host.engine(), "lamp.lo") == "no such command");
    CHECK(ask(host.engine(), "") == "no such command");
}

TEST_CASE("a command's arguments have the types that its row wants") {
    LampHost host;
    Core& core = host.engine();
    CHECK(ask(core, "lamp.paint", {Value("red"), Value("12")}) == "\"red\" 12");
    CHECK(ask(core, "lamp.paint", {Value(7), Value(2)}) == "\"7\" 2");
    CHECK(ask(core, "lamp.paint", {Value("red"), Value("x")}) ==
          "error 400 coats must be a number");
    CHECK(ask(core, "lamp.paint") == "error 400 colour is missing");
    CHECK(ask(core, "lamp.look", {Value(1)}) == "error 400 lamp.look takes 0 argument(s)");
    CHECK(ask(core, "lamp.many", {Value("a"), Value(5), Value("b")}) == "\"a\" 5 \"b\"");
    CHECK(ask(core, "lamp.many").empty());
}

TEST_CASE("an error of a command has its code, 500 when it gave none") {
    LampHost host;
    CHECK(ask(host.engine(), "lamp.paint", {Value("pink")}) == "error 404 no such colour");
    CHECK(ask(host.engine(), "lamp.paint", {Value("none")}) == "error 500 no colour at all");
}

TEST_CASE("a reader may look and not change") {
    LampHost host;
    RecordedCall paint({Value("red")}, Role::reader), look({}, Role::reader);
    CHECK(paint.run(host.engine(), "lamp.paint") == "error 403 Permission denied");
    CHECK(look.run(host.engine(), "lamp.look") == "{brightness: 3}");
}

TEST_CASE("a long answer is written piece by piece") {
    LampHost host;
    RecordedCall call;
    CHECK(call.run(host.engine(), "lamp.counts") == "1 2 3");
    CHECK(call.pieces == 2);
}

TEST_CASE("a tunable is changed within its range, and remembers what the configuration said") {
    LampHost host;
    Tunables& tunables_of = host.engine().tunables();
    const auto* const entry = tunables_of.find("lamp", "brightness");
    REQUIRE(entry != nullptr);
    CHECK(tunables_of.find("lamp", "colour") == nullptr);
    CHECK(tunables_of.set(*entry, Value(7)));
    CHECK(host.module<Lamp>("lamp")->brightness == 7);
    CHECK_FALSE(tunables_of.set(*entry, Value(10)));
    CHECK_FALSE(tunables_of.set(*entry, Value("7")));
    CHECK(host.module<Lamp>("lamp")->brightness == 7);
    CHECK(tunables_of.original(*entry).integer() == 3);
    const auto* const is_on = tunables_of.find("lamp", "is_on");
    REQUIRE(is_on != nullptr);
    CHECK(tunables_of.set(*is_on, Value(1)));
    CHECK(host.module<Lamp>("lamp")->is_on);
}
