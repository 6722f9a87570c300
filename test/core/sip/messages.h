// Messages that several tests of core/sip and core/api start from.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace fairlead::test {

inline constexpr std::string_view kSdp =
    "v=0\r\no=alice 2890844526 2890844526 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\n"
    "t=0 0\r\nm=audio 49172 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n";

/// An INVITE of ten header fields with a session description.
inline std::string invite() {
    return "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
           "Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK74bf9;rport\r\n"
           "Max-Forwards: 70\r\n"
           "From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
           "To: Bob <sip:bob@biloxi.example.com>\r\n"
           "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
           "CSeq: 2 INVITE\r\n"
           "Contact: <sip:alice@10.0.0.1:5062;transport=udp>\r\n"
           "User-Agent: Softphone 1.0\r\n"
           "Content-Type: application/sdp\r\n"
           "Content-Length: " +
           std::to_string(kSdp.size()) + "\r\n\r\n" + std::string(kSdp);
}

/// A request of the required header fields and `lines`; `top` replaces the Via line.
inline std::string request(std::string_view lines = {}, std::string_view top = {}) {
    return "OPTIONS sip:bob@example.com SIP/2.0\r\n" +
           std::string(top.empty() ? "Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1\r\n" : top) +
           "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n"
           "Call-ID: c1\r\nCSeq: 1 OPTIONS\r\n" +
           std::string(lines) + "\r\n";
}

inline std::string reply(std::string_view lines = {}) {
    return "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKown\r\n"
           "Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1\r\n"
           "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=2\r\n"
           "Call-ID: c1\r\nCSeq: 1 OPTIONS\r\n" +
           std::string(lines) + "\r\n";
}

}  // namespace fairlead::test
