// Contacts that carry the URI that they stand for in a parameter. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <string_view>

#include "core/api/message.h"

namespace fairlead::siputils {

/// Each SIP URI in Contact becomes `server;name=…`, with the old one in Base64URL. False when
/// `server` is no SIP URI or `name` no token.
bool encode_contact_param(Message& m, std::string_view name, std::string_view server);
/// The way back; contacts without the parameter stay. False when one cannot be read.
bool decode_contact_param(Message& m, std::string_view name);
/// The same for the Request-URI.
bool decode_uri_param(Message& m, std::string_view name);
/// Takes the parameter out of the URIs in Contact.
bool remove_contact_param(Message& m, std::string_view name);

}  // namespace fairlead::siputils
