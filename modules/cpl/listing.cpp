// A compiled script in words. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "modules/cpl/location_set.h"

namespace fairlead::cpl {

namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 3> kFields{"origin", "destination", "original-destination"};
constexpr std::array<std::string_view, 9> kSubfields{
    "", "address-type", "user", "host", "port", "tel", "display", "password", "unknown subfield"};
constexpr std::array<std::string_view, 4> kStrings{"subject", "organization", "user-agent",
                                                   "display"};
constexpr std::array<std::string_view, 9> kMatches{
    "not present", "is",           "contains", "is or is below", "", "",
    "less than",   "greater than", "equal to"};
constexpr std::array<std::string_view, 4> kPriorities{"non-urgent", "normal", "urgent",
                                                      "emergency"};
constexpr std::array<std::string_view, 3> kOrderings{"all at once", "one after the other",
                                                     "the first only"};
constexpr std::array<std::string_view, 3> kLookupOutputs{"success", "notfound", "failure"};
constexpr std::array<std::string_view, 5> kProxyOutputs{"busy", "noanswer", "redirection",
                                                        "failure", "default"};

std::string_view word(Words words, std::size_t n) {
    return n < words.size() ? words[n] : std::string_view("?");
}

std::string condition(Match match, std::string_view argument) {
    const std::string_view how = word(kMatches, static_cast<std::size_t>(match));
    switch (match) {
        case Match::not_present: return std::string(how);
        case Match::language: return std::string(argument);
        case Match::time: {
            const auto rule = read_rule(argument);
            return rule ? describe_rule(*rule) : "?";
        }
        case Match::less:
        case Match::greater: {
            const std::size_t level =
                argument.size() == 1 ? static_cast<unsigned char>(argument.front() - '0') : 99U;
            return fmt::format("{} {}", how, word(kPriorities, level));
        }
        default: break;
    }
    return fmt::format("{} \"{}\"", how, argument);
}

void read_switch(Reader& in, NodeText& node) {
    const unsigned count = in.u16();
    for (unsigned i = 0; i < count && in.ok(); ++i) {
        const Match match = in.code(Match::equal);
        const Target target = in.u32();
        node.outputs.push_back({condition(match, in.text()), target});
    }
    node.outputs.push_back({"otherwise", in.u32()});
}

void read_outputs(Reader& in, Words names, NodeText& node) {
    for (const std::string_view name : names) node.outputs.push_back({std::string(name), in.u32()});
}

std::string limit_text(unsigned seconds) {
    return seconds == 0 ? std::string() : fmt::format(" for at most {} s", seconds);
}

std::string proxy_title(Reader& in) {
    const unsigned timeout = in.u16();
    const auto recurse = in.code(Recurse::unsaid);
    const auto ordering = in.code(Ordering::first_only);
    const std::string_view follow = recurse == Recurse::no    ? ", redirections are not followed"
                                    : recurse == Recurse::yes ? ", redirections are followed"
                                                              : "";
    return fmt::format("proxy, {}{}{}", word(kOrderings, static_cast<std::size_t>(ordering)),
                       limit_text(timeout), follow);
}

std::string location_title(Reader& in) {
    const bool clear = in.u8() != 0;
    const std::uint16_t priority = in.u16();
    const std::string_view url = in.text();
    return fmt::format("location {}{}{}", url,
                       priority == 1000 ? "" : ", priority " + quality_text(priority),
                       clear ? ", in place of all others" : "");
}

std::string mail_title(Reader& in) {
    const std::string_view address = in.text(), subject = in.text(), body = in.text();
    return fmt::format("mail to {}{}{}", address,
                       subject.empty() ? "" : fmt::format(", subject \"{}\"", subject),
                       body.empty() ? "" : fmt::format(": \"{}\"", body));
}

std::string log_title(Reader& in) {
    const std::string_view name = in.text(), comment = in.text();
    return fmt::format("log{} \"{}\"", name.empty() ? "" : fmt::format(" {}:", name), comment);
}

std::string reject_title(Reader& in) {
    const unsigned code = in.u16();
    const std::string_view reason = in.text();
    return fmt::format("reject with {}{}", code,
                       reason.empty() ? "" : fmt::format(" \"{}\"", reason));
}

void read_node(Reader& in, NodeText& node) {
    const auto next = [&] { node.outputs.push_back({"", in.u32()}); };
    switch (node.op) {
        case Op::address_switch: {
            const auto field = in.code(AddressField::original_destination);
            const auto part = word(kSubfields, static_cast<std::size_t>(in.u8()));
            node.title =
                fmt::format("address {}{}{}", word(kFields, static_cast<std::size_t>(field)),
                            part.empty() ? "" : " ", part);
            return read_switch(in, node);
        }
        case Op::string_switch:
            node.title = word(kStrings, static_cast<std::size_t>(in.code(StringField::display)));
            return read_switch(in, node);
        case Op::language_switch: node.title = "language"; return read_switch(in, node);
        case Op::time_switch: {
            const std::string_view zone = in.text();
            node.title = zone.empty() ? "time" : fmt::format("time in {}", zone);
            return read_switch(in, node);
        }
        case Op::priority_switch: node.title = "priority"; return read_switch(in, node);
        case Op::location: node.title = location_title(in); return next();
        case Op::lookup: {
            const bool clear = in.u8() != 0;
            node.title = fmt::format("lookup of registrations{}{}", limit_text(in.u16()),
                                     clear ? ", in place of all others" : "");
            return read_outputs(in, kLookupOutputs, node);
        }
        case Op::remove_location: {
            const std::string_view url = in.text();
            node.title = fmt::format("remove {}", url.empty() ? "all locations" : url);
            return next();
        }
        case Op::proxy: node.title = proxy_title(in); return read_outputs(in, kProxyOutputs, node);
        case Op::redirect: node.title = in.u8() != 0 ? "redirect permanently" : "redirect"; return;
        case Op::reject: node.title = reject_title(in); return;
        case Op::mail: node.title = mail_title(in); return next();
        case Op::log: node.title = log_title(in); return next();
    }
    in.fail();
}

/// Writes one action of a script.
class Explanation {
public:
    Explanation(const Script& script, std::string& out)
        : script_(script), out_(out), shared_(shared_nodes(script)) {}

    void action(std::string_view name, Target target) {
        if (target == kAbsent) return;
        out_ += fmt::format("{}:\n", name);
        output(target, 1);
    }

private:
    void line(std::size_t depth, std::string_view text) {
        out_.append(2 * depth, ' ');
        out_ += text;
        out_ += '\n';
    }
    /// Straight ways stay at one depth; only switches and outputs go deeper.
    void output(Target target, std::size_t depth) {
        for (;;) {
            if (target <= kEmpty) return line(depth, "the default behaviour");
            const auto node = describe_node(script_, target);
            if (!node) return line(depth, "?");
            const auto found = std::ranges::find(shared_, target);
            const auto number = found - shared_.begin() + 1;
            if (found != shared_.end() && !shown_.emplace(target, true).second)
                return line(depth, fmt::format("go on at ({})", number));
            line(depth, found == shared_.end() ? node->title
                                               : fmt::format("({}) {}", number, node->title));
            if (node->outputs.empty()) return;
            if (!node->outputs.front().name.empty()) return outputs(*node, depth);
            target = node->outputs.front().target;
        }
    }
    void outputs(const NodeText& node, std::size_t depth) {
        for (const auto& [name, target] : node.outputs) {
            if (target == kAbsent) continue;
            line(depth + 1, name + ":");
            output(target, depth + 2);
        }
    }

    const Script& script_;
    std::string& out_;
    std::vector<Target> shared_;
    std::map<Target, bool> shown_;
};

}  // namespace

std::optional<NodeText> describe_node(const Script& script, Target at) {
    if (at < kHeaderSize || at >= script.bytes().size()) return std::nullopt;
    Reader in(script.bytes(), at);
    NodeText node;
    node.op = static_cast<Op>(in.u8());
    read_node(in, node);
    for (const auto& [name, target] : node.outputs)
        if (target >= at) in.fail();
    if (!in.ok()) return std::nullopt;
    return node;
}

std::vector<Target> shared_nodes(const Script& script) {
    std::map<Target, int, std::greater<>> uses;
    for (const Target top : {script.incoming(), script.outgoing()})
        if (top > kEmpty) ++uses[top];
    // Every node leads to lower places only, so all uses of one are known when its turn comes.
    for (auto it = uses.begin(); it != uses.end(); ++it) {
        const auto node = describe_node(script, it->first);
        if (!node) continue;
        for (const auto& [name, target] : node->outputs)
            if (target > kEmpty) ++uses[target];
    }
    std::vector<Target> shared;
    for (const auto& [target, count] : uses)
        if (count > 1) shared.push_back(target);
    return shared;
}

std::string explain(const Script& script) {
    std::string out;
    Explanation text(script, out);
    text.action("incoming", script.incoming());
    text.action("outgoing", script.outgoing());
    return out.empty() ? "Nothing: calls go on as if there were no script.\n" : out;
}

}  // namespace fairlead::cpl
