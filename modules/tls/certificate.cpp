// What certificates say. SPDX-License-Identifier: Apache-2.0
#include "modules/tls/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "core/api/net.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/tls/contexts.h"

namespace fairlead::tls {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;

NamesPtr alternatives(const X509& certificate) noexcept {
    return NamesPtr(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
}

std::string_view text_of(const ASN1_STRING* string) noexcept {
    if (string == nullptr) return {};
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
            static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string contents(BIO& bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(&bio, &bytes);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

/// "sip:example.org", and nothing but a host in it.
std::string_view sip_domain(std::string_view uri) noexcept {
    const auto parsed = sip::parse_uri(uri);
    if (!parsed || parsed->scheme != sip::Scheme::sip || !parsed->user.empty()) return {};
    return parsed->host;
}

}  // namespace

bool has_name(const X509& certificate, std::string_view domain) {
    const auto names = alternatives(certificate);
    bool has_sip = false, has_dns = false, is_uri = false, is_dns = false;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_URI) {
            const auto uri = sip_domain(text_of(name->d.uniformResourceIdentifier));
            has_sip = has_sip || !uri.empty();
            is_uri = is_uri || (!uri.empty() && text::ci_equal(uri, domain));
        } else if (name->type == GEN_DNS) {
            has_dns = true;
            is_dns = is_dns || text::ci_equal(text_of(name->d.dNSName), domain);
        }
    }
    // RFC 5922 7.1: names of hosts count when there is no URI of SIP, the CN when there is neither.
    if (has_sip) return is_uri;
    if (has_dns) return is_dns;
    const auto common = attribute(*X509_get_subject_name(&certificate), NID_commonName);
    return common && text::ci_equal(*common, domain);
}

bool has_address(const X509& certificate, const std::string& ip) {
    return X509_check_ip_asc(const_cast<X509*>(&certificate), ip.c_str(), 0) == 1;
}

std::string one_line(const X509_NAME& name) {
    std::array<char, 1024> room;
    const char* const text = X509_NAME_oneline(&name, room.data(), static_cast<int>(room.size()));
    return text != nullptr ? text : std::string();
}

std::optional<std::string> attribute(const X509_NAME& name, int nid) {
    const int at = X509_NAME_get_index_by_NID(&name, nid, -1);
    if (at < 0) return std::nullopt;
    unsigned char* utf8 = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(&name, at)));
    if (size < 0) return std::nullopt;
    std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    return text;
}

std::optional<std::string> alternative(const X509& certificate, int kind) {
    const auto names = alternatives(certificate);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != kind) continue;
        if (kind != GEN_IPADD) return std::string(text_of(name->d.ia5));
        const auto bytes = text_of(name->d.iPAddress);
        if (bytes.size() != 4 && bytes.size() != 16) continue;
        Address address;
        address.version = bytes.size() == 4 ? 4 : 6;
        std::copy(bytes.begin(), bytes.end(), address.ip.begin());
        return address.ip_text();
    }
    return std::nullopt;
}

std::string serial(const X509& certificate) {
    const NumberPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
    char* const digits = number ? BN_bn2dec(number.get()) : nullptr;
    std::string text = digits != nullptr ? digits : "";
    OPENSSL_free(digits);
    return text;
}

std::string time_text(const ASN1_TIME& time) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || ASN1_TIME_print(bio.get(), &time) != 1) return {};
    return contents(*bio);
}

std::string pem(const X509& certificate) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_X509(bio.get(), &certificate) != 1) return {};
    return contents(*bio);
}

}  // namespace fairlead::tls
