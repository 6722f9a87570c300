// Fuzzes URIs and the values they stand in: views must lie inside the text, and equality must be
// symmetric. The input is two texts, divided by a line feed. SPDX-License-Identifier: Apache-2.0
#include "core/sip/uri.h"

#include <cstdint>
#include <string_view>

#include "core/sip/params.h"
#include "core/sip/values.h"
#include "test/fuzz/check.h"

using namespace fairlead;
using namespace fairlead::sip;
using fairlead::fuzz::check;

namespace {

void check_inside(std::string_view part, std::string_view text) {
    if (part.empty()) return;
    check(part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size(),
          "a view lies inside the text");
}

void check_values(std::string_view text) {
    if (const auto via = parse_via(text))
        for (auto part : {via->host, via->params, via->branch, via->received, via->maddr})
            check_inside(part, text);
    if (const auto address = parse_name_addr(text)) {
        for (auto part : {address->display, address->uri, address->params, address->tag})
            check_inside(part, text);
        (void)address->param("tag");
        (void)parse_uri(address->uri);
    }
    std::string_view rest = text;
    std::size_t count = 0;
    while (next_value(rest)) check(++count <= text.size() + 1, "values end");
    rest = text;
    while (next_param(rest)) check(++count <= 3 * text.size() + 3, "parameters end");
}

std::optional<Uri> check_uri(std::string_view text) {
    auto uri = parse_uri(text);
    if (!uri) return uri;
    for (auto part : {uri->scheme_text, uri->user, uri->password, uri->host, uri->port_text,
                      uri->params, uri->headers})
        check_inside(part, text);
    (void)uri->param("transport");
    (void)uri->transport();
    check(uri->effective_port() != 0, "a URI has a port");
    if (uri->is_sip()) check(!uri->host.empty(), "a SIP URI has a host");
    return uri;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t split = text.find('\n');
    const std::string_view first = text.substr(0, split);
    const std::string_view second =
        split == std::string_view::npos ? std::string_view{} : text.substr(split + 1);
    check_values(text);
    const auto a = check_uri(first), b = check_uri(second);
    if (a && b) check(equal(*a, *b) == equal(*b, *a), "equality is symmetric");
    return 0;
}
