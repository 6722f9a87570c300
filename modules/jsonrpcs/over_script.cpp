// JSON-RPC in HTTP requests that came to the script. SPDX-License-Identifier: Apache-2.0
#include "modules/jsonrpcs/over_script.h"

#include <algorithm>
#include <array>
#include <bit>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "modules/jsonrpcs/document.h"
#include "modules/xhttp/api.h"

namespace fairlead::jsonrpcs {
namespace {

/// What is posted: this, the header lines that the script gave, the request.
struct Head {
    Received from;
    std::uint32_t lines = 0;  ///< bytes of them
    std::uint32_t body = 0;   ///< bytes of the request's, at its end
    bool closes = false;      ///< the connection ends behind the answer
};
static_assert(std::is_trivially_copyable_v<Head>);

/// The answer to one request, in the control process. One of several pieces is sent when all of
/// them are there.
class LateReply final : public Responder, public std::enable_shared_from_this<LateReply> {
public:
    LateReply(Core& core, shm::Counter dropped, std::string_view record)
        : core_(core), dropped_(dropped), bytes_(record.substr(sizeof(Head))) {
        std::array<char, sizeof head_> words;
        std::ranges::copy(record.substr(0, words.size()), words.begin());
        head_ = std::bit_cast<Head>(words);
    }
    ~LateReply() override {
        if (is_answered_) return;
        try {
            reply(500, {}, {});
        } catch (const std::exception& e) {
            LOG(error, "an answer over HTTP was lost: {}", e.what());
        }
    }

    /// What was asked. Lives as long as this.
    [[nodiscard]] std::string_view body() const noexcept {
        return std::string_view(bytes_).substr(bytes_.size() - head_.body);
    }
    [[nodiscard]] std::string peer() const { return head_.from.source.text(); }

    void reply(int status, std::string_view type, std::string_view body) override {
        if (std::exchange(is_answered_, true)) return;
        const bool is_whole = body.size() <= sip::kMaxMessage;
        if (is_whole && send(status, type, body)) return;
        const std::string too_long = error_document(
            {.code = 500,
             .text =
                 "The answer is too long for HTTP in the script: ask over the datagram socket"});
        if (!body.empty() && send(500, kJson, too_long)) return;
        LOG(notice, "an answer over HTTP cannot be sent to {}", peer());
        dropped_.add();
    }
    void stream(int status, std::string_view type, http::Body body) override {
        status_ = status;
        type_ = type;
        source_ = std::move(body);
        go_on();
    }
    void go_on() override {
        const auto self = shared_from_this();  // the source may be the last who holds it
        if (source_ == nullptr || std::exchange(is_reading_, true)) return;
        http::Flow flow = http::Flow::more;
        while (flow == http::Flow::more && text_.size() <= sip::kMaxMessage) flow = source_(text_);
        is_reading_ = false;
        if (flow == http::Flow::later) return;
        const auto source = std::exchange(source_, nullptr);
        reply(status_, type_, text_);
    }

private:
    bool send(int status, std::string_view type, std::string_view body) {
        const BorrowedMessage borrowed(core_);
        Message& m = *borrowed;
        m.reset(head_.from, core_.clock().now());
        if (m.sip.parse_http(std::string_view(bytes_).substr(head_.lines))) return false;
        m.reply_no_connect = true;
        m.reply_close = head_.closes;
        m.append_to_reply(std::string_view(bytes_).substr(0, head_.lines));
        // SIP has another meaning for 204.
        const auto reason = status == 204 ? "No Content" : sip::default_reason(status);
        return xhttp::answer(core_, m,
                             {.code = status, .reason = reason, .type = type, .body = body});
    }

    Core& core_;
    shm::Counter dropped_;
    Head head_;
    std::string bytes_;  ///< lines and request
    http::Body source_;
    std::string type_, text_;
    int status_ = 200;
    bool is_reading_ = false, is_answered_ = false;
};

}  // namespace

void OverScript::set(Core& core, OverHttp& answers, shm::Counter dropped) {
    core_ = &core;
    answers_ = &answers;
    dropped_ = dropped;
    mail_ = core.on_mail(*this);
}

bool OverScript::dispatch(Message& m) {
    if (!m.sip.is_http()) return false;
    const auto refuse = [&](int code, std::string_view headers, std::string_view why) {
        LOG(notice, "JSON-RPC over HTTP from {}: {}", m.received.source.text(), why);
        if (!xhttp::answer(*core_, m,
                           {.code = code,
                            .reason = sip::default_reason(code),
                            .headers = headers,
                            .type = "text/plain",
                            .body = why}))
            dropped_.add();
        return true;
    };
    if (m.sip.method_text() != "POST")
        return refuse(405, "Allow: POST\r\n", "JSON-RPC is asked with POST.\n");
    Head head;
    head.from = m.received;
    head.lines = static_cast<std::uint32_t>(m.reply_headers.size());
    head.body = static_cast<std::uint32_t>(m.sip.body().size());
    head.closes = m.reply_close;
    const auto words = std::bit_cast<std::array<char, sizeof head>>(head);
    std::string record(words.data(), words.size());
    record.append(m.reply_headers).append(m.sip.bytes());
    if (record.size() > Core::kMaxMail) return refuse(413, {}, "The request is too long.\n");
    if (!core_->net().tell(m.received.connection, xhttp::kAnswerLater)) return false;
    if (core_->post(core_->control_slot(), mail_, record)) return true;
    return refuse(503, {}, "The server has too many commands to run.\n");
}

void OverScript::mail(std::string_view bytes) noexcept {
    try {
        const auto reply = std::make_shared<LateReply>(*core_, dropped_, bytes);
        answers_->answer(reply, reply->body(), {Role::administrator, "HTTP, " + reply->peer()});
    } catch (const std::exception& e) {
        LOG(error, "a request over HTTP could not be run: {}", e.what());
    }
}

}  // namespace fairlead::jsonrpcs
