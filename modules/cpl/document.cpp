// Reading of CPL documents. libxml2 never sees a DOCTYPE: it is blanked out before, so that nothing
// can be declared, loaded or expanded. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/document.h"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "core/api/text.h"

namespace fairlead::cpl {

namespace {

constexpr std::string_view kNamespace = "urn:ietf:params:xml:ns:cpl";
constexpr std::string_view kInstance = "http://www.w3.org/2001/XMLSchema-instance";
constexpr std::string_view kXml = "http://www.w3.org/XML/1998/namespace";
constexpr std::string_view kWellFormed = "XML 1.0";
constexpr std::string_view kLimit = "limit";

struct Place {
    int line = 1, column = 1;
};

Place place_of(std::string_view xml, std::size_t at) {
    const std::string_view before = xml.substr(0, at);
    const std::size_t line_feed = before.rfind('\n');
    const auto lines = std::ranges::count(before, '\n');
    const std::size_t column = line_feed == before.npos ? at : at - line_feed - 1;
    return {static_cast<int>(lines) + 1, static_cast<int>(column) + 1};
}

/// Behind `end`, looked for from `at` on; npos when it is not there.
std::size_t behind(std::string_view xml, std::size_t at, std::string_view end) {
    const std::size_t found = xml.find(end, at);
    return found == xml.npos ? found : found + end.size();
}

/// Behind the comment, processing instruction or CDATA section at `at`; `at` when there is none.
std::size_t behind_aside(std::string_view xml, std::size_t at) {
    const std::string_view rest = xml.substr(at);
    if (rest.starts_with("<!--")) return behind(xml, at + 4, "-->");
    if (rest.starts_with("<?")) return behind(xml, at, "?>");
    if (rest.starts_with("<![CDATA[")) return behind(xml, at, "]]>");
    return at;
}

/// Where the document type declaration stands, with its end; npos as its begin when there is none.
struct Doctype {
    std::size_t begin = std::string_view::npos, end = 0;
    bool has_subset = false;
};
Doctype find_doctype(std::string_view xml) {
    std::size_t at = xml.starts_with("\xef\xbb\xbf") ? 3 : 0;
    for (;;) {
        while (at < xml.size() && text::is_space(xml[at])) ++at;
        const std::size_t next = at < xml.size() ? behind_aside(xml, at) : xml.npos;
        if (next == xml.npos) return {};
        if (next == at) break;
        at = next;
    }
    if (!xml.substr(at).starts_with("<!DOCTYPE")) return {};
    char quote = 0;
    for (std::size_t i = at; i < xml.size(); ++i) {
        if (quote != 0) {
            if (xml[i] == quote) quote = 0;
        } else if (xml[i] == '"' || xml[i] == '\'') {
            quote = xml[i];
        } else if (xml[i] == '[') {
            return {at, i, true};
        } else if (xml[i] == '>') {
            return {at, i + 1, false};
        }
    }
    return {};
}

/// The encoding that the XML declaration names; "" when it names none.
std::string_view declared_encoding(std::string_view xml) {
    if (xml.starts_with("\xef\xbb\xbf")) xml.remove_prefix(3);
    if (!xml.starts_with("<?xml")) return {};
    xml = xml.substr(0, xml.find("?>"));
    const std::size_t at = xml.find("encoding");
    const std::size_t quote = at == xml.npos ? at : xml.find_first_of("\"'", at);
    if (quote == xml.npos) return {};
    const std::size_t end = xml.find(xml[quote], quote + 1);
    return xml.substr(quote + 1, end == xml.npos ? end : end - quote - 1);
}

bool is_known_encoding(std::string_view name) {
    return name.empty() ||
           std::ranges::any_of(
               std::initializer_list<std::string_view>{"utf-8", "utf8", "us-ascii", "ascii",
                                                       "iso-8859-1"},
               [name](std::string_view known) { return text::ci_equal(known, name); });
}

/// Where each start tag of a well-formed document without DOCTYPE begins, in order.
std::vector<Place> places_of_tags(std::string_view xml) {
    std::vector<Place> places;
    Place now;
    std::size_t line_begin = 0;
    for (std::size_t at = 0, counted = 0; (at = xml.find('<', at)) < xml.size();) {
        for (; counted < at; ++counted) {
            if (xml[counted] != '\n') continue;
            ++now.line;
            line_begin = counted + 1;
        }
        now.column = static_cast<int>(at - line_begin) + 1;
        const std::size_t next = behind_aside(xml, at);
        if (next == at && !xml.substr(at).starts_with("</")) places.push_back(now);
        if (next == xml.npos) break;
        at = next == at ? at + 1 : next;
    }
    return places;
}

std::string text_of(const xmlChar* s) {
    return s == nullptr ? std::string() : std::string(s, s + xmlStrlen(s));
}

struct FreeDocument {
    void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
struct FreeContext {
    void operator()(xmlParserCtxt* context) const { xmlFreeParserCtxt(context); }
};
struct FreeText {
    void operator()(xmlChar* s) const { xmlFree(s); }
};

/// Turns libxml2's tree into ours.
class Converter {
public:
    Converter(const Limits& limits, std::vector<Place> places, Faults& faults)
        : limits_(limits), places_(std::move(places)), faults_(faults) {}

    bool convert(xmlNode& from, Element& to, int depth);

private:
    bool refuse(const Element& at, std::string_view rule, std::string text) {
        faults_.add({at.line, at.column, rule, std::move(text)});
        return false;
    }
    bool check_namespaces(const xmlNode& from, const Element& at);
    bool take_attributes(const xmlNode& from, Element& to);
    bool take_children(const xmlNode& from, Element& to, int depth);

    const Limits& limits_;
    std::vector<Place> places_;
    Faults& faults_;
    std::size_t seen_ = 0;
};

bool Converter::check_namespaces(const xmlNode& from, const Element& at) {
    // RFC 3880 11: a script that names an extension which is not understood must be rejected.
    for (const xmlNs* ns = from.nsDef; ns != nullptr; ns = ns->next) {
        const std::string uri = text_of(ns->href);
        if (!uri.empty() && uri != kNamespace && uri != kInstance && uri != kXml)
            return refuse(at, "RFC 3880 11", fmt::format("namespace {} is not understood", uri));
    }
    const std::string uri = from.ns == nullptr ? std::string() : text_of(from.ns->href);
    if (uri.empty() || uri == kNamespace) return true;
    return refuse(at, "RFC 3880 11",
                  fmt::format("element {} is not in CPL's namespace but in {}", at.name, uri));
}

bool Converter::take_attributes(const xmlNode& from, Element& to) {
    for (const xmlAttr* attribute = from.properties; attribute != nullptr;
         attribute = attribute->next) {
        std::string name = text_of(attribute->name);
        if (attribute->ns != nullptr) {
            const std::string uri = text_of(attribute->ns->href);
            if (uri == kInstance || uri == kXml) continue;
            return refuse(to, "RFC 3880 11",
                          fmt::format("attribute {} of another namespace is not understood", name));
        }
        const std::unique_ptr<xmlChar, FreeText> value(
            xmlNodeListGetString(from.doc, attribute->children, 1));
        std::string text = text_of(value.get());
        if (text.size() > limits_.attribute)
            return refuse(
                to, kLimit,
                fmt::format("attribute {} has more than {} bytes", name, limits_.attribute));
        to.attributes.push_back({std::move(name), std::move(text)});
    }
    return true;
}

bool Converter::take_children(const xmlNode& from, Element& to, int depth) {
    for (xmlNode* child = from.children; child != nullptr; child = child->next) {
        switch (child->type) {
            case XML_COMMENT_NODE:
            case XML_PI_NODE: break;
            case XML_ELEMENT_NODE:
                to.children.emplace_back();
                if (!convert(*child, to.children.back(), depth + 1)) return false;
                break;
            case XML_TEXT_NODE:
            case XML_CDATA_SECTION_NODE:
                if (text::trim(text_of(child->content)).empty()) break;
                [[fallthrough]];
            default:
                return refuse(
                    to, "RFC 3880 2",
                    fmt::format("element {} contains text; only elements are allowed", to.name));
        }
    }
    return true;
}

bool Converter::convert(xmlNode& from, Element& to, int depth) {
    to.name = text_of(from.name);
    if (seen_ < places_.size()) {
        to.line = places_[seen_].line;
        to.column = places_[seen_].column;
    }
    if (++seen_ > limits_.elements)
        return refuse(to, kLimit, fmt::format("more than {} elements", limits_.elements));
    if (depth > limits_.depth)
        return refuse(to, kLimit, fmt::format("elements nested deeper than {}", limits_.depth));
    return check_namespaces(from, to) && take_attributes(from, to) &&
           take_children(from, to, depth);
}

Fault parse_fault(xmlParserCtxt& context) {
    const xmlError* error = xmlCtxtGetLastError(&context);
    if (error == nullptr || error->message == nullptr)
        return {0, 0, kWellFormed, "not well-formed"};
    return {error->line, error->int2, kWellFormed, std::string(text::trim(error->message))};
}

/// What must not even reach libxml2.
bool check_text(std::string_view xml, const Limits& limits, Faults& faults) {
    if (xml.empty()) {
        faults.add({0, 0, kWellFormed, "the script is empty"});
    } else if (xml.size() > limits.size) {
        faults.add({0, 0, kLimit,
                    fmt::format("the script has {} bytes; at most {} are allowed", xml.size(),
                                limits.size)});
    } else if (const std::size_t nul = xml.find('\0'); nul != xml.npos) {
        const Place at = place_of(xml, nul);
        faults.add({at.line, at.column, kWellFormed, "a NUL byte"});
    } else if (const std::string_view encoding = declared_encoding(xml);
               !is_known_encoding(encoding)) {
        faults.add(
            {1, 1, kWellFormed, fmt::format("encoding {} is not supported; use UTF-8", encoding)});
    }
    return faults.empty();
}

}  // namespace

std::string Fault::str() const {
    if (line == 0) return fmt::format("{} ({})", text, rule);
    return fmt::format("{}:{}: {} ({})", line, column, text, rule);
}

std::string Faults::str() const {
    std::string out;
    for (const Fault& fault : all_) out += fault.str() + '\n';
    return out;
}

std::optional<Element> read_document(std::string_view xml, const Limits& limits, Faults& faults) {
    if (!check_text(xml, limits, faults)) return std::nullopt;
    std::string text(xml);
    if (const Doctype type = find_doctype(xml); type.begin != xml.npos) {
        if (type.has_subset) {
            const Place at = place_of(xml, type.end);
            faults.add({at.line, at.column, "RFC 3880 13",
                        "a document type with declarations of its own is not allowed"});
            return std::nullopt;
        }
        for (std::size_t i = type.begin; i < type.end; ++i)
            if (text[i] != '\n') text[i] = ' ';
    }
    const std::unique_ptr<xmlParserCtxt, FreeContext> context(xmlNewParserCtxt());
    if (context == nullptr) return std::nullopt;
    const std::unique_ptr<xmlDoc, FreeDocument> document(xmlCtxtReadMemory(
        context.get(), text.data(), static_cast<int>(text.size()), nullptr, nullptr,
        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT));
    xmlNode* const root = document == nullptr ? nullptr : xmlDocGetRootElement(document.get());
    if (root == nullptr || document->intSubset != nullptr) {
        faults.add(parse_fault(*context));
        return std::nullopt;
    }
    Element element;
    if (!Converter(limits, places_of_tags(text), faults).convert(*root, element, 1))
        return std::nullopt;
    return element;
}

}  // namespace fairlead::cpl
