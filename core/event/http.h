// An HTTP server on the loop, over evhttp: requests that are read whole, answers of any length.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace fairlead {

class Loop;

/// One request and its answer. Its holder may keep it and answer later; when it is destroyed
/// without an answer, the answer is 500. All calls are without effect once the peer has gone.
class HttpExchange {
public:
    virtual ~HttpExchange() = default;

    [[nodiscard]] virtual std::string_view method() const noexcept = 0;  ///< "POST"
    [[nodiscard]] virtual std::string_view path() const noexcept = 0;    ///< without the query
    /// "" when there is none; the name without regard to case.
    [[nodiscard]] virtual std::string_view header(std::string_view name) const noexcept = 0;
    [[nodiscard]] virtual std::string_view body() const noexcept = 0;
    [[nodiscard]] virtual std::string_view peer() const noexcept = 0;  ///< its address

    /// Before the answer begins.
    virtual void set_header(const std::string& name, const std::string& value) = 0;
    virtual void answer(int status, std::string_view content_type, std::string_view body) = 0;

    // An answer in pieces (chunked).
    virtual void begin(int status, std::string_view content_type) = 0;
    /// `sent` is called, from the loop, when the system has taken the piece; then comes the next.
    virtual void piece(std::string_view bytes, std::function<void()> sent) = 0;
    virtual void end() = 0;
    /// False when the peer has closed its connection.
    [[nodiscard]] virtual bool is_connected() const noexcept = 0;
};

class HttpHandler {
public:
    /// From the loop.
    virtual void requested(std::unique_ptr<HttpExchange> exchange) = 0;

protected:
    ~HttpHandler() = default;
};

struct HttpLimits {
    std::size_t header_bytes = 16 * 1024, body_bytes = 1024 * 1024;
    int idle_seconds = 30;  ///< a connection that says nothing, or takes nothing, for so long ends
};

/// Serves one listening socket. Outlives its exchanges.
class HttpServer {
public:
    /// `listening` is not owned. An error when the system refuses.
    [[nodiscard]] static Result<std::unique_ptr<HttpServer>> serve(Loop& loop, int listening,
                                                                   HttpHandler& handler,
                                                                   const HttpLimits& limits = {});
    virtual ~HttpServer() = default;
};

}  // namespace fairlead
