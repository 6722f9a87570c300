// TLS over a stream. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "core/api/stream_layer.h"
#include "modules/tls/contexts.h"

namespace fairlead::tls {

using BioMethodPtr = std::unique_ptr<BIO_METHOD, Freer<BIO_meth_free>>;
/// How OpenSSL reads and writes a stream below; one for each process.
[[nodiscard]] BioMethodPtr make_bio_method() noexcept;

class TlsStream;

/// Told in the process of the connection.
class StreamWatcher {
public:
    virtual void established(TlsStream& stream) noexcept = 0;
    virtual void over(TlsStream& stream) noexcept = 0;

protected:
    ~StreamWatcher() = default;
};

/// One TLS connection, on either side.
class TlsStream final : public Stream {
public:
    struct Parts {
        std::unique_ptr<Stream> below;
        NewStream about;
        std::shared_ptr<const Contexts> contexts;
        const Contexts::Item* item = nullptr;  ///< one of `contexts`
        std::string server_name;               ///< that is asked for; "": none
        StreamWatcher* watcher = nullptr;      ///< outlives it; null: nobody
        bool close_notify = false;             ///< says that it ends
    };
    struct Token {
        explicit Token() = default;
    };
    /// For make() only.
    TlsStream(Token, Parts parts, SslPtr ssl) noexcept;
    /// Null when there is no memory.
    [[nodiscard]] static std::unique_ptr<TlsStream> make(const BIO_METHOD* method, Parts parts);
    ~TlsStream() override;
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    Moved establish() noexcept override;
    Moved read(std::span<char> into) noexcept override;
    Moved write(std::string_view bytes) noexcept override;
    void finish() noexcept override;
    [[nodiscard]] bool has_more() const noexcept override { return SSL_pending(ssl_.get()) > 0; }
    [[nodiscard]] int descriptor() const noexcept override { return parts_.below->descriptor(); }

    [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }
    [[nodiscard]] bool is_established() const noexcept { return is_established_; }
    [[nodiscard]] const NewStream& about() const noexcept { return parts_.about; }

    /// For OpenSSL: moves bytes of the stream below.
    int take(char* into, int size) noexcept;
    int give(const char* bytes, int size) noexcept;

private:
    Moved result(int code) noexcept;
    Moved failed(std::string_view why) noexcept;
    /// Whether the server has a certificate of the name that was asked for (RFC 5922).
    [[nodiscard]] bool is_named_right() const;

    Parts parts_;
    SslPtr ssl_;
    BIO* bio_ = nullptr;  ///< of ssl_
    Moved below_;         ///< the last that was not ok
    bool is_below_open_ = false, is_established_ = false, is_broken_ = false;
};

}  // namespace fairlead::tls
