// Fuzzes JSON-RPC: requests in a stream, and any bytes as a JSON text.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "modules/jsonrpcs/document.h"
#include "modules/jsonrpcs/writer.h"
#include "test/fuzz/check.h"

using namespace fairlead::jsonrpcs;
using fairlead::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Request request;
    const bool good = read_request(bytes, request).has_value();
    const std::size_t first = first_object(bytes);
    check(first == std::string_view::npos || first <= size, "an object lies inside the bytes");
    if (good) check(first != 0 && first != std::string_view::npos, "a request is an object");

    Writer writer((size & 1) != 0);
    writer.begin_struct();
    writer.text("text", bytes);
    writer.name(bytes);
    writer.begin_array();
    writer.text(bytes, bytes);
    if (!request.id.empty()) writer.raw(request.id);
    writer.end_until(0);
    const auto back = nlohmann::json::parse(writer.take(), nullptr, false);
    check(!back.is_discarded(), "whatever is written is JSON");
    return 0;
}
