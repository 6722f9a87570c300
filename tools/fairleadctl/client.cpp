// Asks a running server, by JSON-RPC over its local datagram socket.
// SPDX-License-Identifier: Apache-2.0
#include "tools/fairleadctl/client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/text.h"

namespace fairlead::ctl {
namespace {

constexpr int kPatience = 15'000;  // ms without a piece of the answer

std::string system_error() {
    return std::strerror(errno);
}

/// What to look at when the socket cannot be used.
Error unreachable(const std::string& path) {
    const int why = errno;
    std::string text = fmt::format("{}: {}", path, system_error());
    if (why == ENOENT)
        text +=
            "\nNo server has this socket. A running one makes it when its configuration has"
            "\n  loadmodule \"jsonrpcs.so\""
            "\nin the place that modparam(\"jsonrpcs\", \"dgram_socket\", …) names; -s gives "
            "another one.";
    if (why == ECONNREFUSED) text += "\nThe server that made this socket is gone.";
    if (why == EACCES)
        text +=
            "\nmodparam(\"jsonrpcs\", \"dgram_mode\", …) and \"dgram_group\" say who may use "
            "it.";
    return {.code = why, .text = text};
}

}  // namespace

std::string json_list(const std::vector<std::string>& words) {
    nlohmann::json list = nlohmann::json::array();
    for (const std::string& word : words) {
        const bool forced = word.starts_with("i:") || word.starts_with("s:");
        const std::string value = forced ? word.substr(2) : word;
        const auto number = text::parse_int(value);
        if (number && !word.starts_with("s:"))
            list.push_back(*number);
        else
            list.push_back(value);
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool Whole::add(std::string_view piece) noexcept {
    for (const char c : piece) {
        if (in_text_) {
            if (escaped_)
                escaped_ = false;
            else if (c == '\\')
                escaped_ = true;
            else if (c == '"')
                in_text_ = false;
        } else if (c == '"') {
            in_text_ = true;
        } else if (c == '{' || c == '[') {
            ++depth_;
            begun_ = true;
        } else if (c == '}' || c == ']') {
            --depth_;
        }
    }
    return begun_ && depth_ == 0;
}

Client::~Client() {
    if (fd_ >= 0) close(fd_);
}

Result<void> Client::connect() {
    if (fd_ >= 0) return {};
    sockaddr_un server{.sun_family = AF_UNIX, .sun_path = {}};
    if (path_.size() >= sizeof server.sun_path) return fail(path_ + ": the path is too long");
    path_.copy(server.sun_path, path_.size());
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return fail(system_error());
    // A name without a place in the file system: whoever the server runs as, it can answer.
    const sockaddr_un own{.sun_family = AF_UNIX, .sun_path = {}};
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own.sun_family) != 0)
        return fail(system_error());
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0)
        return std::unexpected(unreachable(path_));
    return {};
}

Result<std::string> Client::receive() {
    std::string answer;
    std::string piece(256 * 1024, '\0');
    Whole whole;
    while (true) {
        pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
        if (poll(&wait, 1, kPatience) <= 0) return fail("the server does not answer");
        const ssize_t n = recv(fd_, piece.data(), piece.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return std::unexpected(unreachable(path_));
        const std::string_view got(piece.data(), static_cast<std::size_t>(n));
        answer += got;
        if (whole.add(got)) return answer;
    }
}

Result<Reply> Client::ask(std::string_view method, const std::vector<std::string>& words) {
    TRY(connect());
    const std::string request = fmt::format(
        R"({{"jsonrpc":"2.0","method":{},"params":{},"id":{}}})",
        nlohmann::json(method).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
        json_list(words), ++last_);
    if (send(fd_, request.data(), request.size(), MSG_NOSIGNAL) < 0)
        return std::unexpected(unreachable(path_));
    Reply reply;
    reply.text = TRY(receive());
    auto document = parse(reply.text);
    if (!document) return fail("the server's answer is no JSON document");
    if (const Node* const error = document->find("error")) {
        reply.error = {.code = static_cast<int>(error->number("code")),
                       .text = std::string(error->get("message"))};
        if (reply.error.code == 0) reply.error.code = -1;
    } else if (const Node* const result = document->find("result")) {
        reply.result = *result;
    }
    return reply;
}

}  // namespace fairlead::ctl
