// JSON-RPC over HTTP. SPDX-License-Identifier: Apache-2.0
#include "modules/jsonrpcs/over_http.h"

#include <utility>
#include <vector>

#include "modules/jsonrpcs/dialogue.h"
#include "modules/jsonrpcs/document.h"

namespace fairlead::jsonrpcs {
namespace {

/// For requests that the module http served.
class Served final : public Responder {
public:
    explicit Served(std::shared_ptr<http::Request> request) : request_(std::move(request)) {}
    void reply(int status, std::string_view type, std::string_view body) override {
        request_->reply(status, type, body);
    }
    void stream(int status, std::string_view type, http::Body body) override {
        request_->stream(status, type, std::move(body));
    }
    void go_on() override { request_->go_on(); }

private:
    std::shared_ptr<http::Request> request_;
};

/// The requests of a batch, run one after another in their order; each answer is streamed before
/// the next request begins. Belongs to the body of its answer.
class Batch : public std::enable_shared_from_this<Batch> {
public:
    Batch(OverHttp::Setting setting, std::shared_ptr<Responder> to, std::vector<std::string> texts,
          OverHttp::Asker asker)
        : setting_(setting),
          to_(std::move(to)),
          texts_(std::move(texts)),
          asker_(std::move(asker)) {}

    http::Flow piece(std::string& out) {
        if (current_ != nullptr) {
            if (current_->piece(out)) return http::Flow::more;
            current_.reset();
            is_waiting_ = false;
        }
        if (is_waiting_) return http::Flow::later;
        while (next_ < texts_.size()) {
            if (!begin(texts_[next_++])) continue;  // a notification
            out += std::exchange(separator_, ',');
            return current_ != nullptr ? http::Flow::more : http::Flow::later;
        }
        if (separator_ == '[') out += separator_;  // nobody was answered after all
        out += ']';
        to_.reset();
        return http::Flow::last;
    }
    /// All are notifications: there is nothing to answer.
    void run_all() {
        for (const std::string& text : texts_) (void)begin(text);
    }

private:
    bool begin(const std::string& text) {
        setting_.requests.add();
        is_waiting_ = Dialogue::begin(
            *setting_.core, text, {asker_.role, asker_.who}, setting_.pretty,
            [self = shared_from_this()](const std::shared_ptr<Dialogue>& d) { self->ready(d); });
        return is_waiting_;
    }
    void ready(const std::shared_ptr<Dialogue>& dialogue) {
        if (dialogue->code() != 0) setting_.errors.add();
        current_ = dialogue;
        if (to_ != nullptr) to_->go_on();
    }

    OverHttp::Setting setting_;
    std::shared_ptr<Responder> to_;
    std::vector<std::string> texts_;
    OverHttp::Asker asker_;
    std::size_t next_ = 0;
    char separator_ = '[';
    bool is_waiting_ = false;
    std::shared_ptr<Dialogue> current_;
};

void no_content(Responder& to) {
    to.reply(204, {}, {});
}

/// The status of an answer that is one error: the error's code when it could be one.
int http_status(int code) noexcept {
    if (code == 0) return 200;
    if (code == kParseError || code == kInvalidRequest) return 400;
    return code >= 400 && code < 600 ? code : 500;
}

}  // namespace

void OverHttp::asked(std::shared_ptr<http::Request> request, const http::Caller& caller) {
    if (request->method() != http::Method::post) {
        request->add_header("Allow", "POST");
        return request->reply(405, "text/plain", "JSON-RPC is asked with POST.\n");
    }
    std::string who = "HTTP, ";
    if (!caller.user.empty()) who += "user " + std::string(caller.user) + ", ";
    who += request->peer();
    answer(std::make_shared<Served>(request), request->body(), {caller.role, std::move(who)});
}

void OverHttp::answer(const std::shared_ptr<Responder>& to, std::string_view text,
                      const Asker& asker) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    const bool is_batch = begin != text.npos && text[begin] == '[';
    is_batch ? batch(to, text, asker) : single(to, text, asker);
}

void OverHttp::single(const std::shared_ptr<Responder>& to, std::string_view text,
                      const Asker& asker) {
    setting_.requests.add();
    const bool is_answered = Dialogue::begin(
        *setting_.core, text, {asker.role, asker.who}, setting_.pretty,
        [to, errors = setting_.errors](const std::shared_ptr<Dialogue>& dialogue) {
            if (dialogue->code() != 0) errors.add();
            to->stream(http_status(dialogue->code()), kJson, [dialogue](std::string& out) {
                return dialogue->piece(out) ? http::Flow::more : http::Flow::last;
            });
        });
    if (!is_answered) no_content(*to);
}

void OverHttp::batch(const std::shared_ptr<Responder>& to, std::string_view text,
                     const Asker& asker) {
    auto texts = read_batch(text);
    if (!texts) {  // the error is that of a single request
        setting_.requests.add();
        setting_.errors.add();
        return to->reply(400, kJson, error_document(texts.error()));
    }
    const bool is_answered = texts->wants_answer;
    const auto batch = std::make_shared<Batch>(setting_, is_answered ? to : nullptr,
                                               std::move(texts->requests), asker);
    if (!is_answered) {
        batch->run_all();
        return no_content(*to);
    }
    to->stream(200, kJson, [batch](std::string& out) { return batch->piece(out); });
}

}  // namespace fairlead::jsonrpcs
