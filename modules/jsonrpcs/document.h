// A JSON-RPC 2.0 request, read. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/command.h"

namespace fairlead::jsonrpcs {

// Codes of JSON-RPC 2.0, section 5.1.
inline constexpr int kParseError = -32700, kInvalidRequest = -32600;

struct Request {
    std::string method;
    std::string id;          ///< as JSON; "" for a notification, which gets no answer
    std::string reply_name;  ///< the file for the answer, over a FIFO
    std::vector<Value> arguments;
    std::deque<std::string> texts;  ///< of `arguments`
};

/// An error's code is one of the two above. What could be read of id and reply_name stays in `out`.
[[nodiscard]] Result<void> read_request(std::string_view text, Request& out);

/// The requests of a batch, each as JSON.
struct BatchTexts {
    std::vector<std::string> requests;
    bool wants_answer = false;  ///< not all of them are notifications
};
/// At most kMostInBatch. Errors as those of read_request().
inline constexpr std::size_t kMostInBatch = 1000;
[[nodiscard]] Result<BatchTexts> read_batch(std::string_view text);

/// The answer to what is no request.
[[nodiscard]] std::string error_document(const Error& error);

/// How many bytes of `text` are its first JSON object, from its first brace to the one that closes
/// it; 0 when that has not come yet, npos when it cannot be one.
[[nodiscard]] std::size_t first_object(std::string_view text) noexcept;

}  // namespace fairlead::jsonrpcs
