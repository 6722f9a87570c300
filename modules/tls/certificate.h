// What certificates say. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/x509.h>

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::tls {

/// Whether the certificate is for this SIP domain: exactly, no wildcards (RFC 5922 7.1, 7.2).
[[nodiscard]] bool has_name(const X509& certificate, std::string_view domain);
/// Whether it is for this IP address.
[[nodiscard]] bool has_address(const X509& certificate, const std::string& ip);

/// "/C=DE/O=Example/CN=sip.example.org".
[[nodiscard]] std::string one_line(const X509_NAME& name);
/// The first value of an attribute (NID_commonName), as UTF-8.
[[nodiscard]] std::optional<std::string> attribute(const X509_NAME& name, int nid);
/// The first alternative name of a kind (GEN_DNS).
[[nodiscard]] std::optional<std::string> alternative(const X509& certificate, int kind);
[[nodiscard]] std::string serial(const X509& certificate);
/// "Jan  1 00:00:00 2030 GMT".
[[nodiscard]] std::string time_text(const ASN1_TIME& time);
[[nodiscard]] std::string pem(const X509& certificate);

}  // namespace fairlead::tls
