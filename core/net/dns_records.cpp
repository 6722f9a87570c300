// Names and types of DNS. SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_records.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"

namespace fairlead::dns {
namespace {

constexpr std::array<std::pair<Type, std::string_view>, 7> kTypes{{{Type::a, "A"},
                                                                   {Type::cname, "CNAME"},
                                                                   {Type::ptr, "PTR"},
                                                                   {Type::txt, "TXT"},
                                                                   {Type::aaaa, "AAAA"},
                                                                   {Type::srv, "SRV"},
                                                                   {Type::naptr, "NAPTR"}}};
constexpr std::size_t kMaxLabel = 63, kMaxText = 253;

}  // namespace

std::string_view name(Type type) noexcept {
    const auto* const found = std::ranges::find(kTypes, type, &decltype(kTypes)::value_type::first);
    return found != kTypes.end() ? found->second : std::string_view();
}

Type parse_type(std::string_view text) noexcept {
    const auto* const found = std::ranges::find_if(
        kTypes, [&](const auto& type) { return text::ci_equal(type.second, text); });
    return found != kTypes.end() ? found->first : Type::none;
}

bool is_name(std::string_view text) noexcept {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > kMaxText) return false;
    std::size_t label = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= ' ' || byte > '~') return false;
        if (c == '.' && label == 0) return false;
        label = c == '.' ? 0 : label + 1;
        if (label > kMaxLabel) return false;
    }
    return label != 0;
}

std::string canonical(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    std::string text(name);
    std::ranges::transform(text, text.begin(), text::to_lower);
    return text;
}

bool is_server_list(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        std::string_view one = text::trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (Address::parse(one)) continue;
        const std::size_t colon = one.rfind(':');
        if (colon == std::string_view::npos) return false;
        const auto port = text::parse_uint(one.substr(colon + 1), UINT16_MAX);
        const bool bare_ipv6 = !one.starts_with('[') && one.find(':') != colon;
        if (!port || *port == 0 || bare_ipv6 || !Address::parse(one.substr(0, colon))) return false;
    }
    return true;
}

}  // namespace fairlead::dns
