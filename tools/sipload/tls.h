// TLS of the load tool: any certificate is taken, and one is made for this run.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace fairlead::sipload {

/// One TLS connection over a descriptor that others own. It greets while it reads and writes.
class TlsLink {
public:
    explicit TlsLink(ssl_st* ssl) noexcept;
    /// Bytes moved; 0: not now; less: it is over.
    [[nodiscard]] std::ptrdiff_t read(std::span<char> into);
    [[nodiscard]] std::ptrdiff_t write(std::string_view bytes);

private:
    [[nodiscard]] std::ptrdiff_t result(int code) const;
    struct Free {
        void operator()(ssl_st* ssl) const noexcept;
    };
    std::unique_ptr<ssl_st, Free> ssl_;
};

/// What the connections of one socket share.
class Tls {
public:
    /// As a server it has a certificate of its own.
    [[nodiscard]] static Result<std::unique_ptr<Tls>> make(bool server);
    explicit Tls(ssl_ctx_st* context) noexcept;
    /// Null when there is no memory.
    [[nodiscard]] std::unique_ptr<TlsLink> over(int descriptor) const;

private:
    struct Free {
        void operator()(ssl_ctx_st* context) const noexcept;
    };
    std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace fairlead::sipload
