// Record-Route and Route: the module's class.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "core/module.h"
#include "modules/rr/api.h"
#include "modules/rr/route_set.h"

namespace fairlead::rr {

class Rr final : public Module, public Api {
public:
    // Parameters.
    bool enable_full_lr = false;
    bool append_fromtag = true;
    int enable_double_rr = 1;
    bool add_username = false;
    bool force_send_socket = false;
    bool ignore_sips = false;
    bool sockname_mode = false;
    bool enable_socket_mismatch_warning = true;
    const VariableRef* custom_user = nullptr;

    Result<void> set_custom_user(std::string_view text, ParamVariables& variables);
    Result<void> prepare(Core& core) override;

    // Following routes (loose_route.cpp).
    Verdict loose_route(Message& m);
    Verdict loose_route_mode(Message& m, int mode);
    Verdict loose_route_preloaded(Message& m);
    Verdict check_route_param(Message& m, const Regex& pattern);
    Verdict is_direction(Message& m, std::string_view direction);
    Verdict rr_next_hop_route(Message& m);
    static Value route_uri(Message& m);
    /// $fti and $tti: the tags of who began the dialog, and of the other side.
    Value initial_tag(Message& m, bool of_caller);
    Value direction(Message& m, bool as_number);

    // Asking to be on the route (record_route.cpp).
    Verdict record_route(Message& m, std::optional<std::string_view> params);
    Verdict record_route_preset(Message& m, std::string_view outbound,
                                std::optional<std::string_view> inbound);
    Verdict record_route_advertised_address(Message& m, std::string_view address);
    Verdict add_rr_param(Message& m, std::string_view param);
    Verdict remove_record_route(Message& m);

    // Api
    void on_route(RouteListener& listener) override { listeners_.push_back(&listener); }
    bool add_param(Message& m, std::string_view param) override;
    std::optional<std::string_view> route_param(Message& m, std::string_view name) override;
    bool is_upstream(Message& m) override;

private:
    /// What is known of one message; lives in its arena.
    struct State {
        std::string_view route_params;  ///< of our own Route, from its first ';' on
        std::string_view rr_params;     ///< add_rr_param before record_route
        int result = 0;                 ///< of loose_route; 0: did not run
        bool has_params = false;        ///< our own Route was seen
        bool next_is_route = false;     ///< the next hop came from a Route behind ours
    };
    [[nodiscard]] State& state(Message& m) const;

    int follow(Message& m, State& s, bool strict_too);
    void tell(Message& m, const State& s) const;
    /// An upstream strict router put our URI into the Request-URI (RFC 3261 16.4).
    void undo_strict(Message& m, State& s, RouteSet& routes, std::string_view& request_uri) const;
    /// Takes our own values off the top.
    void take_own(Message& m, State& s, RouteSet& routes) const;
    /// RFC 3261 16.6 steps 6 and 7.
    static void go_to_next(Message& m, RouteSet& routes, std::string_view request_uri);
    [[nodiscard]] bool is_own(std::string_view uri) const noexcept;
    [[nodiscard]] const Listener* listener_of(const sip::Uri& uri) const noexcept;
    /// Our own Route's parameters, also when loose_route did not run.
    [[nodiscard]] const State& with_params(Message& m);

    struct Line;
    [[nodiscard]] Line new_line(Message& m);
    void add_lines(Message& m, std::string_view text, std::uint16_t only_from) const;
    [[nodiscard]] std::string_view dialog_tag(Message& m);
    [[nodiscard]] static bool is_recorded(const Message& m) noexcept;

    void warn_of_mismatch(const Message& m, std::string_view address) const;
    std::vector<RouteListener*> listeners_;
    Core* core_ = nullptr;
    std::size_t slot_ = 0;
};

}  // namespace fairlead::rr
