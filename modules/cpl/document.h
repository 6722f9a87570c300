// A CPL document as a small tree with places, read by libxml2 within limits: no network, no DTD, no
// entities besides the five of XML. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/cpl/fault.h"

namespace fairlead::cpl {

struct Limits {
    std::size_t size = 65536;      ///< bytes of XML
    std::size_t elements = 2000;   ///< all elements
    std::size_t attribute = 4096;  ///< bytes of one value
    int depth = 64;                ///< elements inside each other
    bool proxy = true;             ///< false: a script with a proxy node is refused
};

struct Attribute {
    std::string name, value;
};

/// An element of CPL's namespace, or of none.
struct Element {
    std::string name;
    int line = 0, column = 0;  ///< of its '<'
    std::vector<Attribute> attributes;
    std::vector<Element> children;
};

/// The root element. Nullopt, with at least one fault, when the text is not well-formed, uses what
/// is not allowed (a DTD's internal subset, other namespaces, text between elements, encodings
/// besides UTF-8, US-ASCII and ISO-8859-1) or exceeds a limit.
[[nodiscard]] std::optional<Element> read_document(std::string_view xml, const Limits& limits,
                                                   Faults& faults);

}  // namespace fairlead::cpl
