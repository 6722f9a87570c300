// TLS over a stream. SPDX-License-Identifier: Apache-2.0
#include "modules/tls/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/tls/certificate.h"

namespace fairlead::tls {
namespace {

TlsStream& stream_of(BIO* bio) noexcept {
    return *static_cast<TlsStream*>(BIO_get_data(bio));
}

long bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}
int bio_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}
int bio_read(BIO* bio, char* into, int size) {
    return stream_of(bio).take(into, size);
}
int bio_write(BIO* bio, const char* bytes, int size) {
    return stream_of(bio).give(bytes, size);
}

}  // namespace

BioMethodPtr make_bio_method() noexcept {
    BioMethodPtr method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream"));
    if (!method) return method;
    BIO_meth_set_create(method.get(), bio_create);
    BIO_meth_set_read(method.get(), bio_read);
    BIO_meth_set_write(method.get(), bio_write);
    BIO_meth_set_ctrl(method.get(), bio_control);
    return method;
}

std::unique_ptr<TlsStream> TlsStream::make(const BIO_METHOD* method, Parts parts) {
    SslPtr ssl(SSL_new(parts.item->context.get()));
    BIO* const bio = ssl ? BIO_new(method) : nullptr;
    if (bio == nullptr) return nullptr;
    SSL_set_bio(ssl.get(), bio, bio);
    auto stream = std::make_unique<TlsStream>(Token{}, std::move(parts), std::move(ssl));
    stream->bio_ = bio;
    BIO_set_data(bio, stream.get());
    return stream;
}

TlsStream::TlsStream(Token, Parts parts, SslPtr ssl) noexcept
    : parts_(std::move(parts)), ssl_(std::move(ssl)) {
    if (!parts_.about.outgoing) {
        Contexts::set_local(ssl_.get(), &parts_.about.local);
        SSL_set_accept_state(ssl_.get());
        return;
    }
    SSL_set_connect_state(ssl_.get());
    // An address is no server name (RFC 6066 3).
    if (!parts_.server_name.empty() && !Address::parse(parts_.server_name))
        SSL_set_tlsext_host_name(ssl_.get(), parts_.server_name.c_str());
}

TlsStream::~TlsStream() {
    if (parts_.watcher != nullptr) parts_.watcher->over(*this);
    ERR_clear_error();
    if (is_established_ && !is_broken_ && parts_.close_notify) SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

void TlsStream::finish() noexcept {
    ERR_clear_error();
    if (is_established_ && !is_broken_ && parts_.close_notify) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    parts_.below->finish();
}

int TlsStream::take(char* into, int size) noexcept {
    BIO_clear_retry_flags(bio_);
    below_ = parts_.below->read({into, static_cast<std::size_t>(size)});
    if (below_.state == State::ok) return static_cast<int>(below_.bytes);
    if (below_.state == State::wants_readable) BIO_set_retry_read(bio_);
    if (below_.state == State::wants_writable) BIO_set_retry_write(bio_);
    return below_.state == State::ended ? 0 : -1;
}

int TlsStream::give(const char* bytes, int size) noexcept {
    BIO_clear_retry_flags(bio_);
    below_ = parts_.below->write({bytes, static_cast<std::size_t>(size)});
    if (below_.state == State::ok) return static_cast<int>(below_.bytes);
    if (below_.state == State::wants_readable) BIO_set_retry_read(bio_);
    if (below_.state == State::wants_writable) BIO_set_retry_write(bio_);
    return -1;
}

Stream::Moved TlsStream::establish() noexcept {
    if (!is_below_open_) {
        const auto below = parts_.below->establish();
        if (below.state != State::ok) return below;
        is_below_open_ = true;
    }
    ERR_clear_error();
    below_ = {};
    const int code = SSL_do_handshake(ssl_.get());
    if (code != 1) return result(code);
    if (parts_.item->profile.verify_name && !is_named_right())
        return failed("its certificate is for another name");
    is_established_ = true;
    if (parts_.watcher != nullptr) parts_.watcher->established(*this);
    return {};
}

Stream::Moved TlsStream::read(std::span<char> into) noexcept {
    ERR_clear_error();
    below_ = {};
    std::size_t bytes = 0;
    const int code = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
    if (code == 1) return {State::ok, bytes, 0};
    return result(code);
}

Stream::Moved TlsStream::write(std::string_view bytes) noexcept {
    ERR_clear_error();
    below_ = {};
    std::size_t written = 0;
    const int code = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
    if (code == 1) return {State::ok, written, 0};
    return result(code);
}

Stream::Moved TlsStream::result(int code) noexcept {
    switch (SSL_get_error(ssl_.get(), code)) {
        case SSL_ERROR_WANT_READ: return {State::wants_readable, 0, 0};
        case SSL_ERROR_WANT_WRITE: return {State::wants_writable, 0, 0};
        case SSL_ERROR_ZERO_RETURN: return {State::ended, 0, 0};
        default: break;
    }
    // What the connection itself says is no matter of TLS, not even an end without a farewell.
    if (below_.state == State::ended || below_.state == State::failed) {
        is_broken_ = true;
        ERR_clear_error();
        return below_;
    }
    const auto verified = SSL_get_verify_result(ssl_.get());
    if (!is_established_ && verified != X509_V_OK) {
        ERR_clear_error();
        return failed(X509_verify_cert_error_string(verified));
    }
    return failed(openssl_error());
}

Stream::Moved TlsStream::failed(std::string_view why) noexcept {
    is_broken_ = true;
    const NewStream& about = parts_.about;
    const auto text = about.remote.text();
    if (is_established_)
        LOG(info, "TLS with {}: {}", text, why);
    else if (about.outgoing)
        LOG(warning, "no TLS connection to {} by [{}]: {}", text, parts_.item->profile.name(), why);
    else
        LOG(info, "no TLS connection of {}: {}", text, why);
    return {State::failed, 0, EPROTO};
}

bool TlsStream::is_named_right() const {
    const X509* const peer = SSL_get0_peer_certificate(ssl_.get());
    if (peer == nullptr) return false;
    const auto& name = parts_.server_name;
    return name.empty() ? has_address(*peer, parts_.about.remote.ip_text()) : has_name(*peer, name);
}

}  // namespace fairlead::tls
