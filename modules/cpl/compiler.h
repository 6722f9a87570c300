// The state of one compilation; private to the sources that make it up.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/cpl/document.h"
#include "modules/cpl/fault.h"
#include "modules/cpl/script.h"

namespace fairlead::cpl {

class Compiler;

/// The attributes of one element. Refuses those that the element does not have, and empty ones.
class Attributes {
public:
    Attributes(Compiler& compiler, const Element& element,
               std::initializer_list<std::string_view> allowed);

    [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
    /// As written; "" when absent.
    [[nodiscard]] std::string_view raw(std::string_view name) const {
        const Attribute* found = find(name);
        return found == nullptr ? std::string_view() : std::string_view(found->value);
    }
    /// Trimmed; "" when absent. An empty one is refused.
    [[nodiscard]] std::string optional(std::string_view name);
    /// The same, but refused when absent.
    [[nodiscard]] std::string required(std::string_view name);
    /// The number of the word among `words`, without case; nullopt when absent or refused.
    [[nodiscard]] std::optional<int> word(std::string_view name, std::string_view rule,
                                          std::initializer_list<std::string_view> words);
    [[nodiscard]] bool yes(std::string_view name, std::string_view rule, bool otherwise) {
        return word(name, rule, {"no", "yes"}).value_or(otherwise ? 1 : 0) == 1;
    }
    /// From 1 to 65535.
    [[nodiscard]] unsigned seconds(std::string_view name, std::string_view rule,
                                   unsigned otherwise);
    /// From 0.0 to 1.0, in thousandths.
    [[nodiscard]] std::uint16_t priority();

private:
    [[nodiscard]] const Attribute* find(std::string_view name) const;

    Compiler& compiler_;
    const Element& element_;
};

class Compiler {
public:
    Compiler(const Limits& limits, Faults& faults) : limits_(limits), faults_(faults) {}
    std::optional<std::string> compile(const Element& cpl, std::uint64_t source_hash);
    void refuse(const Element& at, std::string_view rule, std::string text) {
        faults_.add({at.line, at.column, rule, std::move(text)});
    }

private:
    struct Condition {
        Match match;
        Target target;
        std::string argument;
    };
    struct Conditions {
        std::vector<Condition> all;
        Target otherwise = kAbsent;
    };
    /// Compiles one condition's match and argument.
    using ReadMatch = std::optional<std::pair<Match, std::string>> (Compiler::*)(const Element&);

    void root(const Element& cpl);
    void subaction(const Element& element);
    void top_action(const Element& element, Target& target);
    bool no_children(const Element& element);
    Target output(const Element& parent);
    Target node(const Element& element);
    /// The outputs of lookup and proxy, by name, each at most once and in any order.
    std::array<Target, 5> outputs(const Element& parent,
                                  std::initializer_list<std::string_view> names);
    /// The conditions of a switch; `name` is their element.
    Conditions conditions(const Element& parent, std::string_view name, ReadMatch read);
    void write(const Conditions& conditions);
    Target begin(Op op) {
        const Target here = out_.here();
        out_.code(op);
        return here;
    }
    static bool is_uri(std::string_view text) { return sip::parse_uri(text).has_value(); }

    std::optional<std::pair<Match, std::string>> match_address(const Element& element);
    std::optional<std::pair<Match, std::string>> match_string(const Element& element);
    std::optional<std::pair<Match, std::string>> match_language(const Element& element);
    std::optional<std::pair<Match, std::string>> match_time(const Element& element);
    std::optional<std::pair<Match, std::string>> match_priority(const Element& element);

    Target node_address_switch(const Element& element);
    Target node_string_switch(const Element& element);
    Target node_language_switch(const Element& element);
    Target node_time_switch(const Element& element);
    Target node_priority_switch(const Element& element);
    Target node_location(const Element& element);
    Target node_lookup(const Element& element);
    Target node_remove_location(const Element& element);
    Target node_proxy(const Element& element);
    Target node_redirect(const Element& element);
    Target node_reject(const Element& element);
    Target node_mail(const Element& element);
    Target node_log(const Element& element);
    Target node_sub(const Element& element);
    /// The zone of a time-switch: its name, "" for the server's.
    std::string zone_of(const Element& element);

    struct NodeRow {
        std::string_view name;
        Target (Compiler::*compile)(const Element&);
    };
    static const std::array<NodeRow, 14> kNodes;

    const Limits& limits_;
    Faults& faults_;
    Writer out_;
    Target incoming_ = kAbsent, outgoing_ = kAbsent;
    std::map<std::string, Target> subactions_;
    Subfield subfield_ = Subfield::whole;  ///< of the address-switch being compiled
    Zone zone_ = Zone::server();           ///< of the time-switch being compiled
    int time_steps_ = kScriptSteps;
};

}  // namespace fairlead::cpl
