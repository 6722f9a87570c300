// Certificates made for tests, in memory. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "modules/tls/contexts.h"

namespace fairlead::tls::test {

using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;

inline std::string contents(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    std::string text(bytes, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

/// A key and a certificate of it, signed by itself or by an authority.
struct Identity {
    KeyPtr key{EVP_EC_gen("P-256")};
    CertificatePtr certificate{X509_new()};

    /// `names` as OpenSSL's configuration writes them ("DNS:a.example,URI:sip:b.example"), or "".
    explicit Identity(const std::string& name, const std::string& names = {},
                      const Identity* authority = nullptr, bool is_authority = false) {
        X509* const c = certificate.get();
        X509_set_version(c, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(c), 4711);
        X509_gmtime_adj(X509_getm_notBefore(c), -3600);
        X509_gmtime_adj(X509_getm_notAfter(c), 86400);
        X509_set_pubkey(c, key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        const Identity& signer = authority != nullptr ? *authority : *this;
        X509_set_issuer_name(c, X509_get_subject_name(signer.certificate.get()));
        if (!names.empty()) add(NID_subject_alt_name, names);
        if (is_authority) add(NID_basic_constraints, "critical,CA:TRUE");
        X509_sign(c, signer.key.get(), EVP_sha256());
    }
    [[nodiscard]] std::string certificate_pem() const {
        BIO* const bio = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(bio, certificate.get());
        return contents(bio);
    }
    [[nodiscard]] std::string key_pem() const {
        BIO* const bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        return contents(bio);
    }

private:
    void add(int kind, const std::string& value) {
        X509_EXTENSION* const e = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
        X509_add_ext(certificate.get(), e, -1);
        X509_EXTENSION_free(e);
    }
};

}  // namespace fairlead::tls::test
