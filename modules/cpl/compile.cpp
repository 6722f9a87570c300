// Compilation of CPL: structure, and every node besides time. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/compile.h"

#include <fmt/format.h>

#include "modules/cpl/compiler.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

namespace {

constexpr std::size_t kMaxScript = std::size_t{1} << 22U;

}  // namespace

// ---- Structure (RFC 3880 2, 8, 9) ---------------------------------------------------------------

bool Compiler::no_children(const Element& element) {
    if (element.children.empty()) return true;
    refuse(element.children.front(), "RFC 3880 2",
           fmt::format("{} contains nothing", element.name));
    return false;
}

Target Compiler::output(const Element& parent) {
    if (parent.children.empty()) return kEmpty;
    if (parent.children.size() > 1)
        refuse(parent.children[1], "RFC 3880 2",
               fmt::format("{} contains more than one node", parent.name));
    return node(parent.children.front());
}

Target Compiler::node(const Element& element) {
    for (const NodeRow& row : kNodes)
        if (row.name == element.name) return (this->*row.compile)(element);
    refuse(element, "RFC 3880 2", fmt::format("{} is not a node of CPL", element.name));
    return kEmpty;
}

Target Compiler::node_sub(const Element& element) {
    Attributes given(*this, element, {"ref"});
    const std::string ref = given.required("ref");
    no_children(element);
    const auto found = subactions_.find(ref);
    if (found != subactions_.end()) return found->second;
    if (!ref.empty())
        refuse(element, "RFC 3880 8",
               fmt::format("subaction \"{}\" is not defined before this place", ref));
    return kEmpty;
}

void Compiler::subaction(const Element& element) {
    Attributes given(*this, element, {"id"});
    const std::string id = given.required("id");
    // Known only behind its end: so it cannot lead back to itself.
    const Target target = output(element);
    if (!id.empty() && !subactions_.emplace(id, target).second)
        refuse(element, "RFC 3880 8", fmt::format("a second subaction \"{}\"", id));
}

void Compiler::top_action(const Element& element, Target& target) {
    Attributes(*this, element, {});
    if (target != kAbsent) refuse(element, "RFC 3880 9", fmt::format("a second {}", element.name));
    target = output(element);
}

void Compiler::root(const Element& cpl) {
    enum Stage : std::uint8_t { ancillary, subactions, actions };
    Stage stage = ancillary;
    bool first = true;
    Attributes(*this, cpl, {});
    if (cpl.name != "cpl")
        return refuse(cpl, "RFC 3880 2", fmt::format("the root element is {}, not cpl", cpl.name));
    for (const Element& child : cpl.children) {
        const bool late = stage == actions;
        if (child.name == "ancillary") {
            if (!first) refuse(child, "RFC 3880 7", "ancillary must be the first element");
            Attributes(*this, child, {});
            no_children(child);
        } else if (child.name == "subaction") {
            if (late) refuse(child, "RFC 3880 8", "subactions stand before incoming and outgoing");
            subaction(child);
        } else if (child.name == "incoming" || child.name == "outgoing") {
            stage = actions;
            top_action(child, child.name == "incoming" ? incoming_ : outgoing_);
        } else {
            refuse(child, "RFC 3880 2", fmt::format("{} is not allowed in cpl", child.name));
        }
        first = false;
    }
}

// ---- Locations (RFC 3880 5) ---------------------------------------------------------------------

Target Compiler::node_location(const Element& element) {
    Attributes given(*this, element, {"url", "priority", "clear"});
    const std::string url = given.required("url");
    if (!url.empty() && !is_uri(url))
        refuse(element, "RFC 3880 5.1", fmt::format("url \"{}\" is not a URI", url));
    const std::uint16_t priority = given.priority();
    const bool clear = given.yes("clear", "RFC 3880 5.1", false);
    const Target next = output(element);
    const Target here = begin(Op::location);
    out_.u8(clear ? 1 : 0).u16(priority).text(url).u32(next);
    return here;
}

Target Compiler::node_lookup(const Element& element) {
    Attributes given(*this, element, {"source", "timeout", "clear", "use", "ignore"});
    const std::string source = given.required("source");
    if (!source.empty() && !text::ci_equal(source, "registration"))
        refuse(element, "RFC 3880 5.2",
               "source must be registration; this server does not look up URIs");
    for (const char* old : {"use", "ignore"})
        if (given.has(old))
            refuse(element, "RFC 3880 5.2",
                   fmt::format("{} was dropped from CPL and is not supported", old));
    const unsigned timeout = given.seconds("timeout", "RFC 3880 5.2", 30);
    const bool clear = given.yes("clear", "RFC 3880 5.2", false);
    const auto to = outputs(element, {"success", "notfound", "failure"});
    const Target here = begin(Op::lookup);
    out_.u8(clear ? 1 : 0).u16(timeout).u32(to[0]).u32(to[1]).u32(to[2]);
    return here;
}

Target Compiler::node_remove_location(const Element& element) {
    Attributes given(*this, element, {"location", "param", "value"});
    for (const char* old : {"param", "value"})
        if (given.has(old))
            refuse(element, "RFC 3880 5.3",
                   fmt::format("{} was dropped from CPL and is not supported", old));
    const std::string url = given.optional("location");
    if (!url.empty() && !is_uri(url))
        refuse(element, "RFC 3880 5.3", fmt::format("location \"{}\" is not a URI", url));
    const Target next = output(element);
    const Target here = begin(Op::remove_location);
    out_.text(url).u32(next);
    return here;
}

// ---- Signalling (RFC 3880 6) --------------------------------------------------------------------

Target Compiler::node_proxy(const Element& element) {
    constexpr std::string_view kRule = "RFC 3880 6.1";
    Attributes given(*this, element, {"timeout", "recurse", "ordering"});
    if (!limits_.proxy)
        refuse(element, kRule, "this server does not run proxy nodes; redirect is possible");
    const unsigned timeout = given.seconds("timeout", kRule, 0);
    const Recurse recurse = !given.has("recurse")               ? Recurse::unsaid
                            : given.yes("recurse", kRule, true) ? Recurse::yes
                                                                : Recurse::no;
    const int ordering =
        given.word("ordering", kRule, {"parallel", "sequential", "first-only"}).value_or(0);
    const auto to = outputs(element, {"busy", "noanswer", "redirection", "failure", "default"});
    const Target here = begin(Op::proxy);
    out_.u16(timeout).code(recurse).u8(static_cast<unsigned>(ordering));
    for (const Target target : to) out_.u32(target);
    return here;
}

Target Compiler::node_redirect(const Element& element) {
    Attributes given(*this, element, {"permanent"});
    const bool permanent = given.yes("permanent", "RFC 3880 6.2", false);
    no_children(element);
    const Target here = begin(Op::redirect);
    out_.u8(permanent ? 1 : 0);
    return here;
}

Target Compiler::node_reject(const Element& element) {
    Attributes given(*this, element, {"status", "reason"});
    const std::string status = given.required("status");
    constexpr std::array<std::pair<std::string_view, unsigned>, 4> kNames{
        {{"busy", 486}, {"notfound", 404}, {"reject", 603}, {"error", 500}}};
    unsigned code = static_cast<unsigned>(text::parse_uint(status, 699).value_or(0));
    for (const auto& [name, number] : kNames)
        if (text::ci_equal(name, status)) code = number;
    if (code < 400 && !status.empty())
        refuse(
            element, "RFC 3880 6.3",
            fmt::format("status \"{}\" is neither busy, notfound, reject, error nor a number from "
                        "400 to 699",
                        status));
    no_children(element);
    std::string reason = without_controls(given.raw("reason"));
    // RFC 3880 6.3 names this phrase; RFC 3261 has another one for 500.
    if (reason.empty() && text::ci_equal(status, "error")) reason = "Internal Server Error";
    const Target here = begin(Op::reject);
    out_.u16(code).text(reason);
    return here;
}

// ---- Other actions (RFC 3880 7) -----------------------------------------------------------------

Target Compiler::node_mail(const Element& element) {
    Attributes given(*this, element, {"url"});
    const std::string url = given.required("url");
    const auto mail = parse_mailto(url);
    if (!mail && !url.empty()) refuse(element, "RFC 3880 7.1", fmt::format("url {}", mail.error()));
    const Target next = output(element);
    const Target here = begin(Op::mail);
    const Mail to = mail.value_or(Mail());
    out_.text(to.address).text(to.subject).text(to.body).u32(next);
    return here;
}

Target Compiler::node_log(const Element& element) {
    Attributes given(*this, element, {"name", "comment"});
    const std::string name = without_controls(given.raw("name"));
    const std::string comment = without_controls(given.raw("comment"));
    const Target next = output(element);
    const Target here = begin(Op::log);
    out_.text(name).text(comment).u32(next);
    return here;
}

// ---- The whole ----------------------------------------------------------------------------------

std::optional<std::string> Compiler::compile(const Element& cpl, std::uint64_t source_hash) {
    out_.bytes().assign(kHeaderSize, '\0');
    root(cpl);
    std::string& bytes = out_.bytes();
    if (bytes.size() > kMaxScript) refuse(cpl, "limit", "the script is too large when compiled");
    if (!faults_.empty()) return std::nullopt;
    seal(bytes, incoming_, outgoing_, source_hash);
    return std::move(bytes);
}

std::optional<std::string> compile(std::string_view xml, const Limits& limits, Faults& faults) {
    const auto root = read_document(xml, limits, faults);
    if (!root) return std::nullopt;
    return Compiler(limits, faults).compile(*root, hash_of(xml));
}

}  // namespace fairlead::cpl
