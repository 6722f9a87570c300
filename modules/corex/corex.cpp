// corex: branches of a request, and the socket it leaves from.
// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "core/api/log.h"
#include "core/api/text.h"
#include "core/module.h"

namespace fairlead::corex {

namespace {

/// "0.5" as thousandths; nullopt unless it is a qvalue (RFC 3261 25.1).
std::optional<std::int16_t> parse_q(std::string_view text) noexcept {
    const std::size_t dot = text.find('.');
    const auto whole = text::parse_uint(text.substr(0, dot), 1);
    if (!whole) return std::nullopt;
    unsigned thousandths = static_cast<unsigned>(*whole) * 1000;
    if (dot != std::string_view::npos) {
        const std::string_view fraction = text.substr(dot + 1);
        if (fraction.size() > 3) return std::nullopt;
        unsigned unit = 100;
        for (const char digit : fraction) {
            if (!text::is_digit(digit)) return std::nullopt;
            thousandths += static_cast<unsigned>(digit - '0') * unit;
            unit /= 10;
        }
    }
    if (thousandths > 1000) return std::nullopt;
    return static_cast<std::int16_t>(thousandths);
}

}  // namespace

class Corex final : public Module {
public:
    Result<void> prepare(Core& core) override {
        core_ = &core;
        return {};
    }

    Verdict append_branch(Message& m, std::optional<std::string_view> uri,
                          std::optional<std::string_view> q) {
        BranchTarget branch = m.target;
        const bool given = uri && !uri->empty();
        branch.uri = given ? m.arena.copy(*uri) : m.uri();
        branch.q = kNoQ;
        if (q && !q->empty()) {
            const auto value = parse_q(*q);
            if (!value) {
                LOG(error, "append_branch: \"{}\" is no q-value", *q);
                return Verdict::no;
            }
            branch.q = *value;
        }
        if (!m.append_branch(branch, core_->globals().max_branches)) {
            LOG(error, "max nr of branches exceeded");
            m.error = ScriptError::too_many_branches;
            return Verdict::no;
        }
        if (!given) {
            // The branch took the next hop with it: what is assigned now is another destination.
            m.target.dst_uri = {};
            m.target.path = {};
        }
        return Verdict::yes;
    }

    Verdict set_send_socket(Message& m, std::string_view spec) {
        for (const Listener& listener : core_->net().listeners()) {
            if (listener.uri_text == spec) return force(m, listener);
        }
        LOG(error, "{} is not one of our sockets", spec);
        return Verdict::no;
    }
    Verdict set_send_socket_name(Message& m, std::string_view name) {
        for (const Listener& listener : core_->net().listeners()) {
            if (!name.empty() && listener.name == name) return force(m, listener);
        }
        LOG(error, "no socket is called {}", name);
        return Verdict::no;
    }
    Verdict is_socket_name(Message&, std::string_view name) {
        for (const Listener& listener : core_->net().listeners()) {
            if (!name.empty() && listener.name == name) return Verdict::yes;
        }
        return Verdict::no;
    }

private:
    static Verdict force(Message& m, const Listener& listener) noexcept {
        m.target.listener = listener.index;
        return Verdict::yes;
    }

    Core* core_ = nullptr;
};

namespace {

constexpr Route kBranching = Route::request | Route::failure;

constexpr Function functions[] = {
    function<&Corex::append_branch>("append_branch",
                                    "Adds a branch to `uri`, or to where the request points now.",
                                    kBranching, "uri", "q"),
    function<&Corex::set_send_socket>(
        "set_send_socket", "Sends from the socket \"proto:address:port\".", Route::any, "socket"),
    function<&Corex::set_send_socket_name>(
        "set_send_socket_name", "Sends from the socket that has this name.", Route::any, "name"),
    function<&Corex::is_socket_name>("is_socket_name", "Whether a socket has this name.",
                                     Route::any, "name"),
};

constexpr Descriptor descriptor{.name = "corex",
                                .summary = "Branches and sending sockets.",
                                .create = make_module<Corex>,
                                .functions = functions};

}  // namespace

}  // namespace fairlead::corex

FAIRLEAD_MODULE(fairlead::corex::descriptor)
