// kex: flags of scripts and branches, the destination URI, and whether an address is ours.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include "core/api/log.h"
#include "core/module.h"

namespace fairlead::kex {

class Kex final : public Module {
public:
    Result<void> prepare(Core& core) override {
        net_ = &core.net();
        core_ = &core;
        started_ = core.clock().unix_seconds();
        return {};
    }
    Result<void> start(const Process&) override {
        configured_level_ = log::level();
        return {};
    }

    Verdict setsflag(Message& m, int flag) { return set(&m.script_flags, flag); }
    Verdict resetsflag(Message& m, int flag) { return reset(&m.script_flags, flag); }
    Verdict issflagset(Message& m, int flag) { return is_set(&m.script_flags, flag); }

    Verdict setbflag(Message& m, int flag, std::optional<int> branch) {
        return set(branch_flags(m, branch), flag);
    }
    Verdict resetbflag(Message& m, int flag, std::optional<int> branch) {
        return reset(branch_flags(m, branch), flag);
    }
    Verdict isbflagset(Message& m, int flag, std::optional<int> branch) {
        return is_set(branch_flags(m, branch), flag);
    }

    Verdict setdsturi(Message& m, std::string_view uri) {
        m.target.dst_uri = m.arena.copy(uri);
        return Verdict::yes;
    }
    Verdict resetdsturi(Message& m) {
        m.target.dst_uri = {};
        return Verdict::yes;
    }
    Verdict isdsturiset(Message& m) {
        return m.target.dst_uri.empty() ? Verdict::no : Verdict::yes;
    }

    Verdict is_myself(Message&, std::string_view uri) {
        // A bare address is taken as well as a URI.
        const auto parsed = sip::parse_uri(uri);
        const bool is_uri = parsed && parsed->is_sip();
        const bool ours = is_uri ? net_->is_myself(parsed->host, parsed->port, Proto::none)
                                 : net_->is_myself(uri, 0, Proto::none);
        return Verdict::of(ours);
    }

    Verdict pv_printf(Message& m, const VariableRef& variable, std::string_view text) {
        return Verdict::of(variable.set(m, Value(text)));
    }

    /// Another one each time, of all processes and starts of the server.
    Value unique(Message& m) {
        constexpr std::size_t kRoom = 64;
        char* const out = m.arena.allocate(kRoom);
        const auto end = fmt::format_to_n(out, kRoom, "srid-{:x}-{:x}-{:x}", started_,
                                          core_->process().slot, ++uniques_);
        return std::string_view(out, end.size);
    }

    Verdict setdebug(Message&, int level) {
        log::set_level(static_cast<log::Level>(level));
        return Verdict::yes;
    }
    Verdict resetdebug(Message&) {
        log::set_level(configured_level_);
        return Verdict::yes;
    }

private:
    /// Null for a branch that does not exist.
    static std::uint32_t* branch_flags(Message& m, std::optional<int> branch) noexcept {
        const int index = branch.value_or(0);
        if (index == 0) return &m.target.flags;
        if (index < 0 || static_cast<std::size_t>(index) > m.branch_count) return nullptr;
        return &m.branches[static_cast<std::size_t>(index) - 1].flags;
    }
    static bool is_flag(int flag) noexcept {
        if (flag >= 0 && flag < 32) return true;
        LOG(error, "flag {} is not one of 0 to 31", flag);
        return false;
    }
    static Verdict set(std::uint32_t* flags, int flag) noexcept {
        if (flags == nullptr || !is_flag(flag)) return Verdict::no;
        *flags |= std::uint32_t{1} << flag;
        return Verdict::yes;
    }
    static Verdict reset(std::uint32_t* flags, int flag) noexcept {
        if (flags == nullptr || !is_flag(flag)) return Verdict::no;
        *flags &= ~(std::uint32_t{1} << flag);
        return Verdict::yes;
    }
    static Verdict is_set(const std::uint32_t* flags, int flag) noexcept {
        if (flags == nullptr || !is_flag(flag)) return Verdict::no;
        return Verdict::of((*flags >> flag & 1) != 0);
    }

    const Net* net_ = nullptr;
    const Core* core_ = nullptr;
    std::int64_t started_ = 0;
    std::uint64_t uniques_ = 0;
    log::Level configured_level_ = log::Level::warning;
};

namespace {

constexpr Function functions[] = {
    function<&Kex::setsflag>("setsflag", "Sets a script flag.", Route::any, "flag"),
    function<&Kex::resetsflag>("resetsflag", "Clears a script flag.", Route::any, "flag"),
    function<&Kex::issflagset>("issflagset", "Whether a script flag is set.", Route::any, "flag"),
    function<&Kex::setbflag>("setbflag", "Sets a flag of a branch; 0 is the Request-URI's.",
                             Route::any, "flag", "branch"),
    function<&Kex::resetbflag>("resetbflag", "Clears a flag of a branch.", Route::any, "flag",
                               "branch"),
    function<&Kex::isbflagset>("isbflagset", "Whether a flag of a branch is set.", Route::any,
                               "flag", "branch"),
    function<&Kex::setdsturi>("setdsturi", "Sets the URI of the next hop ($du).", Route::any,
                              "uri"),
    function<&Kex::resetdsturi>("resetdsturi", "Forgets the URI of the next hop.", Route::any),
    function<&Kex::isdsturiset>("isdsturiset", "Whether a URI of the next hop is set.", Route::any),
    function<&Kex::is_myself>("is_myself",
                              "Whether a URI's host is one of ours; its port counts only if given.",
                              Route::any, "uri"),
    function<&Kex::pv_printf>("pv_printf", "Assigns a text to a variable.", Route::any, "var",
                              "text"),
    function<&Kex::pv_printf>("avp_printf", "The same as pv_printf.", Route::any, "var", "text"),
    function<&Kex::setdebug>("setdebug", "Sets this process's log level.", Route::any, "level"),
    function<&Kex::resetdebug>("resetdebug", "Returns to the configured log level.", Route::any),
};

constexpr Variable variables[] = {
    {.name = "sruid",
     .doc = "A text that is another one each time.",
     .get = [](Module& module, Message& m,
               const VariableName&) { return static_cast<Kex&>(module).unique(m); }},
};

constexpr Descriptor descriptor{.name = "kex",
                                .summary = "Flags, destination URI, own addresses.",
                                .create = make_module<Kex>,
                                .functions = functions,
                                .variables = variables};

}  // namespace

}  // namespace fairlead::kex

FAIRLEAD_MODULE(fairlead::kex::descriptor)
