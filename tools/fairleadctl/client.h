// Asks a running server, by JSON-RPC over its local datagram socket.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "tools/fairleadctl/node.h"

namespace fairlead::ctl {

/// What the server said: `error.code` is 0 unless it refused.
struct Reply {
    std::string text;  ///< the whole document, as it came
    Node result;
    Error error;
};

/// "i:5" and 5 are integers, "s:5" and anything else texts; as a JSON list.
[[nodiscard]] std::string json_list(const std::vector<std::string>& words);

/// Tells when a JSON document that comes in pieces is whole, without reading it twice.
class Whole {
public:
    /// True once the document has ended.
    [[nodiscard]] bool add(std::string_view piece) noexcept;

private:
    int depth_ = 0;
    bool in_text_ = false, escaped_ = false, begun_ = false;
};

class Client {
public:
    explicit Client(std::string path) : path_(std::move(path)) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    /// An error when no server was reached or none answered in time; what the server refused is in
    /// the Reply.
    [[nodiscard]] Result<Reply> ask(std::string_view method,
                                    const std::vector<std::string>& words = {});

private:
    [[nodiscard]] Result<void> connect();
    [[nodiscard]] Result<std::string> receive();

    std::string path_;
    int fd_ = -1;
    unsigned last_ = 0;
};

}  // namespace fairlead::ctl
