// SMTP through libcurl. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/mailer.h"

#include <curl/curl.h>

#include <algorithm>

#include "core/api/log.h"
#include "modules/cpl/note_texts.h"

namespace fairlead::cpl {

namespace {

/// How often libcurl is asked while a mail is under way: it does no work between.
constexpr Ms kPace{10};

}  // namespace

Mailer::Mailer(Core& core, const NotePlan& plan, const NoteCounters& counters)
    : core_(core), plan_(plan), counters_(counters) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
}

Mailer::~Mailer() {
    timer_.reset();
    if (easy_ != nullptr) {
        curl_multi_remove_handle(multi_, easy_);
        curl_easy_cleanup(easy_);
    }
    curl_slist_free_all(recipients_);
    curl_multi_cleanup(multi_);
}

void Mailer::send(std::string_view address, std::string_view subject, std::string_view body) {
    if (queue_.size() >= static_cast<std::size_t>(plan_.mail_queue) || multi_ == nullptr) {
        counters_.dropped.add();
        return;
    }
    queue_.push_back({std::string(address),
                      mail_text(plan_.mail_from, address, subject, body,
                                core_.clock().unix_seconds(), core_.random().next()),
                      0});
    if (easy_ == nullptr) begin();
}

std::size_t Mailer::read(char* to, std::size_t size, std::size_t count, void* letter) {
    auto& from = *static_cast<Letter*>(letter);
    const std::size_t n = std::min(size * count, from.text.size() - from.sent);
    std::copy_n(from.text.data() + from.sent, n, to);
    from.sent += n;
    return n;
}

void Mailer::begin() {
    if (queue_.empty()) return;
    Letter& letter = queue_.front();
    easy_ = curl_easy_init();
    const std::string from = "<" + plan_.mail_from + ">";
    std::string_view rest = letter.address;  // RFC 6068: addresses are separated by commas
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        const std::string to = "<" + std::string(rest.substr(0, end)) + ">";
        recipients_ = curl_slist_append(recipients_, to.c_str());
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (easy_ == nullptr || recipients_ == nullptr) return finish(false, "no memory");
    curl_easy_setopt(easy_, CURLOPT_URL, plan_.mail_server.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_TIMEOUT, static_cast<long>(plan_.mail_timeout));
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT, static_cast<long>(plan_.mail_timeout));
    curl_easy_setopt(easy_, CURLOPT_MAIL_FROM, from.c_str());
    curl_easy_setopt(easy_, CURLOPT_MAIL_RCPT, recipients_);
    curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &Mailer::read);
    curl_easy_setopt(easy_, CURLOPT_READDATA, &letter);
    if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) return finish(false, "no memory");
    expired();
}

void Mailer::expired() noexcept {
    timer_.reset();
    int running = 0, left = 0;
    if (curl_multi_perform(multi_, &running) != CURLM_OK) return finish(false, "libcurl failed");
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result;
        return finish(code == CURLE_OK, curl_easy_strerror(code));
    }
    timer_ = core_.loop()->after(kPace, *this);
    if (!timer_) finish(false, "no timer");
}

void Mailer::finish(bool delivered, std::string_view why) {
    (delivered ? counters_.mailed : counters_.failed).add();
    if (!delivered)
        LOG(error, "a mail of a CPL script was not taken by {}: {}", plan_.mail_server, why);
    if (easy_ != nullptr) {
        curl_multi_remove_handle(multi_, easy_);
        curl_easy_cleanup(easy_);
        easy_ = nullptr;
    }
    curl_slist_free_all(recipients_);
    recipients_ = nullptr;
    queue_.pop_front();
    begin();
}

}  // namespace fairlead::cpl
