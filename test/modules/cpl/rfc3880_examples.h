// The examples of RFC 3880 by figure, without the lines that surround every one of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace fairlead::cpl::test {

/// With the lines that surround every published example.
inline std::string published(std::string_view inside) {
    return std::string(R"(<?xml version="1.0" encoding="UTF-8"?>
<cpl xmlns="urn:ietf:params:xml:ns:cpl"
     xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
     xsi:schemaLocation="urn:ietf:params:xml:ns:cpl cpl.xsd ">)") +
           std::string(inside) + "</cpl>";
}

/// Colleagues ring, all others get voicemail.
inline constexpr std::string_view kFigure2 = R"(
  <subaction id="voicemail"><location url="sip:jones@voicemail.example.com"><redirect/></location></subaction>
  <incoming><address-switch field="origin" subfield="host">
      <address subdomain-of="example.com"><location url="sip:jones@example.com">
          <proxy timeout="10"><busy><sub ref="voicemail"/></busy><noanswer><sub ref="voicemail"/></noanswer>
            <failure><sub ref="voicemail"/></failure></proxy></location></address>
      <otherwise><sub ref="voicemail"/></otherwise></address-switch></incoming>)";

/// Forward on busy or no answer.
inline constexpr std::string_view kFigure20 = R"(
      <subaction id="voicemail"><location url="sip:jones@voicemail.example.com"><proxy/></location></subaction>
      <incoming><location url="sip:jones@jonespc.example.com"><proxy timeout="8">
        <busy><sub ref="voicemail"/></busy><noanswer><sub ref="voicemail"/></noanswer></proxy></location></incoming>)";

/// A redirection is handed on, the rest goes to voicemail.
inline constexpr std::string_view kFigure21 =
    R"(<incoming><location url="sip:jones@jonespc.example.com"><proxy>
        <redirection><redirect/></redirection>
        <default><location url="sip:jones@voicemail.example.com"><proxy/></location></default></proxy></location></incoming>)";

/// Anonymous callers are rejected.
inline constexpr std::string_view kFigure22 =
    R"(<incoming><address-switch field="origin" subfield="user">
        <address is="anonymous"><reject status="reject" reason="I do not accept anonymous calls"/></address></address-switch></incoming>)";

/// Priorities and languages.
inline constexpr std::string_view kFigure23 =
    R"(<incoming><priority-switch><priority greater="urgent"/>
        <otherwise><language-switch><language matches="es"><location url="sip:spanish@operator.example.com"><proxy/></location></language>
          <otherwise><location url="sip:english@operator.example.com"><proxy/></location></otherwise></language-switch></otherwise></priority-switch></incoming>)";

/// Office hours in New York.
inline constexpr std::string_view kFigure25 = R"(<incoming>
        <time-switch tzid="America/New_York" tzurl="http://zones.example.com/tz/America/New_York">
          <time dtstart="20000703T090000" duration="PT8H" freq="weekly" byday="MO,TU,WE,TH,FR">
            <lookup source="registration"><success><proxy/></success></lookup></time>
          <otherwise><location url="sip:jones@voicemail.example.com"><proxy/></location></otherwise></time-switch></incoming>)";

/// A mobile is taken out of the registrations.
inline constexpr std::string_view kFigure26 = R"(<incoming><string-switch field="user-agent">
        <string is="Inferior SIP User Agent/1.0"><lookup source="registration"><success>
          <remove-location location="sip:me@mobile.provider.net"><proxy/></remove-location></success></lookup></string></string-switch></incoming>)";

/// The whole of it.
inline constexpr std::string_view kFigure30 = R"(
      <subaction id="voicemail"><location url="sip:jones@voicemail.example.com"><redirect/></location></subaction>
      <incoming><location url="sip:jones@phone.example.com"><proxy timeout="8"><busy><sub ref="voicemail"/></busy>
        <noanswer><address-switch field="origin">
            <address is="sip:boss@example.com"><location url="tel:+19175551212"><proxy/></location></address>
            <otherwise><sub ref="voicemail"/></otherwise></address-switch></noanswer></proxy></location></incoming>)";

/// Premium numbers are screened.
inline constexpr std::string_view kFigure24 =
    R"(<outgoing><address-switch field="original-destination" subfield="tel">
        <address subdomain-of="1900"><reject status="reject" reason="Not allowed to make 1-900 calls."/></address></address-switch></outgoing>)";

/// Unconditional redirect.
inline constexpr std::string_view kFigure19 =
    R"(<incoming><location url="sip:smith@phone.example.com"><redirect/></location></incoming>)";

/// A lookup that this server does not have.
inline constexpr std::string_view kFigure27 =
    R"(<incoming><lookup source="http://www.example.com/cgi-bin/locate.cgi?user=mary" timeout="8">
        <success><proxy/></success><failure><mail url="mailto:mary@example.com?subject=Lookup%20failed"/></failure></lookup></incoming>)";

/// Section 7.1.
inline constexpr std::string_view kMailExample =
    R"(<incoming><mail url="mailto:jones@example.com?subject=Lookup%20failed"/></incoming>)";

/// Section 7.2.
inline constexpr std::string_view kLogExample =
    R"(<incoming><log name="calls" comment="Hello there"><reject status="busy"/></log></incoming>)";

}  // namespace fairlead::cpl::test
