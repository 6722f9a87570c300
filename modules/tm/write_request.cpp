// Telling another program of a request.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/write_request.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/tm/late_writes.h"
#include "modules/tm/silent_branch.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

constexpr std::string_view kVersion = "0.3", kNone = ".";
/// The text as it grows. A value never ends its line.
class Lines {
public:
    void add(std::string_view value) {
        append(value);
        text_ += '\n';
    }
    void add_or_none(std::string_view value) { add(value.empty() ? kNone : value); }
    void add_named(std::string_view name, std::string_view value) {
        append(name);
        text_ += ": ";
        add(value);
    }
    /// As it is; the body is the last.
    void add_raw(std::string_view value) { (text_ += value) += '\n'; }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    void append(std::string_view value) {
        const std::size_t from = text_.size();
        text_ += value;
        std::replace_if(
            text_.begin() + static_cast<std::ptrdiff_t>(from), text_.end(),
            [](char c) { return c == '\n' || c == '\r'; }, ' ');
    }
    std::string text_;
};

/// The first of several values that commas separate, which it takes off `rest`.
std::string_view take_value(std::string_view& rest) noexcept {
    bool quoted = false, angle = false;
    std::size_t i = 0;
    for (; i < rest.size(); ++i) {
        const char c = rest[i];
        if (quoted && c == '\\') {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '<' || c == '>')) {
            angle = c == '<';
        } else if (c == ',' && !quoted && !angle) {
            break;
        }
    }
    const std::string_view value = text::trim(rest.substr(0, std::min(i, rest.size())));
    rest.remove_prefix(std::min(i + 1, rest.size()));
    return value;
}

std::vector<std::string_view> values_of(const Message& m, sip::HeaderType type) {
    std::vector<std::string_view> values;
    for (const sip::Header& h : m.sip.headers()) {
        if (h.type != type) continue;
        std::string_view rest = m.sip.bytes().substr(h.value_offset, h.value_length);
        while (!rest.empty())
            if (const std::string_view one = take_value(rest); !one.empty()) values.push_back(one);
    }
    return values;
}

std::string_view uri_of(std::string_view value) noexcept {
    const auto parsed = sip::parse_name_addr(value);
    return parsed ? parsed->uri : std::string_view();
}

bool is_loose(std::string_view uri) noexcept {
    const auto parsed = sip::parse_uri(uri);
    return parsed && parsed->param("lr").has_value();
}

/// Where requests within the dialog go (RFC 3261 12.1.1, 12.2.1.1).
struct WayBack {
    std::string target, routes;
    std::string_view next_hop;
};
WayBack way_back(const Message& m) {
    const std::vector<std::string_view> contacts = values_of(m, sip::HeaderType::contact);
    std::string_view contact = contacts.empty() ? std::string_view() : uri_of(contacts.front());
    if (contact.empty()) contact = m.sip.from()->uri;
    std::vector<std::string_view> records = values_of(m, sip::HeaderType::record_route);
    WayBack way{.target = std::string(contact), .routes = {}, .next_hop = {}};
    if (records.empty()) return way;
    const std::string_view first = uri_of(records.front());
    const std::string last = "<" + std::string(contact) + ">";
    if (is_loose(first)) {
        way.next_hop = first;
    } else {  // a strict router wants its own URI as Request-URI, and the target at the end
        way.target = first;
        records.erase(records.begin());
        records.emplace_back(last);
    }
    for (const std::string_view r : records) {
        if (!way.routes.empty()) way.routes += ',';
        way.routes += r;
    }
    return way;
}

/// Hexadecimal digits, the lowest first.
std::string reversed_hex(std::uint32_t n) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string s;
    do {
        s += kDigits[n & 15];
        n >>= 4;
    } while (n != 0);
    return s;
}

void add_list(Lines& out, Message& m, const AppendList* list) {
    out.add_named("P-MsgFlags", reversed_hex(m.flags));
    if (list != nullptr) {
        for (const AppendList::Line& line : list->lines) {
            const Value value = line.value->get(m);
            if (value.is_null()) continue;
            const auto number = fmt::format_int(value.integer());
            out.add_named(line.name, value.is_integer()
                                         ? std::string_view(number.data(), number.size())
                                         : value.string());
        }
    }
    out.add(kNone);
}

}  // namespace

WriteInfo parse_write_info(std::string_view info) noexcept {
    const std::size_t slash = info.find('/');
    if (slash == std::string_view::npos) return {info, {}};
    return {info.substr(0, slash), info.substr(slash + 1)};
}

std::string describe_request(Message& m, const Work& w, std::string_view action,
                             const AppendList* list) {
    const sip::NameAddr* const from = m.sip.from();
    const sip::NameAddr* const to = m.sip.to();
    const sip::CSeq* const cseq = m.sip.cseq();
    const auto uri = sip::parse_uri(m.uri());
    if (from == nullptr || to == nullptr || cseq == nullptr || !uri || m.sip.call_id().empty()) {
        LOG(error, "a request whose URI, From, To, Call-ID or CSeq cannot be read is not told");
        return {};
    }
    const Address& on = m.received.local;
    const WayBack back = way_back(m);
    Lines out;
    out.add(kVersion);
    out.add("sip_request." + std::string(action));
    out.add(m.sip.method_text());
    out.add(uri->user);
    out.add(uri->host);
    out.add(on.ip_text());
    out.add(on.port == default_port(Proto::udp) ? std::string(kNone) : std::to_string(on.port));
    out.add(m.uri());
    out.add(back.target);
    out.add(m.sip.text(sip::HeaderType::from));
    out.add(m.sip.text(sip::HeaderType::to));
    out.add(m.sip.call_id());
    out.add(from->tag);
    out.add(to->tag);
    out.add(std::to_string(cseq->number));
    out.add(std::to_string(w.cell->slot) + ":" + std::to_string(w.cell->label));
    out.add_or_none(back.routes);
    out.add_or_none(back.next_hop);
    add_list(out, m, list);
    const bool wanted = list != nullptr && list->with_body;
    const std::string_view body = m.sip.body();
    const bool usual = m.sip.method() == sip::Method::invite || m.sip.method() == sip::Method::info;
    if (wanted || (usual && !body.empty())) {
        out.add_raw(body);
    } else {
        out.add(kNone);
    }
    return out.take();
}

Verdict Tm::write_request(Message& m, Outlet outlet, std::string_view info, std::string_view path) {
    if (info.starts_with('/')) std::swap(info, path);  // earlier servers had them the other way
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) {
        LOG(error, "t_write: there is no transaction: call t_newtran() before");
        return Verdict::no;
    }
    const WriteInfo what = parse_write_info(info);
    const AppendList* const list = what.list.empty() ? nullptr : appends.find(what.list);
    if (!what.list.empty() && list == nullptr) {
        LOG(error, "t_write: tw_append has no list \"{}\"", what.list);
        return Verdict::no;
    }
    const std::string text = describe_request(m, *w, what.action, list);
    if (text.empty() || !writes.write(outlet, path, text, Ms(unix_tx_))) return Verdict::no;
    return Verdict::of(await_outside(rt_, *w));
}

Verdict Tm::t_write_fifo(Message& m, std::string_view info, std::string_view path) {
    return write_request(m, Outlet::fifo, info, path);
}
Verdict Tm::t_write_unix(Message& m, std::string_view info, std::string_view path) {
    return write_request(m, Outlet::socket, info, path);
}

}  // namespace fairlead::tm
