// Fuzzes the line protocol: the same bytes give the same requests, however they were cut.
// SPDX-License-Identifier: Apache-2.0
#include "modules/mi_fifo/lines.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "test/fuzz/check.h"

using namespace fairlead::mi_fifo;
using fairlead::fuzz::check;

namespace {

Form form(std::string_view command) {
    constexpr Form forms[] = {Form::bare,   Form::text,  Form::plain,        Form::uac,
                              Form::dialog, Form::reply, Form::reply_to_call};
    return forms[(command.empty() ? 0 : static_cast<unsigned char>(command[0])) % 7];
}

std::vector<LineRequest> read(std::string_view bytes, std::size_t piece) {
    LineReader reader(form);
    std::vector<LineRequest> requests;
    while (!bytes.empty()) {
        reader.put(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        while (auto request = reader.next()) requests.push_back(std::move(*request));
    }
    if (auto request = reader.cut_off()) requests.push_back(std::move(*request));
    check(!reader.is_open(), "nothing is left behind a cut");
    return requests;
}

bool same(const LineRequest& a, const LineRequest& b) {
    return a.command == b.command && a.reply_name == b.reply_name && a.lines == b.lines &&
           a.headers == b.headers && a.body == b.body && a.missing == b.missing &&
           a.is_bad == b.is_bad;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = read(bytes, size + 1);
    if (size > LineReader::kLongest) return 0;  // where a line is given up depends on the cuts
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
        const auto cut = read(bytes, piece);
        check(cut.size() == whole.size(), "as many requests");
        for (std::size_t i = 0; i < cut.size(); ++i) check(same(cut[i], whole[i]), "the same ones");
    }
    return 0;
}
