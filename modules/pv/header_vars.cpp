// pv: headers, names and tags of From and To, start line and body.
// SPDX-License-Identifier: Apache-2.0
#include "modules/pv/pv.h"

namespace fairlead::pv {

namespace {

/// The n-th header of a name; the name was resolved to a type when it is one that has a row.
const sip::Header* nth(const Message& m, const VariableName& name, std::size_t n) {
    if (name.handle != 0) return m.sip.header(static_cast<sip::HeaderType>(name.handle), n);
    return m.sip.header(name.inner, n);
}

std::size_t count(const Message& m, const VariableName& name) {
    std::size_t n = 0;
    while (nth(m, name, n) != nullptr) ++n;
    return n;
}

Value number(std::string_view digits) {
    const auto n = text::parse_uint(digits, INT64_MAX);
    return n ? Value(static_cast<std::int64_t>(*n)) : Value::absent();
}

/// A bit per method, in the order that scripts know.
int method_number(sip::Method method) noexcept {
    using enum sip::Method;
    constexpr sip::Method kOrder[] = {invite, cancel,  ack,     bye,   info,   register_, subscribe,
                                      notify, message, options, prack, update, refer,     publish};
    for (unsigned bit = 0; bit < std::size(kOrder); ++bit) {
        if (kOrder[bit] == method) return 1 << bit;
    }
    return 1 << 15;
}

bool set_name(Message& m, const sip::NameAddr* address, std::string_view name) {
    if (address == nullptr) return false;
    const char* const begin = m.sip.bytes().data();
    const auto uri_at = static_cast<std::uint32_t>(address->uri.data() - begin);
    const bool enclosed = begin[uri_at - 1] == '<';
    if (!address->display.empty()) {
        const auto at = static_cast<std::uint32_t>(address->display.data() - begin);
        // Without a name, the white space behind it goes too.
        const bool gone = name.empty() && enclosed;
        const std::size_t size = gone ? uri_at - 1 - at : address->display.size();
        return m.edits.replace(at, static_cast<std::uint32_t>(size), name);
    }
    if (name.empty()) return true;
    if (enclosed) {
        m.edits.insert(uri_at - 1, m.arena.concat({name, " "}));
        return true;
    }
    m.edits.insert(uri_at, m.arena.concat({name, " <"}));
    m.edits.insert(uri_at + static_cast<std::uint32_t>(address->uri.size()), ">");
    return true;
}

}  // namespace

Value get_header(Module&, Message& m, const VariableName& name) {
    if (name.all) {
        std::string_view joined;
        for (std::size_t n = 0; const sip::Header* h = nth(m, name, n); ++n) {
            joined = n == 0 ? m.sip.value(*h) : m.arena.concat({joined, ",", m.sip.value(*h)});
        }
        return joined.data() != nullptr ? Value(joined) : Value();
    }
    auto index = static_cast<std::int64_t>(name.index);
    if (index < 0) index += static_cast<std::int64_t>(count(m, name));
    if (index < 0) return {};
    const sip::Header* const h = nth(m, name, static_cast<std::size_t>(index));
    return h != nullptr ? Value(m.sip.value(*h)) : Value();
}

Value get_header_count(Module&, Message& m, const VariableName& name) {
    return static_cast<std::int64_t>(count(m, name));
}

Result<std::uint64_t> resolve_header(Module&, std::string_view inner) {
    if (inner.empty()) return fail("the name of a header is missing");
    return static_cast<std::uint64_t>(sip::header_type(inner));  // 0: other, found by name
}

Value field(Message& m, Field which) {
    const auto of = [](const sip::NameAddr* a, std::string_view sip::NameAddr::* part) {
        return a != nullptr ? or_null(a->*part) : Value::absent();
    };
    switch (which) {
        case Field::from_tag: return of(m.sip.from(), &sip::NameAddr::tag);
        case Field::to_tag: return of(m.sip.to(), &sip::NameAddr::tag);
        case Field::from_name: return of(m.sip.from(), &sip::NameAddr::display);
        case Field::to_name: return of(m.sip.to(), &sip::NameAddr::display);
        case Field::cseq_number:
            return m.sip.cseq() != nullptr ? Value(m.sip.cseq()->number_text) : Value::absent();
        case Field::content_length: {
            const sip::Header* const h = m.sip.header(sip::HeaderType::content_length);
            return h != nullptr ? number(m.sip.value(*h)) : Value();
        }
        case Field::method: return m.sip.method_text();
        case Field::version: return std::string_view("SIP/2.0");
        case Field::status: return m.is_request() ? Value() : Value(m.sip.status());
        case Field::reason: return m.is_request() ? Value() : Value(m.sip.reason());
        case Field::body: return m.sip.body();
        case Field::body_size: return static_cast<std::int64_t>(m.sip.body().size());
        case Field::all: return m.sip.bytes();
        case Field::size: return static_cast<std::int64_t>(m.sip.bytes().size());
        case Field::method_number: return method_number(m.sip.method());
        case Field::kind: return m.is_request() ? 1 : 2;
        case Field::kind_text: return std::string_view(m.is_request() ? "rq" : "rp");
    }
    return {};
}

bool set_from_name(Module&, Message& m, const VariableName&, const Value& value) {
    return set_name(m, m.sip.from(), as_text(m, value));
}

bool set_to_name(Module&, Message& m, const VariableName&, const Value& value) {
    return set_name(m, m.sip.to(), as_text(m, value));
}

}  // namespace fairlead::pv
