// What scripts read of the TLS connection that a message came over. SPDX-License-Identifier:
// Apache-2.0
#include "modules/tls/variables.h"

#include <openssl/x509v3.h>

#include <array>
#include <string>

#include "core/api/text.h"
#include "modules/tls/certificate.h"
#include "modules/tls/tls.h"

namespace fairlead::tls {
namespace {

enum class Side : std::uint8_t { my, peer };
enum class Who : std::uint8_t { subject, issuer };

SSL* connection(Module& module, const Message& m) noexcept {
    return static_cast<Tls&>(module).connection_of(m);
}

Value text(Message& m, std::string_view s) {
    return {m.arena.copy(s)};
}
Value text_if(Message& m, const std::optional<std::string>& s) {
    return s ? Value(m.arena.copy(*s)) : Value();
}

// ---- Of the connection

Value version(Module& module, Message& m, const VariableName&) {
    const SSL* const ssl = connection(module, m);
    return ssl == nullptr ? Value() : Value(std::string_view(SSL_get_version(ssl)));
}
Value description(Module& module, Message& m, const VariableName&) {
    const SSL* const ssl = connection(module, m);
    if (ssl == nullptr) return {};
    std::array<char, 256> room{};
    SSL_CIPHER_description(SSL_get_current_cipher(ssl), room.data(), static_cast<int>(room.size()));
    return text(m, text::trim(room.data()));
}
Value cipher_info(Module& module, Message& m, const VariableName&) {
    const SSL* const ssl = connection(module, m);
    return ssl == nullptr ? Value() : Value(std::string_view(SSL_get_cipher_name(ssl)));
}
Value cipher_bits(Module& module, Message& m, const VariableName&) {
    const SSL* const ssl = connection(module, m);
    return ssl == nullptr ? Value() : Value(SSL_get_cipher_bits(ssl, nullptr));
}
Value asked_name(Module& module, Message& m, const VariableName&) {
    const SSL* const ssl = connection(module, m);
    if (ssl == nullptr) return {};
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? Value() : text(m, std::string_view(name));
}
/// What verification says of the peer's certificate, if there is one.
std::optional<long> verdict(Module& module, const Message& m) noexcept {
    SSL* const ssl = connection(module, m);
    if (ssl == nullptr || SSL_get0_peer_certificate(ssl) == nullptr) return std::nullopt;
    return SSL_get_verify_result(ssl);
}
Value verified(Module& module, Message& m, const VariableName&) {
    if (connection(module, m) == nullptr) return {};
    return verdict(module, m) == X509_V_OK ? 1 : 0;
}
template <long Why>
Value refused(Module& module, Message& m, const VariableName&) {
    if (connection(module, m) == nullptr) return {};
    return verdict(module, m) == Why ? 1 : 0;
}

// ---- Of a certificate

Value certificate_version(Message&, const X509& c) {
    return Value(X509_get_version(&c) + 1);
}
Value serial_number(Message& m, const X509& c) {
    return text(m, serial(c));
}
template <Who W>
const X509_NAME& name_of(const X509& c) noexcept {
    return W == Who::subject ? *X509_get_subject_name(&c) : *X509_get_issuer_name(&c);
}
template <Who W>
Value whole_name(Message& m, const X509& c) {
    return text(m, one_line(name_of<W>(c)));
}
template <Who W, int Nid>
Value part(Message& m, const X509& c) {
    return text_if(m, attribute(name_of<W>(c), Nid));
}
template <int Kind>
Value san(Message& m, const X509& c) {
    return text_if(m, alternative(c, Kind));
}
Value not_before(Message& m, const X509& c) {
    return text(m, time_text(*X509_get0_notBefore(&c)));
}
Value not_after(Message& m, const X509& c) {
    return text(m, time_text(*X509_get0_notAfter(&c)));
}
Value raw(Message& m, const X509& c) {
    return text(m, pem(c));
}
Value escaped(Message& m, const X509& c) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char letter : pem(c)) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' ||
                           byte == '_' || byte == '~';
        if (plain)
            out += letter;
        else
            out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
    return text(m, out);
}

template <Side S, Value (*Get)(Message&, const X509&)>
Value of(Module& module, Message& m, const VariableName&) {
    const SSL* const ssl = connection(module, m);
    if (ssl == nullptr) return {};
    const X509* const c = S == Side::my ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
    return c == nullptr ? Value() : Get(m, *c);
}

using Getter = Value (*)(Module&, Message&, const VariableName&);
constexpr Variable row(std::string_view name, std::string_view doc, Getter get) {
    Variable v;
    v.name = name;
    v.doc = doc;
    v.get = get;
    return v;
}

}  // namespace

constinit const std::array<Variable, kVariables> variables{
    {row("tls_version", "The version: TLSv1.3.", version),
     row("tls_description", "The cipher, described by OpenSSL.", description),
     row("tls_cipher_info", "The name of the cipher.", cipher_info),
     row("tls_cipher_bits", "The bits of its key.", cipher_bits),
     row("tls_peer_server_name", "The server name that the client asked for.", asked_name),
     row("tls_peer_version", "The version of the peer's certificate.",
         of<Side::peer, certificate_version>),
     row("tls_peer_serial", "The serial number of the peer's certificate.",
         of<Side::peer, serial_number>),
     row("tls_peer_subject", "The subject of the peer's certificate.",
         of<Side::peer, whole_name<Who::subject>>),
     row("tls_peer_subject_cn", "The common name in the subject of the peer's certificate.",
         of<Side::peer, part<Who::subject, NID_commonName>>),
     row("tls_peer_subject_locality", "The locality in the subject of the peer's certificate.",
         of<Side::peer, part<Who::subject, NID_localityName>>),
     row("tls_peer_subject_country", "The country in the subject of the peer's certificate.",
         of<Side::peer, part<Who::subject, NID_countryName>>),
     row("tls_peer_subject_state", "The state in the subject of the peer's certificate.",
         of<Side::peer, part<Who::subject, NID_stateOrProvinceName>>),
     row("tls_peer_subject_organization",
         "The organization in the subject of the peer's certificate.",
         of<Side::peer, part<Who::subject, NID_organizationName>>),
     row("tls_peer_subject_unit", "The unit in the subject of the peer's certificate.",
         of<Side::peer, part<Who::subject, NID_organizationalUnitName>>),
     row("tls_peer_subject_uid", "The user id in the subject of the peer's certificate.",
         of<Side::peer, part<Who::subject, NID_userId>>),
     row("tls_peer_issuer", "The issuer of the peer's certificate.",
         of<Side::peer, whole_name<Who::issuer>>),
     row("tls_peer_issuer_cn", "The common name in the issuer of the peer's certificate.",
         of<Side::peer, part<Who::issuer, NID_commonName>>),
     row("tls_peer_issuer_locality", "The locality in the issuer of the peer's certificate.",
         of<Side::peer, part<Who::issuer, NID_localityName>>),
     row("tls_peer_issuer_country", "The country in the issuer of the peer's certificate.",
         of<Side::peer, part<Who::issuer, NID_countryName>>),
     row("tls_peer_issuer_state", "The state in the issuer of the peer's certificate.",
         of<Side::peer, part<Who::issuer, NID_stateOrProvinceName>>),
     row("tls_peer_issuer_organization",
         "The organization in the issuer of the peer's certificate.",
         of<Side::peer, part<Who::issuer, NID_organizationName>>),
     row("tls_peer_issuer_unit", "The unit in the issuer of the peer's certificate.",
         of<Side::peer, part<Who::issuer, NID_organizationalUnitName>>),
     row("tls_peer_san_email",
         "The first e-mail address among the alternative names of the peer's certificate.",
         of<Side::peer, san<GEN_EMAIL>>),
     row("tls_peer_san_hostname",
         "The first host name among the alternative names of the peer's certificate.",
         of<Side::peer, san<GEN_DNS>>),
     row("tls_peer_san_uri", "The first URI among the alternative names of the peer's certificate.",
         of<Side::peer, san<GEN_URI>>),
     row("tls_peer_san_ip",
         "The first IP address among the alternative names of the peer's certificate.",
         of<Side::peer, san<GEN_IPADD>>),
     row("tls_peer_notBefore", "Since when the peer's certificate is good.",
         of<Side::peer, not_before>),
     row("tls_peer_notAfter", "Until when the peer's certificate is good.",
         of<Side::peer, not_after>),
     row("tls_peer_raw_cert", "The peer's certificate as PEM.", of<Side::peer, raw>),
     row("tls_peer_urlencoded_cert", "The same, escaped for a URL.", of<Side::peer, escaped>),
     row("tls_my_version", "The version of our certificate.", of<Side::my, certificate_version>),
     row("tls_my_serial", "The serial number of our certificate.", of<Side::my, serial_number>),
     row("tls_my_subject", "The subject of our certificate.",
         of<Side::my, whole_name<Who::subject>>),
     row("tls_my_subject_cn", "The common name in the subject of our certificate.",
         of<Side::my, part<Who::subject, NID_commonName>>),
     row("tls_my_subject_locality", "The locality in the subject of our certificate.",
         of<Side::my, part<Who::subject, NID_localityName>>),
     row("tls_my_subject_country", "The country in the subject of our certificate.",
         of<Side::my, part<Who::subject, NID_countryName>>),
     row("tls_my_subject_state", "The state in the subject of our certificate.",
         of<Side::my, part<Who::subject, NID_stateOrProvinceName>>),
     row("tls_my_subject_organization", "The organization in the subject of our certificate.",
         of<Side::my, part<Who::subject, NID_organizationName>>),
     row("tls_my_subject_unit", "The unit in the subject of our certificate.",
         of<Side::my, part<Who::subject, NID_organizationalUnitName>>),
     row("tls_my_subject_uid", "The user id in the subject of our certificate.",
         of<Side::my, part<Who::subject, NID_userId>>),
     row("tls_my_issuer", "The issuer of our certificate.", of<Side::my, whole_name<Who::issuer>>),
     row("tls_my_issuer_cn", "The common name in the issuer of our certificate.",
         of<Side::my, part<Who::issuer, NID_commonName>>),
     row("tls_my_issuer_locality", "The locality in the issuer of our certificate.",
         of<Side::my, part<Who::issuer, NID_localityName>>),
     row("tls_my_issuer_country", "The country in the issuer of our certificate.",
         of<Side::my, part<Who::issuer, NID_countryName>>),
     row("tls_my_issuer_state", "The state in the issuer of our certificate.",
         of<Side::my, part<Who::issuer, NID_stateOrProvinceName>>),
     row("tls_my_issuer_organization", "The organization in the issuer of our certificate.",
         of<Side::my, part<Who::issuer, NID_organizationName>>),
     row("tls_my_issuer_unit", "The unit in the issuer of our certificate.",
         of<Side::my, part<Who::issuer, NID_organizationalUnitName>>),
     row("tls_my_san_email",
         "The first e-mail address among the alternative names of our certificate.",
         of<Side::my, san<GEN_EMAIL>>),
     row("tls_my_san_hostname",
         "The first host name among the alternative names of our certificate.",
         of<Side::my, san<GEN_DNS>>),
     row("tls_my_san_uri", "The first URI among the alternative names of our certificate.",
         of<Side::my, san<GEN_URI>>),
     row("tls_my_san_ip", "The first IP address among the alternative names of our certificate.",
         of<Side::my, san<GEN_IPADD>>),
     row("tls_my_notBefore", "Since when our certificate is good.", of<Side::my, not_before>),
     row("tls_my_notAfter", "Until when our certificate is good.", of<Side::my, not_after>),
     row("tls_my_raw_cert", "Our certificate as PEM.", of<Side::my, raw>),
     row("tls_my_urlencoded_cert", "The same, escaped for a URL.", of<Side::my, escaped>),
     row("tls_peer_verified", "1: the peer's certificate is verified; 0: not.", verified),
     row("tls_peer_revoked",
         "1: the peer's certificate was revoked, which verification found; 0: not.",
         refused<X509_V_ERR_CERT_REVOKED>),
     row("tls_peer_expired",
         "1: the peer's certificate has expired, which verification found; 0: not.",
         refused<X509_V_ERR_CERT_HAS_EXPIRED>),
     row("tls_peer_selfsigned",
         "1: the peer's certificate is signed by itself alone, which verification found; 0: not.",
         refused<X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT>)}};

}  // namespace fairlead::tls
