// A JSON-RPC 2.0 request, read. SPDX-License-Identifier: Apache-2.0
#include "modules/jsonrpcs/document.h"

#include <nlohmann/json.hpp>

namespace fairlead::jsonrpcs {
namespace {

using nlohmann::json;

/// Deep nesting is refused before the parser sees it: what it makes is taken apart recursively.
bool is_too_deep(std::string_view text) noexcept {
    constexpr int kDeepest = 32;
    int depth = 0;
    for (const char c : text) {
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        if (depth > kDeepest) return true;
    }
    return false;
}

Result<void> add_argument(const json& value, Request& out) {
    if (value.is_number_integer()) {
        const bool fits = !value.is_number_unsigned() ||
                          value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
        if (!fits) return fail("A number is too big", {}, kInvalidRequest);
        out.arguments.emplace_back(value.get<std::int64_t>());
    } else if (value.is_boolean()) {
        out.arguments.emplace_back(value.get<bool>() ? 1 : 0);
    } else if (value.is_string()) {
        out.arguments.emplace_back(
            std::string_view(out.texts.emplace_back(value.get<std::string>())));
    } else if (value.is_number()) {
        out.arguments.emplace_back(std::string_view(out.texts.emplace_back(value.dump())));
    } else {
        return fail("Parameters are texts and numbers", {}, kInvalidRequest);
    }
    return {};
}

}  // namespace

Result<void> read_request(std::string_view text, Request& out) {
    if (is_too_deep(text)) return fail("Parse error", {}, kParseError);
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return fail("Parse error", {}, kParseError);
    if (!document.is_object()) return fail("Invalid Request", {}, kInvalidRequest);
    if (const auto name = document.find("reply_name"); name != document.end() && name->is_string())
        out.reply_name = name->get<std::string>();
    const auto id = document.find("id");
    constexpr auto replace = json::error_handler_t::replace;
    if (id != document.end() && (id->is_string() || id->is_number() || id->is_null()))
        out.id = id->dump(-1, ' ', false, replace);
    const auto method = document.find("method");
    if (method == document.end() || !method->is_string())
        return fail("Invalid Request", {}, kInvalidRequest);
    out.method = method->get<std::string>();
    const auto params = document.find("params");
    if (params == document.end() || params->is_null()) return {};
    if (!params->is_structured()) return fail("Invalid Request", {}, kInvalidRequest);
    for (const json& value : *params) TRY(add_argument(value, out));
    return {};
}

Result<BatchTexts> read_batch(std::string_view text) {
    if (is_too_deep(text)) return fail("Parse error", {}, kParseError);
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return fail("Parse error", {}, kParseError);
    // JSON-RPC 2.0, section 6: an empty list is no batch.
    if (!document.is_array() || document.empty() || document.size() > kMostInBatch)
        return fail("Invalid Request", {}, kInvalidRequest);
    BatchTexts batch;
    for (const json& one : document) {
        batch.requests.push_back(one.dump(-1, ' ', false, json::error_handler_t::replace));
        // What is no request is answered, too.
        const bool is_notification =
            one.is_object() && one.contains("method") && !one.contains("id");
        if (!is_notification) batch.wants_answer = true;
    }
    return batch;
}

std::string error_document(const Error& error) {
    const json answer = {{"jsonrpc", "2.0"},
                         {"error", {{"code", error.code}, {"message", error.text}}},
                         {"id", nullptr}};
    return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::size_t first_object(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return 0;
    if (text[begin] != '{' && text[begin] != '[') return std::string_view::npos;
    int depth = 0;
    bool in_text = false;
    for (std::size_t i = begin; i < text.size(); ++i) {
        const char c = text[i];
        if (in_text) {
            if (c == '\\') ++i;
            if (c == '"') in_text = false;
            continue;
        }
        if (c == '"') in_text = true;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) return i + 1;
    }
    return 0;
}

}  // namespace fairlead::jsonrpcs
