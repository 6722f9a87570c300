// t_uac_send(): a request of our own, from the script.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

/// Old scripts write "bob@example.com;tag=1": an address without scheme is a SIP URI.
std::string with_scheme(std::string_view address) {
    const std::string_view uri = address.substr(0, address.find(';'));
    const bool bare = !uri.empty() && uri.find_first_of("<:") == std::string_view::npos;
    return std::string(bare ? "sip:" : "").append(address);
}

}  // namespace

Verdict Tm::t_uac_send(Message& m, UacRequest given) {
    const HeaderLines fields = read_header_lines(given.headers);
    if (fields.is_wrong || fields.from.empty() || fields.to.empty()) {
        LOG(error, "t_uac_send(): From and To are needed, one line for each field");
        return Verdict::no;
    }
    const auto cseq = text::parse_uint(fields.cseq.empty() ? "0" : fields.cseq, INT32_MAX);
    if (!cseq) {
        LOG(error, "t_uac_send(): \"{}\" is no number for CSeq", fields.cseq);
        return Verdict::no;
    }
    const std::string from = with_scheme(fields.from), to = with_scheme(fields.to);
    given.from = from;
    given.to = to;
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
