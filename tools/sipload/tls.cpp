// TLS of the load tool. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace fairlead::sipload {
namespace {

/// A key and a certificate that nobody signed but itself.
bool identify(SSL_CTX* context) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const c = X509_new();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c), 86400);
    X509_set_pubkey(c, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>("sipload"), -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    const bool good = X509_sign(c, key, EVP_sha256()) > 0 &&
                      SSL_CTX_use_certificate(context, c) == 1 &&
                      SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(c);
    EVP_PKEY_free(key);
    return good;
}

}  // namespace

void TlsLink::Free::operator()(ssl_st* ssl) const noexcept {
    SSL_free(ssl);
}
void Tls::Free::operator()(ssl_ctx_st* context) const noexcept {
    SSL_CTX_free(context);
}

TlsLink::TlsLink(ssl_st* ssl) noexcept : ssl_(ssl) {}

std::ptrdiff_t TlsLink::result(int code) const {
    const int why = SSL_get_error(ssl_.get(), code);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

std::ptrdiff_t TlsLink::read(std::span<char> into) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
    return got > 0 ? got : result(got);
}

std::ptrdiff_t TlsLink::write(std::string_view bytes) {
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    return sent > 0 ? sent : result(sent);
}

Tls::Tls(ssl_ctx_st* context) noexcept : context_(context) {}

Result<std::unique_ptr<Tls>> Tls::make(bool server) {
    SSL_CTX* const context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    auto made = std::make_unique<Tls>(context);
    if (context == nullptr || (server && !identify(context))) return fail("OpenSSL cannot be used");
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return made;
}

std::unique_ptr<TlsLink> Tls::over(int descriptor) const {
    SSL* const ssl = SSL_new(context_.get());
    if (ssl == nullptr) return nullptr;
    auto made = std::make_unique<TlsLink>(ssl);
    if (SSL_set_fd(ssl, descriptor) != 1) return nullptr;
    if (SSL_is_server(ssl) == 1)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return made;
}

}  // namespace fairlead::sipload
