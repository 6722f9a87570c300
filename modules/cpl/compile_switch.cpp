// Compilation of CPL: switches (RFC 3880 4) and attributes. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "modules/cpl/compiler.h"
#include "modules/cpl/texts.h"
#include "modules/cpl/zone.h"

namespace fairlead::cpl {

const std::array<Compiler::NodeRow, 14> Compiler::kNodes{{
    {"address-switch", &Compiler::node_address_switch},
    {"string-switch", &Compiler::node_string_switch},
    {"language-switch", &Compiler::node_language_switch},
    {"time-switch", &Compiler::node_time_switch},
    {"priority-switch", &Compiler::node_priority_switch},
    {"location", &Compiler::node_location},
    {"lookup", &Compiler::node_lookup},
    {"remove-location", &Compiler::node_remove_location},
    {"proxy", &Compiler::node_proxy},
    {"redirect", &Compiler::node_redirect},
    {"reject", &Compiler::node_reject},
    {"mail", &Compiler::node_mail},
    {"log", &Compiler::node_log},
    {"sub", &Compiler::node_sub},
}};

// ---- Attributes ---------------------------------------------------------------------------------

Attributes::Attributes(Compiler& compiler, const Element& element,
                       std::initializer_list<std::string_view> allowed)
    : compiler_(compiler), element_(element) {
    for (const Attribute& attribute : element.attributes)
        if (std::ranges::find(allowed, attribute.name) == allowed.end())
            compiler.refuse(element, "RFC 3880 2",
                            fmt::format("{} has no attribute {}", element.name, attribute.name));
}

const Attribute* Attributes::find(std::string_view name) const {
    const auto found = std::ranges::find(element_.attributes, name, &Attribute::name);
    return found == element_.attributes.end() ? nullptr : &*found;
}

std::string Attributes::optional(std::string_view name) {
    const std::string_view value = text::trim(raw(name));
    if (value.empty() && has(name))
        compiler_.refuse(element_, "RFC 3880 2", fmt::format("attribute {} is empty", name));
    return std::string(value);
}

std::string Attributes::required(std::string_view name) {
    if (!has(name))
        compiler_.refuse(element_, "RFC 3880 2",
                         fmt::format("{} must have the attribute {}", element_.name, name));
    return optional(name);
}

std::optional<int> Attributes::word(std::string_view name, std::string_view rule,
                                    std::initializer_list<std::string_view> words) {
    const std::string value = optional(name);
    if (value.empty()) return std::nullopt;
    const auto found = std::ranges::find_if(
        words, [&](std::string_view known) { return text::ci_equal(known, value); });
    if (found != words.end()) return static_cast<int>(found - words.begin());
    compiler_.refuse(element_, rule,
                     fmt::format("{} is \"{}\", which is none of {}", name, value,
                                 fmt::join(words.begin(), words.end(), ", ")));
    return std::nullopt;
}

unsigned Attributes::seconds(std::string_view name, std::string_view rule, unsigned otherwise) {
    const std::string value = optional(name);
    if (value.empty()) return otherwise;
    const auto number = text::parse_uint(value, 65535);
    if (number && *number > 0) return static_cast<unsigned>(*number);
    compiler_.refuse(element_, rule,
                     fmt::format("{} is not a number of seconds from 1 to 65535", name));
    return otherwise;
}

std::uint16_t Attributes::priority() {
    const std::string value = optional("priority");
    if (value.empty()) return 1000;
    double number = -1;
    const char* const end = value.data() + value.size();
    const auto [last, error] = std::from_chars(value.data(), end, number);
    if (error == std::errc() && last == end && number >= 0.0 && number <= 1.0)
        return static_cast<std::uint16_t>(std::lround(number * 1000));
    compiler_.refuse(element_, "RFC 3880 5.1", "priority is not a number from 0.0 to 1.0");
    return 1000;
}

// ---- Switches in general ------------------------------------------------------------------------

std::array<Target, 5> Compiler::outputs(const Element& parent,
                                        std::initializer_list<std::string_view> names) {
    std::array<Target, 5> targets{};
    for (const Element& child : parent.children) {
        const auto found = std::ranges::find(names, child.name);
        if (found == names.end()) {
            refuse(child, "RFC 3880 2",
                   fmt::format("{} is not an output of {}", child.name, parent.name));
            continue;
        }
        Attributes(*this, child, {});
        Target& target = targets[static_cast<std::size_t>(found - names.begin())];
        if (target != kAbsent) refuse(child, "RFC 3880 2", fmt::format("a second {}", child.name));
        target = output(child);
    }
    return targets;
}

Compiler::Conditions Compiler::conditions(const Element& parent, std::string_view name,
                                          ReadMatch read) {
    Conditions found;
    bool has_not_present = false, has_otherwise = false;
    // The switches inside have fields of their own.
    const Subfield subfield = subfield_;
    const Zone zone = zone_;
    for (const Element& child : parent.children) {
        if (has_otherwise) refuse(child, "RFC 3880 4", "otherwise must be last");
        if (child.name == "otherwise") {
            Attributes(*this, child, {});
            has_otherwise = true;
            found.otherwise = output(child);
        } else if (child.name == "not-present") {
            Attributes(*this, child, {});
            if (has_not_present) refuse(child, "RFC 3880 4", "a second not-present");
            has_not_present = true;
            found.all.push_back({Match::not_present, output(child), {}});
        } else if (child.name == name) {
            auto match = (this->*read)(child);
            const Target target = output(child);
            if (match) found.all.push_back({match->first, target, std::move(match->second)});
        } else {
            refuse(child, "RFC 3880 4",
                   fmt::format("{} is not allowed in {}", child.name, parent.name));
        }
        subfield_ = subfield;
        zone_ = zone;
    }
    return found;
}

void Compiler::write(const Conditions& conditions) {
    out_.u16(conditions.all.size());
    for (const Condition& condition : conditions.all)
        out_.code(condition.match).u32(condition.target).text(condition.argument);
    out_.u32(conditions.otherwise);
}

// ---- address-switch (RFC 3880 4.1) --------------------------------------------------------------

std::optional<std::pair<Match, std::string>> Compiler::match_address(const Element& element) {
    constexpr std::string_view kRule = "RFC 3880 4.1";
    Attributes given(*this, element, {"is", "contains", "subdomain-of"});
    if (element.attributes.size() != 1) {
        refuse(element, kRule, "address must have exactly one of is, contains and subdomain-of");
        return std::nullopt;
    }
    const std::string& name = element.attributes.front().name;
    const std::string argument = given.optional(name);
    if (argument.empty()) return std::nullopt;
    const bool unknown = subfield_ == Subfield::unknown;
    if (name == "contains" && subfield_ != Subfield::display && !unknown)
        refuse(element, kRule, "contains goes with the subfield display only");
    if (name == "subdomain-of" && subfield_ != Subfield::host && subfield_ != Subfield::tel &&
        !unknown)
        refuse(element, kRule, "subdomain-of goes with the subfields host and tel only");
    const Match match = name == "is"         ? Match::is
                        : name == "contains" ? Match::contains
                                             : Match::subdomain_of;
    return std::pair(match, subfield_ == Subfield::display ? fold(argument)
                            : subfield_ == Subfield::tel   ? telephone(argument).value_or(argument)
                                                           : argument);
}

Target Compiler::node_address_switch(const Element& element) {
    Attributes given(*this, element, {"field", "subfield"});
    static_cast<void>(given.required("field"));
    const int field =
        given.word("field", "RFC 3880 4.1", {"origin", "destination", "original-destination"})
            .value_or(0);
    const std::string subfield = given.optional("subfield");
    constexpr std::array<std::string_view, 8> kSubfields{
        "", "address-type", "user", "host", "port", "tel", "display", "password"};
    const auto* const found = std::ranges::find_if(
        kSubfields, [&](std::string_view known) { return text::ci_equal(known, subfield); });
    subfield_ = static_cast<Subfield>(found - kSubfields.begin());  // behind the last: unknown
    const Subfield own = subfield_;
    const Conditions all = conditions(element, "address", &Compiler::match_address);
    const Target here = begin(Op::address_switch);
    out_.u8(static_cast<unsigned>(field)).code(own);
    write(all);
    return here;
}

// ---- string-switch, language-switch, priority-switch (RFC 3880 4.2, 4.3, 4.5) -------------------

std::optional<std::pair<Match, std::string>> Compiler::match_string(const Element& element) {
    Attributes given(*this, element, {"is", "contains"});
    if (element.attributes.size() != 1) {
        refuse(element, "RFC 3880 4.2", "string must have exactly one of is and contains");
        return std::nullopt;
    }
    const std::string& name = element.attributes.front().name;
    const std::string argument = given.optional(name);
    if (argument.empty()) return std::nullopt;
    return std::pair(name == "is" ? Match::is : Match::contains, fold(argument));
}

Target Compiler::node_string_switch(const Element& element) {
    Attributes given(*this, element, {"field"});
    static_cast<void>(given.required("field"));
    const int field =
        given.word("field", "RFC 3880 4.2", {"subject", "organization", "user-agent", "display"})
            .value_or(0);
    const Conditions all = conditions(element, "string", &Compiler::match_string);
    const Target here = begin(Op::string_switch);
    out_.u8(static_cast<unsigned>(field));
    write(all);
    return here;
}

std::optional<std::pair<Match, std::string>> Compiler::match_language(const Element& element) {
    Attributes given(*this, element, {"matches"});
    std::string tag = given.required("matches");
    if (tag.empty()) return std::nullopt;
    if (!is_language_tag(tag))
        refuse(element, "RFC 3880 4.3", fmt::format("\"{}\" is not a language tag", tag));
    return std::pair(Match::language, std::move(tag));
}

Target Compiler::node_language_switch(const Element& element) {
    Attributes(*this, element, {});
    const Conditions all = conditions(element, "language", &Compiler::match_language);
    const Target here = begin(Op::language_switch);
    write(all);
    return here;
}

std::optional<std::pair<Match, std::string>> Compiler::match_priority(const Element& element) {
    constexpr std::string_view kRule = "RFC 3880 4.5";
    Attributes given(*this, element, {"less", "greater", "equal"});
    if (element.attributes.size() != 1) {
        refuse(element, kRule, "priority must have exactly one of less, greater and equal");
        return std::nullopt;
    }
    const std::string& name = element.attributes.front().name;
    if (name == "equal") {
        std::string argument = given.optional(name);
        if (argument.empty()) return std::nullopt;
        return std::pair(Match::equal, std::move(argument));
    }
    const auto level = given.word(name, kRule, {"non-urgent", "normal", "urgent", "emergency"});
    if (!level) return std::nullopt;
    return std::pair(name == "less" ? Match::less : Match::greater,
                     std::string(1, static_cast<char>('0' + *level)));
}

Target Compiler::node_priority_switch(const Element& element) {
    Attributes(*this, element, {});
    const Conditions all = conditions(element, "priority", &Compiler::match_priority);
    const Target here = begin(Op::priority_switch);
    write(all);
    return here;
}

// ---- time-switch (RFC 3880 4.4) -----------------------------------------------------------------

std::string Compiler::zone_of(const Element& element) {
    Attributes given(*this, element, {"tzid", "tzurl"});
    const std::string tzid = given.optional("tzid"), tzurl = given.optional("tzurl");
    if (!tzid.empty()) {
        if (const auto name = Zone::known_name(tzid)) return std::string(*name);
        refuse(element, "RFC 3880 4.4", fmt::format("time zone \"{}\" is not known", tzid));
        return {};
    }
    if (tzurl.empty()) return {};
    // It is never fetched; but its path usually ends in the zone's name.
    const std::size_t scheme = tzurl.find("//");
    const std::size_t path = tzurl.find('/', scheme == tzurl.npos ? 0 : scheme + 2);
    std::string_view tail =
        path == tzurl.npos ? std::string_view() : std::string_view(tzurl).substr(path);
    if (tail.ends_with(".ics")) tail.remove_suffix(4);
    if (const auto name = Zone::known_name(tail); name && !tail.empty()) return std::string(*name);
    refuse(element, "RFC 3880 4.4",
           "tzurl does not end in the name of a known time zone; give tzid as well");
    return {};
}

std::optional<std::pair<Match, std::string>> Compiler::match_time(const Element& element) {
    Attributes given(*this, element,
                     {"dtstart", "dtend", "duration", "freq", "interval", "until", "count",
                      "bysecond", "byminute", "byhour", "byday", "bymonthday", "byyearday",
                      "byweekno", "bymonth", "wkst", "bysetpos"});
    for (const Attribute& attribute : element.attributes)
        static_cast<void>(given.optional(attribute.name));
    const auto get = [&](std::string_view name) { return text::trim(given.raw(name)); };
    const TimeText text{get("dtstart"),   get("dtend"),    get("duration"), get("freq"),
                        get("interval"),  get("until"),    get("count"),    get("bysecond"),
                        get("byminute"),  get("byhour"),   get("byday"),    get("bymonthday"),
                        get("byyearday"), get("byweekno"), get("bymonth"),  get("wkst"),
                        get("bysetpos")};
    const auto rule = parse_rule(text, zone_, time_steps_);
    if (rule) return std::pair(Match::time, write_rule(*rule));
    refuse(element, "RFC 3880 4.4",
           fmt::format("{} {}", rule.error().attribute, rule.error().text));
    return std::nullopt;
}

Target Compiler::node_time_switch(const Element& element) {
    const std::string name = zone_of(element);
    zone_ = name.empty() ? Zone::server() : Zone::find(name).value_or(Zone::server());
    const Conditions all = conditions(element, "time", &Compiler::match_time);
    const Target here = begin(Op::time_switch);
    out_.text(name);
    write(all);
    return here;
}

}  // namespace fairlead::cpl
