// textopsx: walking header fields and lines of the body.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "modules/textopsx/textopsx.h"

namespace fairlead::textopsx {

Textopsx::Iterator* Textopsx::find(Message& m, Iterators& all, std::string_view name) {
    if (m.slots[slot_] == generation_ && generation_ != 0 && !name.empty()) {
        for (Iterator& i : all) {
            if (i.name == name) return &i;
        }
    }
    LOG(error, "there is no iterator \"{}\"", name);
    return nullptr;
}

Verdict Textopsx::begin(Message& m, Iterators& all, std::string_view name) {
    if (m.slots[slot_] == 0 || m.slots[slot_] != generation_) {
        m.slots[slot_] = ++generation_;  // a message that was not asked about: all are free
        headers_.fill({});
        lines_.fill({});
    }
    const auto same = std::ranges::find(all, name, &Iterator::name);
    const auto place = same != all.end() ? same : std::ranges::find(all, "", &Iterator::name);
    if (name.empty() || place == all.end()) {
        LOG(error, "no iterator \"{}\": they have names, and there are {} at most", name,
            kMostIterators);
        return Verdict::no;
    }
    *place = {std::string(name), -1, 0};
    return Verdict::yes;
}

Verdict Textopsx::finish(Message& m, Iterators& all, std::string_view name) {
    Iterator* const i = find(m, all, name);
    if (i == nullptr) return Verdict::no;
    *i = {};
    return Verdict::yes;
}

const sip::Header* Textopsx::header(Message& m, std::string_view name) {
    const Iterator* const i = find(m, headers_, name);
    if (i == nullptr || i->at < 0) return nullptr;
    const auto all = m.sip.headers();
    const auto at = static_cast<std::size_t>(i->at);
    return at < all.size() ? &all[at] : nullptr;
}

Textopsx::Iterator* Textopsx::line(Message& m, std::string_view name) {
    Iterator* const i = find(m, lines_, name);
    if (i == nullptr || i->at < 0) return nullptr;
    return static_cast<std::size_t>(i->at) + i->size <= m.sip.body().size() ? i : nullptr;
}

// ---- Header fields ------------------------------------------------------------------------------

Verdict Textopsx::hf_start(Message& m, std::string_view name) {
    return begin(m, headers_, name);
}
Verdict Textopsx::hf_end(Message& m, std::string_view name) {
    return finish(m, headers_, name);
}
Verdict Textopsx::hf_next(Message& m, std::string_view name) {
    Iterator* const i = find(m, headers_, name);
    if (i == nullptr) return Verdict::no;
    const auto count = static_cast<std::ptrdiff_t>(m.sip.headers().size());
    i->at = std::min(i->at + 1, count);
    return Verdict::of(i->at < count);
}
Verdict Textopsx::hf_prev(Message& m, std::string_view name) {
    Iterator* const i = find(m, headers_, name);
    if (i == nullptr) return Verdict::no;
    i->at = std::max<std::ptrdiff_t>(i->at - 1, -1);
    return Verdict::of(i->at >= 0);
}
Verdict Textopsx::hf_remove(Message& m, std::string_view name) {
    const sip::Header* const h = header(m, name);
    return Verdict::of(h != nullptr && m.edits.remove(*h));
}
Verdict Textopsx::hf_append(Message& m, std::string_view name, std::string_view lines) {
    const sip::Header* const h = header(m, name);
    if (h == nullptr || !lines.ends_with("\r\n")) return Verdict::no;
    m.edits.insert_after(*h, lines);
    return Verdict::yes;
}
Verdict Textopsx::hf_insert(Message& m, std::string_view name, std::string_view lines) {
    const sip::Header* const h = header(m, name);
    if (h == nullptr || !lines.ends_with("\r\n")) return Verdict::no;
    m.edits.insert_before(*h, lines);
    return Verdict::yes;
}
Value Textopsx::hf_name(Message& m, std::string_view name) {
    const sip::Header* const h = header(m, name);
    return h != nullptr ? Value(m.sip.name(*h)) : Value();
}
Value Textopsx::hf_body(Message& m, std::string_view name) {
    const sip::Header* const h = header(m, name);
    return h != nullptr ? Value(m.sip.value(*h)) : Value();
}

// ---- Lines of the body --------------------------------------------------------------------------

Verdict Textopsx::bl_start(Message& m, std::string_view name) {
    return begin(m, lines_, name);
}
Verdict Textopsx::bl_end(Message& m, std::string_view name) {
    return finish(m, lines_, name);
}
Verdict Textopsx::bl_next(Message& m, std::string_view name) {
    Iterator* const i = find(m, lines_, name);
    if (i == nullptr) return Verdict::no;
    const std::string_view body = m.sip.body();
    const std::size_t from =
        std::min(i->at < 0 ? 0 : static_cast<std::size_t>(i->at) + i->size, body.size());
    const std::size_t end = body.find('\n', from);
    i->at = static_cast<std::ptrdiff_t>(from);
    i->size = (end == std::string_view::npos ? body.size() : end + 1) - from;
    return Verdict::of(i->size != 0);
}
Verdict Textopsx::bl_remove(Message& m, std::string_view name) {
    const Iterator* const i = line(m, name);
    if (i == nullptr || i->size == 0) return Verdict::no;
    return Verdict::of(
        m.edits.replace(m.sip.frame().body_offset + static_cast<std::uint32_t>(i->at),
                        static_cast<std::uint32_t>(i->size), {}));
}
Verdict Textopsx::bl_append(Message& m, std::string_view name, std::string_view text) {
    const Iterator* const i = line(m, name);
    if (i == nullptr) return Verdict::no;
    m.edits.insert(m.sip.frame().body_offset +
                       static_cast<std::uint32_t>(static_cast<std::size_t>(i->at) + i->size),
                   text);
    return Verdict::yes;
}
Verdict Textopsx::bl_insert(Message& m, std::string_view name, std::string_view text) {
    const Iterator* const i = line(m, name);
    if (i == nullptr) return Verdict::no;
    m.edits.insert(m.sip.frame().body_offset + static_cast<std::uint32_t>(i->at), text);
    return Verdict::yes;
}
Value Textopsx::bl_value(Message& m, std::string_view name) {
    const Iterator* const i = line(m, name);
    return i != nullptr && i->size != 0
               ? Value(m.sip.body().substr(static_cast<std::size_t>(i->at), i->size))
               : Value();
}

}  // namespace fairlead::textopsx
