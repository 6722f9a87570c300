// t_uac_send(): a request of our own, from the script.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

/// The fields that UacRequest wants by themselves, and all others as lines.
struct Fields {
    std::string from, to;
    std::string_view call_id, cseq;
    std::string rest;
};

/// Old scripts write "bob@example.com;tag=1": an address without scheme is a SIP URI.
std::string with_scheme(std::string_view address) {
    const std::string_view uri = address.substr(0, address.find(';'));
    const bool bare = !uri.empty() && uri.find_first_of("<:") == std::string_view::npos;
    return std::string(bare ? "sip:" : "").append(address);
}

/// False when a line is no header field.
bool read_fields(std::string_view lines, Fields& fields) {
    while (!lines.empty()) {
        const std::size_t end = lines.find("\r\n");
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
        if (line.empty()) continue;
        const std::size_t colon = line.find(':');
        const std::string_view name = text::trim(line.substr(0, colon));
        if (colon == std::string_view::npos || colon == 0 || name.empty()) return false;
        const std::string_view value = text::trim(line.substr(colon + 1));
        const auto is = [&](std::string_view full, std::string_view compact) {
            return text::ci_equal(name, full) || text::ci_equal(name, compact);
        };
        if (is("From", "f")) {
            fields.from = with_scheme(value);
        } else if (is("To", "t")) {
            fields.to = with_scheme(value);
        } else if (is("Call-ID", "i")) {
            fields.call_id = value;
        } else if (text::ci_equal(name, "CSeq")) {
            fields.cseq = value.substr(0, value.find(' '));
        } else {
            fields.rest.append(line).append("\r\n");
        }
    }
    return true;
}

}  // namespace

Verdict Tm::t_uac_send(Message& m, UacRequest given) {
    Fields fields;
    if (!read_fields(given.headers, fields) || fields.from.empty() || fields.to.empty()) {
        LOG(error, "t_uac_send(): From and To are needed, one line for each field");
        return Verdict::no;
    }
    const auto cseq = text::parse_uint(fields.cseq.empty() ? "0" : fields.cseq, INT32_MAX);
    if (!cseq) {
        LOG(error, "t_uac_send(): \"{}\" is no number for CSeq", fields.cseq);
        return Verdict::no;
    }
    given.from = fields.from;
    given.to = fields.to;
    given.call_id = fields.call_id;
    given.cseq = static_cast<std::uint32_t>(*cseq);
    given.headers = fields.rest;
    const auto made = request(given);
    if (made) return Verdict::yes;
    m.error = made.error();
    LOG(error, "t_uac_send(): {} to {} was not sent ({})", given.method, given.request_uri,
        static_cast<int>(made.error()));
    return Verdict::no;
}

}  // namespace fairlead::tm
