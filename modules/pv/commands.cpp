// Commands about $shv, with the shapes of Kamailio's. SPDX-License-Identifier: Apache-2.0
#include "modules/pv/commands.h"

#include "core/api/text.h"
#include "modules/pv/pv.h"

namespace fairlead::pv {
namespace {

constexpr int kBadRequest = 400, kNotFound = 404;

void tell(Answer& a, std::string_view name, const Value& value) {
    a.text("name", name);
    a.text("type", value.is_string() ? "string" : "int");
    a.name("value");
    a.value(value);
}

Result<void> get(Module& m, Call& call) {
    const Pv& pv = static_cast<Pv&>(m);
    const BorrowedMessage borrowed(*pv.core);  // lends its arena to texts
    const auto value_of = [&](std::string_view name) {
        return pv.shared_vars.get(*borrowed, {.inner = name});
    };
    Answer& a = call.answer();
    if (call.has(0)) {
        if (!pv.shared_vars.has(call.text(0))) return fail("Variable not found", {}, kNotFound);
        a.begin_struct();
        tell(a, call.text(0), value_of(call.text(0)));
        a.end_struct();
        return {};
    }
    a.begin_struct();
    a.begin_struct("items");
    pv.shared_vars.each_name([&](std::string_view name) {
        a.begin_struct("shv");
        tell(a, name, value_of(name));
        a.end_struct();
    });
    a.end_struct();
    a.end_struct();
    return {};
}

Result<void> set(Module& m, Call& call) {
    Pv& pv = static_cast<Pv&>(m);
    if (!pv.shared_vars.has(call.text(0))) return fail("Variable not found", {}, kNotFound);
    const bool is_integer = call.text(1) == "int" || call.text(1) == "i";
    const bool is_text = call.text(1) == "str" || call.text(1) == "s" || call.text(1) == "string";
    if (!is_integer && !is_text) return fail("Unknown type: int or str", {}, kBadRequest);
    const auto number = text::parse_int(call.text(2));
    if (is_integer && !number) return fail("An integer is expected", {}, kBadRequest);
    const Value value = is_integer ? Value(*number) : Value(call.text(2));
    if (!pv.shared_vars.set({.inner = call.text(0)}, value))
        return fail("The variable cannot be set");
    call.answer().text("Ok. Variable set to new value.");
    return {};
}

using T = CommandArg::Type;
constexpr CommandArg kGet[] = {{"name", "Of one variable; all without it.", T::text, true}};
constexpr CommandArg kSet[] = {{"name", "The variable's.", T::text},
                               {"type", "int or str.", T::text},
                               {"value", "The new one.", T::text}};

}  // namespace

constinit const std::array<Command, kCommands> commands{
    {{"pv.shvGet", "A $shv variable, or all of them.", Right::read, kGet, false, {}, get},
     {"pv.shvSet", "Sets a $shv variable.", Right::change, kSet, false, {}, set}}};

}  // namespace fairlead::pv
