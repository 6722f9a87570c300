// HTTP as the framing of a connection. SPDX-License-Identifier: Apache-2.0
#include "core/net/http_codec.h"

namespace fairlead::net {

StreamCodec::Found HttpCodec::next(std::span<char> bytes) noexcept {
    using What = sip::HttpFramer::What;
    const std::string_view all(bytes.data(), bytes.size());
    const auto found = framer_.next(all);
    Found result;
    switch (found.what) {
        case What::incomplete:
            if (found.wants_continue) result.answer = "HTTP/1.1 100 Continue\r\n\r\n";
            break;
        case What::line_ends:
            result.what = Found::What::taken;
            result.size = found.size;
            break;
        case What::request:
            result.what = Found::What::message;
            result.size = found.size;
            result.message = all.substr(0, found.size);
            break;
        case What::refused:
            refusal_ = sip::http_refusal(found.code, found.reason);
            result.answer = refusal_;
            result.close = true;
            result.is_broken = true;
            result.why = found.reason;
            break;
    }
    return result;
}

}  // namespace fairlead::net
