// SMTP through libcurl. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/mailer.h"

#include <curl/curl.h>

#include <algorithm>

#include "core/api/log.h"
#include "modules/cpl/note_texts.h"

namespace fairlead::cpl {

Mailer::Mailer(Core& core, const NotePlan& plan, const NoteCounters& counters)
    : core_(core), plan_(plan), counters_(counters) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
    if (multi_ == nullptr) return;
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Mailer::watch);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Mailer::wait);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
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
    begin();
}

std::size_t Mailer::read(char* to, std::size_t size, std::size_t count, void* letter) {
    auto& from = *static_cast<Letter*>(letter);
    const std::size_t n = std::min(size * count, from.text.size() - from.sent);
    std::copy_n(from.text.data() + from.sent, n, to);
    from.sent += n;
    return n;
}

int Mailer::watch(void*, int fd, int what, void* mailer, void*) {
    auto& self = *static_cast<Mailer*>(mailer);
    if (what == CURL_POLL_REMOVE) {
        self.sockets_.erase(fd);
        return 0;
    }
    Loop& loop = *self.core_.loop();
    Socket& socket = self.sockets_[fd];
    socket = {};
    if ((what & CURL_POLL_IN) != 0)
        socket.readable = loop.watch(fd, Loop::Interest::readable, self);
    if ((what & CURL_POLL_OUT) != 0)
        socket.writable = loop.watch(fd, Loop::Interest::writable, self);
    return 0;
}

int Mailer::wait(void*, long ms, void* mailer) {
    auto& self = *static_cast<Mailer*>(mailer);
    self.timer_.reset();
    if (ms < 0) return 0;
    // Not at once, even for 0: libcurl must not be called from here.
    self.timer_ = self.core_.loop()->after(Ms{std::max(ms, 1L)}, self);
    self.has_no_timer_ = !self.timer_;
    return 0;
}

void* Mailer::prepare(Letter& letter) {
    std::string_view rest = letter.address;  // RFC 6068: addresses are separated by commas
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        const std::string to = "<" + std::string(rest.substr(0, end)) + ">";
        recipients_ = curl_slist_append(recipients_, to.c_str());
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    void* const easy = recipients_ != nullptr ? curl_easy_init() : nullptr;
    if (easy == nullptr) return nullptr;
    const std::string from = "<" + plan_.mail_from + ">";
    curl_easy_setopt(easy, CURLOPT_URL, plan_.mail_server.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(plan_.mail_timeout));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, static_cast<long>(plan_.mail_timeout));
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from.c_str());
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients_);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Mailer::read);
    curl_easy_setopt(easy, CURLOPT_READDATA, &letter);
    return easy;
}

void Mailer::begin() {
    while (easy_ == nullptr && !queue_.empty()) {
        easy_ = prepare(queue_.front());
        has_no_timer_ = false;
        // It asks for a timer, which begins the work.
        if (easy_ == nullptr || curl_multi_add_handle(multi_, easy_) != CURLM_OK)
            finish(false, "no memory");
        else if (has_no_timer_)
            finish(false, "no timer");
    }
}

void Mailer::expired() noexcept {
    timer_.reset();
    act(CURL_SOCKET_TIMEOUT);
}

void Mailer::act(int fd) noexcept {
    int running = 0, left = 0;
    const CURLMcode code = curl_multi_socket_action(multi_, fd, 0, &running);
    const CURLMsg* const message = curl_multi_info_read(multi_, &left);
    if (easy_ == nullptr) return;  // an idle connection was closed
    if (message != nullptr && message->msg == CURLMSG_DONE)
        finish(message->data.result == CURLE_OK, curl_easy_strerror(message->data.result));
    else if (code != CURLM_OK || has_no_timer_)
        finish(false, code != CURLM_OK ? curl_multi_strerror(code) : "no timer");
    begin();
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
}

}  // namespace fairlead::cpl
