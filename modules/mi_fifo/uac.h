// Requests that applications launch through the FIFO: t_uac_from, t_uac_dlg and their kin.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/mi_fifo/lines.h"
#include "modules/tm/api.h"

namespace fairlead::mi_fifo {

class Uac final : public tm::UacListener {
public:
    /// Requests that wait for their final reply; above it new ones are refused.
    static constexpr std::size_t kMost = 100'000;
    /// Takes an answer to `reply_name`; `is_first` unless it goes on in the same file.
    using Write =
        std::function<void(const std::string& reply_name, std::string text, bool is_first)>;

    /// Before fork. Either may be null when tm is not loaded.
    void prepare(tm::Api* tm, tm::UacApi* uac, Write write);
    bool provisional = false;    ///< provisional replies are reported too
    std::string outbound_proxy;  ///< next hop of requests that name none; "" when there is none

    /// Whether the command is one of ours; its answer comes at once or later.
    bool run(const LineRequest& request);
    [[nodiscard]] std::size_t waiting() const noexcept { return pending_.size(); }

private:
    struct Pending {
        std::string reply_name;
        bool is_dialog = false, has_written = false;
        tm::Dialog dialog;
    };

    void replied(const tm::UacReply& reply) override;
    void from(const LineRequest& request);
    void dialog(const LineRequest& request);
    void cancel(const LineRequest& request);
    void reply(const LineRequest& request);
    void reply_to_call(const LineRequest& request);
    /// With the headers and the body of the request; says what came of it.
    void send(const LineRequest& request, tm::OwnReply reply,
              const std::function<bool(const tm::OwnReply&)>& answer);
    void launch(tm::UacRequest& what, Pending pending, std::string_view label);
    void say(const LineRequest& request, std::string text) {
        write_(request.reply_name, std::move(text), true);
    }

    tm::Api* tm_ = nullptr;
    tm::UacApi* uac_ = nullptr;
    tm::UacCallback callback_ = tm::UacCallback::none;
    Write write_;
    std::map<std::uint64_t, Pending> pending_;
    std::uint64_t last_ = 0;
};

/// The lines in front of the headers that say something, by number; "" when they are missing.
[[nodiscard]] inline std::string_view line(const LineRequest& request, std::size_t i) noexcept {
    return i < request.lines.size() ? std::string_view(request.lines[i]) : std::string_view();
}
/// Each line with CRLF.
[[nodiscard]] std::string joined(const std::vector<std::string>& lines);
/// Each is_one_line().
[[nodiscard]] bool are_clean(const std::vector<std::string>& lines) noexcept;

/// "Name <sip:a@b>;tag=1;x=2" to the value without tag, and the tag.
[[nodiscard]] std::pair<std::string, std::string> split_tag(std::string_view value);

/// Code and reason of a reply ("200 OK") and all of it behind its first line.
struct ReplyParts {
    std::string_view status, rest;
};
[[nodiscard]] ReplyParts split_reply(std::string_view reply) noexcept;

}  // namespace fairlead::mi_fifo
