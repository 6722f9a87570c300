// Fuzzes CPL: any text is compiled or has faults; what was compiled loads and runs to an end, and
// so do any bytes behind the header of a compiled script (inputs that begin with CPLB).
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "modules/cpl/compile.h"
#include "modules/cpl/machine.h"
#include "test/fuzz/check.h"

using namespace fairlead;
using fairlead::fuzz::check;

namespace {

/// Headers are parts of the input, so that scripts meet values like their own.
class FuzzedCall final : public cpl::Call {
public:
    explicit FuzzedCall(std::string_view input) : input_(input) {}
    std::optional<std::string_view> fact(cpl::Fact which) const override {
        const auto n = static_cast<std::size_t>(which);
        if (which == cpl::Fact::request_uri) return "sip:anna@example.test";
        if (which == cpl::Fact::from) return "\"Bob\" <sip:bob@caller.test;user=phone>";
        if (input_.size() < 40 * n) return std::nullopt;
        return input_.substr(input_.size() - 40 * n, 40);
    }
    cpl::Instant time() const override { return 1709726400; }

private:
    std::string_view input_;
};

cpl::Outcome outcome_of(const cpl::Action& action, std::span<const cpl::Contact> contacts,
                        int step) {
    using Kind = cpl::Outcome::Kind;
    if (action.kind == cpl::Action::Kind::lookup)
        return {step % 2 == 0 ? Kind::found : Kind::not_found, 0, contacts};
    if (action.kind != cpl::Action::Kind::proxy) return {};
    constexpr std::array<int, 4> kCodes{486, 302, 404, 603};
    if (step % 5 == 4) return {Kind::timed_out};
    return {Kind::answered, kCodes[static_cast<std::size_t>(step) % kCodes.size()], contacts};
}

void run(std::string_view bytes, const cpl::Call& call, cpl::Direction direction) {
    const auto script = cpl::Script::load(bytes);
    check(script.has_value(), "a sealed script loads");
    const cpl::Policy policy;
    cpl::Zones zones;
    const std::array<cpl::Contact, 2> contacts{{{"sip:c@c.test", 500}, {"sip:d@d.test", 1000}}};
    cpl::State state;
    cpl::Machine machine(*script, call, policy, zones, state);
    cpl::Action action = machine.start(direction);
    int step = 0;
    for (; !action.is_end(); ++step) {
        check(step < 200, "a run ends");
        action = machine.resume(outcome_of(action, contacts, step));
    }
    check(machine.contact_header().size() < 200000, "what a redirect says is bounded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const FuzzedCall call(input);
    std::string bytes;
    if (input.starts_with("CPLB") && size >= cpl::kHeaderSize) {
        bytes = input;
        cpl::Reader targets(input, 16);
        const cpl::Target in = targets.u32(), out = targets.u32();
        cpl::seal(bytes, in, out, 0);
    } else {
        cpl::Faults faults;
        const auto compiled = cpl::compile(input, {}, faults);
        check(compiled.has_value() == faults.empty(), "no script exactly after faults");
        for (const cpl::Fault& fault : faults.all())
            check(!fault.text.empty() && !fault.rule.empty(), "a fault says something");
        if (!compiled) return 0;
        bytes = *compiled;
    }
    run(bytes, call, cpl::Direction::incoming);
    run(bytes, call, cpl::Direction::outgoing);
    return 0;
}
