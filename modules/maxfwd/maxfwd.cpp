// maxfwd: bounds how many hops a request may still travel (RFC 3261 16.3 check 3, 16.6 step 3).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "core/api/log.h"
#include "core/api/text.h"
#include "core/module.h"

namespace fairlead::maxfwd {

class Maxfwd final : public Module {
public:
    int max_limit = 70;

    Result<void> prepare(Core& core) override {
        slot_ = core.message_slot();
        return {};
    }

    Verdict process(Message& m, int initial) {
        if (initial < 0 || initial > 255) {
            LOG(error, "{} is no value for Max-Forwards", initial);
            return Verdict(-2);
        }
        if (m.slots[slot_] != 0) return Verdict(1);  // one hop is taken off once
        const sip::Header* const header = m.sip.header(sip::HeaderType::max_forwards);
        if (header == nullptr) {
            add(m, std::min(initial, max_limit));
            return Verdict(2);
        }
        const auto value = m.sip.max_forwards();
        if (!value) return Verdict(-2);
        if (*value == 0) return Verdict(-1);
        return replace(m, *header, std::min(static_cast<int>(*value) - 1, max_limit));
    }

    Verdict is_below(Message& m, int bound) {
        if (m.slots[slot_] != 0) return compare(static_cast<int>(m.slots[slot_]) - 1, bound);
        const sip::Header* const header = m.sip.header(sip::HeaderType::max_forwards);
        if (header == nullptr) return Verdict(-2);
        const auto value = m.sip.max_forwards();
        return value ? compare(static_cast<int>(*value), bound) : Verdict(-3);
    }

private:
    static Verdict compare(int value, int bound) noexcept {
        return Verdict(value < bound ? 1 : -1);
    }

    /// Remembers what the request will carry; 0 in the slot means that nothing was changed.
    void remember(Message& m, int value) const noexcept {
        m.slots[slot_] = static_cast<std::uintptr_t>(value) + 1;
    }
    void add(Message& m, int value) const {
        const auto number = fmt::format_int(value);
        m.edits.append_header(
            m.sip, m.arena.concat({"Max-Forwards: ", {number.data(), number.size()}, "\r\n"}));
        remember(m, value);
    }
    [[nodiscard]] Verdict replace(Message& m, const sip::Header& header, int value) const {
        const auto number = fmt::format_int(value);
        if (!m.edits.replace(header.value_offset, header.value_length,
                             m.arena.copy({number.data(), number.size()}))) {
            return Verdict(-2);
        }
        remember(m, value);
        return Verdict(1);
    }

    std::size_t slot_ = 0;
};

namespace {

constexpr Param params[] = {
    param<&Maxfwd::max_limit>("max_limit", "Highest value that leaves the server.",
                              {.min = 1, .max = 255}),
};

constexpr Tunable tunables[] = {
    tunable<&Maxfwd::max_limit>("max_limit", "Highest value that leaves the server.", 1, 255),
};

constexpr std::string_view kProcessDoc =
    "Takes one hop off Max-Forwards: 1, or 2 when the header was added with `max_value`, -1 when "
    "none is left, -2 on an error.";
constexpr std::string_view kBelowDoc =
    "Whether Max-Forwards, as it will leave, is below `max_value`: 1 yes, -1 no, -2 no header.";

constexpr Function functions[] = {
    function<&Maxfwd::process>("maxfwd_process", kProcessDoc, Route::request, "max_value"),
    function<&Maxfwd::process>("mf_process_maxfwd_header", kProcessDoc, Route::request,
                               "max_value"),
    function<&Maxfwd::process>("process_maxfwd", kProcessDoc, Route::request, "max_value"),
    function<&Maxfwd::is_below>("is_maxfwd_lt", kBelowDoc, Route::request, "max_value"),
    function<&Maxfwd::is_below>("maxfwd_at_least", kBelowDoc, Route::request, "max_value"),
    function<&Maxfwd::is_below>("mf_lowlimit", kBelowDoc, Route::request, "max_value"),
};

constexpr Descriptor descriptor{.name = "maxfwd",
                                .summary = "Bounds the number of hops.",
                                .create = make_module<Maxfwd>,
                                .params = params,
                                .functions = functions,
                                .tunables = tunables};

}  // namespace

}  // namespace fairlead::maxfwd

FAIRLEAD_MODULE(fairlead::maxfwd::descriptor)
