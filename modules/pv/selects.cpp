// pv: $sel(name.part[index].part), the older way to name parts of a message.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <array>

#include "modules/pv/pv.h"

namespace fairlead::pv {

namespace {

using sip::HeaderType;

/// One word between dots; the index counts from 1, from the last when negative.
struct Word {
    std::string_view name;
    std::int64_t index = 1;
};

struct Select {
    static constexpr std::size_t kMost = 5;
    std::array<Word, kMost> words;
    std::size_t count = 0;

    [[nodiscard]] std::string_view name(std::size_t n) const noexcept {
        return n < count ? words[n].name : std::string_view();
    }
};

std::optional<Select> parse(std::string_view text) {
    Select out;
    while (true) {
        if (out.count == Select::kMost) return std::nullopt;
        const std::size_t dot = text.find('.');
        std::string_view word = text.substr(0, dot);
        Word& w = out.words[out.count++];
        if (const std::size_t open = word.find('['); open != word.npos) {
            if (!word.ends_with(']')) return std::nullopt;
            std::string_view index = word.substr(open + 1, word.size() - open - 2);
            if (const auto n = text::parse_int(index); n && *n != 0) {
                w.index = *n;
            } else {
                return std::nullopt;
            }
            word = word.substr(0, open);
        }
        if (word.starts_with('%')) word.remove_prefix(1);
        if (word.empty()) return std::nullopt;
        w.name = word;
        if (dot == text.npos) return out;
        text.remove_prefix(dot + 1);
    }
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> known) {
    return std::find(known.begin(), known.end(), word) != known.end();
}

// ---- What there is ------------------------------------------------------------------------------

struct AddressHeader {
    std::string_view select;
    HeaderType type;
    std::string_view name;
};
constexpr AddressHeader kAddresses[] = {
    {"from", HeaderType::from, {}},
    {"to", HeaderType::to, {}},
    {"contact", HeaderType::contact, {}},
    {"refer_to", HeaderType::refer_to, {}},
    {"record_route", HeaderType::record_route, {}},
    {"rr", HeaderType::record_route, {}},
    {"rpid", HeaderType::other, "Remote-Party-ID"},
};
struct PlainHeader {
    std::string_view select;
    HeaderType type;
};
constexpr PlainHeader kHeaders[] = {
    {"call_id", HeaderType::call_id},
    {"cseq", HeaderType::cseq},
    {"content_type", HeaderType::content_type},
    {"content_length", HeaderType::content_length},
    {"user_agent", HeaderType::user_agent},
    {"max_forwards", HeaderType::max_forwards},
    {"subject", HeaderType::subject},
    {"expires", HeaderType::expires},
    {"event", HeaderType::event},
    {"require", HeaderType::require},
    {"unsupported", HeaderType::unsupported},
    {"proxy_require", HeaderType::proxy_require},
    {"allow", HeaderType::allow},
    {"organization", HeaderType::organization},
    {"priority", HeaderType::priority},
    {"content_disposition", HeaderType::content_disposition},
    {"authorization", HeaderType::authorization},
    {"proxy_authorization", HeaderType::proxy_authorization},
};

template <class Row, std::size_t N>
const Row* find(const Row (&rows)[N], std::string_view name) {
    const auto found = std::find_if(std::begin(rows), std::end(rows),
                                    [name](const Row& row) { return row.select == name; });
    return found != std::end(rows) ? found : nullptr;
}

bool is_uri_part(const Select& s, std::size_t at) {
    if (s.count <= at) return true;
    if (s.name(at) == "params") return s.count <= at + 2;
    return s.count == at + 1 && one_of(s.name(at), {"type", "user", "rawuser", "pwd", "host",
                                                    "port", "hostport", "transport"});
}

bool is_known(const Select& s) {
    const std::string_view first = s.name(0);
    if (one_of(first, {"ruri", "next_hop", "dst_uri"})) return is_uri_part(s, 1);
    if (find(kAddresses, first) != nullptr) {
        if (s.name(1) == "uri") return is_uri_part(s, 2);
        if (s.name(1) == "params") return s.count == 3;
        return s.count == 1 || (s.count == 2 && one_of(s.name(1), {"tag", "name", "q", "expires",
                                                                   "received", "instance"}));
    }
    if (first == "via") {
        if (s.name(1) == "params") return s.count == 3;
        return s.count == 1 ||
               (s.count == 2 &&
                one_of(s.name(1), {"name", "version", "transport", "host", "port", "comment",
                                   "branch", "received", "rport", "i", "alias"}));
    }
    if (one_of(first, {"src", "dst", "received"})) {
        return s.count == 2 &&
               one_of(s.name(1), {"ip", "port", "proto", "ip_port", "proto_ip", "proto_ip_port"});
    }
    if (first == "msg") {
        return s.count == 1 || (s.count == 2 && s.name(1) == "len") ||
               (s.count == 3 && s.name(1) == "header");
    }
    if (one_of(first, {"hf_value", "hf_value_exists"})) return s.count == 2;
    if (first == "cseq") return s.count == 1 || one_of(s.name(1), {"num", "method"});
    if (first == "cfg_get") return s.count == 3;
    if (first == "sys") return s.count == 2 && one_of(s.name(1), {"pid"});
    if (one_of(first, {"authorization", "proxy_authorization"})) return s.count <= 2;
    return s.count == 1 && (first == "method" || find(kHeaders, first) != nullptr);
}

// ---- Values -------------------------------------------------------------------------------------

Value uri_value(Message& m, std::string_view text, const Select& s, std::size_t at) {
    if (s.count <= at) return or_null(text);
    const auto uri = sip::parse_uri(text);
    if (!uri) return {};
    const std::string_view part = s.name(at);
    if (part == "type") return uri->scheme_text;
    if (part == "user" || part == "rawuser") return or_null(uri->user);
    if (part == "pwd") return or_null(uri->password);
    if (part == "host") return or_null(uri->host);
    if (part == "port") return or_null(uri->port_text);
    if (part == "transport") {
        const auto transport = uri->param(part);
        return transport ? Value(*transport) : Value();
    }
    if (part == "hostport") {
        const std::string_view port = as_text(m, Value(int{uri->effective_port()}));
        return m.arena.concat({uri->host, ":", port});
    }
    if (s.count == at + 1) return or_null(uri->params);
    const auto value = uri->param(s.name(at + 1));
    return value ? Value(*value) : Value();
}

Value address_value(Message& m, const AddressHeader& row, const Select& s) {
    const auto n = static_cast<std::size_t>(std::max<std::int64_t>(s.words[0].index, 1) - 1);
    const sip::Header* const h =
        row.name.empty() ? m.sip.header(row.type, n) : m.sip.header(row.name, n);
    if (h == nullptr) return {};
    if (s.count == 1) return m.sip.value(*h);
    std::string_view rest = m.sip.value(*h);
    const bool single = row.type == HeaderType::from || row.type == HeaderType::to;
    const auto first = single ? std::optional(rest) : sip::next_value(rest);
    const auto address = first ? sip::parse_name_addr(*first) : std::nullopt;
    if (!address) return {};
    const std::string_view part = s.name(1);
    if (part == "uri") return uri_value(m, address->uri, s, 2);
    if (part == "tag") return address->has_tag ? Value(address->tag) : Value();
    if (part == "name") return address->display;
    std::string_view name = part == "params" ? s.name(2) : part;
    if (name == "instance") name = "+sip.instance";
    const auto value = address->param(name);
    return value ? Value(*value) : Value();
}

Value via_value(Message& m, const Select& s) {
    const std::int64_t index = s.words[0].index;
    const auto via = nth_via(m, index > 0 ? index - 1 : index);
    if (!via) return {};
    if (s.count == 1) return via->text;
    const std::string_view part = s.name(1);
    if (part == "name") return std::string_view("SIP");
    if (part == "version") return std::string_view("2.0");
    if (part == "transport") return via->transport;
    if (part == "host") return via->host;
    if (part == "port") return or_null(via->port_text);
    if (part == "comment") return {};  // RFC 3261 has none
    const auto found = sip::find_param(via->params, part == "params" ? s.name(2) : part);
    return found && found->has_value ? Value(found->value) : Value();
}

Value endpoint(Message& m, const Select& s) {
    const bool source = s.name(0) == "src";
    const Address& a = source ? m.received.source : m.received.local;
    constexpr std::size_t kRoom = 48;
    char* const out = m.arena.allocate(kRoom);
    const std::string_view ip(out, a.write_ip(out, s.name(1) != "ip"));
    const std::string_view port = as_text(m, Value(int{a.port}));
    const std::string_view proto = fairlead::name(m.received.proto);
    const std::string_view part = s.name(1);
    if (part == "ip") return ip;
    if (part == "port") return port;
    if (part == "proto") return proto;
    if (part == "ip_port") return m.arena.concat({ip, ":", port});
    if (part == "proto_ip") return m.arena.concat({proto, ":", ip});
    return m.arena.concat({proto, ":", ip, ":", port});
}

/// A header by name; selects write _ where the name has -.
Value header_value(Message& m, const Word& word) {
    const auto same = [&word](std::string_view name) {
        return name.size() == word.name.size() &&
               std::equal(name.begin(), name.end(), word.name.begin(), [](char a, char b) {
                   return text::to_lower(a) == text::to_lower(b) || (a == '-' && b == '_');
               });
    };
    std::int64_t count = 0, wanted = word.index;
    for (const sip::Header& h : m.sip.headers()) count += same(m.sip.name(h)) ? 1 : 0;
    if (wanted < 0) wanted += count + 1;
    for (const sip::Header& h : m.sip.headers()) {
        if (same(m.sip.name(h)) && --wanted == 0) return m.sip.value(h);
    }
    return {};
}

Value plain_header(Message& m, const PlainHeader& row, const Select& s) {
    const sip::Header* const h = m.sip.header(row.type);
    if (h == nullptr) return {};
    if (s.count == 1 && row.type == HeaderType::event) {
        const std::string_view all = m.sip.value(*h);
        return text::trim(all.substr(0, all.find(';')));
    }
    if (s.count == 1) return m.sip.value(*h);
    if (row.type == HeaderType::cseq) {
        const sip::CSeq* const cseq = m.sip.cseq();
        if (cseq == nullptr) return {};
        return s.name(1) == "num" ? cseq->number_text : cseq->method_text;
    }
    return credential_of(m.sip.value(*h), s.name(1));
}

/// cfg_get.group.name: as `group.name = value` or a management interface set it.
Value setting(const Pv& pv, Message& m, std::string_view group, std::string_view name) {
    if (pv.core == nullptr) return {};
    const Tunables::Entry* const entry = pv.core->tunables().find(group, name);
    if (entry == nullptr) return pv.core->custom_parameter(group, name);
    const Value value = entry->row->get(*entry->object);
    return value.is_string() ? Value(m.arena.copy(value.string())) : value;
}

}  // namespace

Result<std::uint64_t> resolve_select(Module&, std::string_view inner) {
    if (inner.starts_with('@')) inner.remove_prefix(1);
    const auto s = parse(inner);
    if (!s || !is_known(*s)) return fail("there is no such select");
    return 0U;
}

Value get_select(Module& self, Message& m, const VariableName& name) {
    std::string_view inner = name.inner;
    if (inner.starts_with('@')) inner.remove_prefix(1);
    const auto s = parse(inner);
    if (!s || !is_known(*s)) return {};
    const std::string_view first = s->name(0);
    if (first == "method") return m.sip.method_text();
    if (first == "ruri") return m.is_request() ? uri_value(m, m.uri(), *s, 1) : Value();
    if (first == "next_hop") return m.is_request() ? uri_value(m, m.next_hop(), *s, 1) : Value();
    if (first == "dst_uri") return uri_value(m, m.target.dst_uri, *s, 1);
    if (const auto* const row = find(kAddresses, first)) return address_value(m, *row, *s);
    if (first == "via") return via_value(m, *s);
    if (one_of(first, {"src", "dst", "received"})) return endpoint(m, *s);
    if (first == "cfg_get") return setting(static_cast<Pv&>(self), m, s->name(1), s->name(2));
    if (first == "sys") return static_cast<std::int64_t>(getpid());
    if (first == "hf_value") return header_value(m, s->words[1]);
    if (first == "hf_value_exists") return header_value(m, s->words[1]).is_null() ? 0 : 1;
    if (first == "msg" && s->count == 1) return m.sip.bytes();
    if (first == "msg" && s->count == 2) return static_cast<std::int64_t>(m.sip.bytes().size());
    if (first == "msg") return header_value(m, s->words[2]);
    const auto* const row = find(kHeaders, first);
    return row != nullptr ? plain_header(m, *row, *s) : Value();
}

}  // namespace fairlead::pv
