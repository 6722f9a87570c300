// Commands about WebSocket connections, with Kamailio's shapes. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "core/api/text.h"
#include "modules/websocket/websocket.h"

namespace fairlead::websocket {
namespace {

constexpr std::size_t kMostShown = 50;
constexpr int kBadRequest = 400;

std::string end_of(Proto proto, const Address& address) {
    return std::string(name(proto)) + ":" + address.text();
}

std::string text_of(const Notes::Row& row, Ms now) {
    std::string text = end_of(row.proto, row.remote) + " -> " + end_of(row.proto, row.local);
    text += row.closing ? " (state: CLOSING" : " (state: OPEN";
    text += row.awaits_pong ? ", awaiting Pong, " : ", ";
    text +=
        " last used " + std::to_string(std::max<std::int64_t>(now.count() - row.used, 0) / 1000);
    return text += "s ago, sub-protocol: sip)";
}

}  // namespace

Result<void> Websocket::dump(Call& call) {
    auto rows = notes_.rows();
    const std::string_view order = call.has(0) ? call.text(0) : "id_hash";
    if (text::ci_equal(order, "used_desc"))
        std::ranges::sort(rows, {}, &Notes::Row::used);  // longest ago first
    else if (text::ci_equal(order, "used_asc"))
        std::ranges::sort(rows, std::greater<>(), &Notes::Row::used);
    else if (!text::ci_equal(order, "id_hash"))
        return fail("Bad display order parameter", {}, kBadRequest);
    const std::size_t shown = std::min(rows.size(), kMostShown);
    const Ms now = core_->clock().now();
    Answer& a = call.answer();
    a.begin_struct();
    a.begin_struct("connections");
    for (const auto& row : std::span(rows).first(shown))
        a.text(std::to_string(row.connection), text_of(row, now));
    a.end_struct();
    a.begin_struct("info");
    a.integer("wscounter", static_cast<std::int64_t>(rows.size()));
    a.text("truncated", shown < rows.size() ? "yes" : "no");
    a.end_struct();
    a.end_struct();
    return {};
}

Result<void> Websocket::tell(Call& call, std::string_view words) {
    const std::int64_t id = call.integer(0);
    const bool is_one = id > 0 && id <= UINT32_MAX && notes_.has(static_cast<std::uint32_t>(id));
    if (!is_one) return fail("Unknown connection ID");
    if (!core_->net().tell(static_cast<std::uint32_t>(id), words))
        return fail("its worker is too busy");
    return {};
}

Result<void> Websocket::close(Call& call) {
    return tell(call,
                Session::close_words(static_cast<std::uint16_t>(Status::normal), "Normal closure"));
}

Result<void> Websocket::ping(Call& call) {
    return tell(call, Session::kPing);
}

Result<void> Websocket::pong(Call& call) {
    return tell(call, Session::kPong);
}

Result<void> Websocket::disable(Call&) {
    notes_.disable(true);
    return {};
}

Result<void> Websocket::enable(Call&) {
    notes_.disable(false);
    return {};
}

}  // namespace fairlead::websocket
