// Record-Route and Route: what the module shows to the server.
// SPDX-License-Identifier: Apache-2.0
#include "modules/rr/rr.h"

namespace fairlead::rr {

namespace {

constexpr Param params[] = {
    param<&Rr::enable_full_lr>("enable_full_lr", "Write ;lr=on instead of ;lr."),
    param<&Rr::append_fromtag>("append_fromtag",
                               "Write the caller's tag as ;ftag, which is_direction() needs."),
    param<&Rr::enable_double_rr>("enable_double_rr",
                                 "Record both sockets when a request crosses from one to another; "
                                 "2: always record twice.",
                                 {.min = 0, .max = 2}),
    param<&Rr::add_username>("add_username", "Write the Request-URI's user into Record-Route."),
    param<&Rr::force_send_socket>("force_send_socket",
                                  "Send from the socket that a single own Route names."),
    param<&Rr::ignore_sips>("ignore_sips", "Write sip: even for a sips: Request-URI."),
    param<&Rr::sockname_mode>("sockname_mode",
                              "Write the socket's name as ;sn, and find it by that in a Route."),
    param<&Rr::enable_socket_mismatch_warning>(
        "enable_socket_mismatch_warning",
        "Warn when record_route_preset() is given another address than that of the socket."),
    param_variables<&Rr::set_custom_user>(
        "custom_user_avp",
        "Variable with the user that add_username writes; its own when it is null."),
};

constexpr Route kRecord = Route::request | Route::branch | Route::failure;

constexpr Function functions[] = {
    function<&Rr::loose_route>(
        "loose_route",
        "Follows the Route of a request: 1 followed, -1 there is none, -3 an "
        "initial request that names only us.",
        Route::request),
    function<&Rr::loose_route_mode>("loose_route_mode",
                                    "loose_route(); with mode 1 without the rule for strict "
                                    "routers, for a Request-URI that is ours in its own right.",
                                    Route::request, "mode"),
    function<&Rr::loose_route_preloaded>(
        "loose_route_preloaded", "loose_route() for initial requests only.", Route::request),
    function<&Rr::record_route>("record_route",
                                "Adds a Record-Route with our address; `params` is put into its "
                                "URI.",
                                kRecord, "params"),
    function<&Rr::record_route_preset>("record_route_preset",
                                       "Adds a Record-Route with the given address, or two.",
                                       kRecord, "outbound", "inbound"),
    function<&Rr::record_route_advertised_address>("record_route_advertised_address",
                                                   "Adds a Record-Route with the given address.",
                                                   kRecord, "address"),
    function<&Rr::remove_record_route>("remove_record_route",
                                       "Takes the Record-Route back that was added here.",
                                       Route::request | Route::failure),
    function<&Rr::add_rr_param>("add_rr_param",
                                "Adds \";name=value\" to our Record-Route, made before or later.",
                                kRecord, "param"),
    function<&Rr::check_route_param>("check_route_param",
                                     "Whether the parameters of our own Route match a pattern.",
                                     Route::any, "pattern"),
    function<&Rr::is_direction>("is_direction",
                                "Whether a request goes \"downstream\" (from who began the dialog) "
                                "or \"upstream\".",
                                Route::any, "direction"),
    function<&Rr::rr_next_hop_route>(
        "rr_next_hop_route", "Whether the next hop came from a Route behind ours.", Route::any),
};

constexpr std::uint64_t kName = 1, kId = 2;  // of $rdir

constexpr Variable variables[] = {
    {.name = "route_uri",
     .doc = "URI of the topmost Route, as received.",
     .get = [](Module&, Message& m, const VariableName&) { return Rr::route_uri(m); }},
    {.name = "fti",
     .doc = "Tag of who began the dialog, whoever sends this request.",
     .get = [](Module& self, Message& m,
               const VariableName&) { return static_cast<Rr&>(self).initial_tag(m, true); }},
    {.name = "tti",
     .doc = "Tag of the other side of the dialog.",
     .get = [](Module& self, Message& m,
               const VariableName&) { return static_cast<Rr&>(self).initial_tag(m, false); }},
    {.name = "rdir",
     .doc =
         "Direction of the request: $rdir(name) is \"downstream\" or \"upstream\", $rdir(id) 1 or "
         "2.",
     .inner = Inner::required,
     .get =
         [](Module& self, Message& m, const VariableName& name) {
             return static_cast<Rr&>(self).direction(m, name.handle == kId);
         },
     .resolve = [](Module&, std::string_view inner) -> Result<std::uint64_t> {
         if (inner == "id") return kId;
         if (inner == "name") return kName;
         return fail("it has id and name");
     }},
};

constexpr Offer offered[] = {offers<Rr, Api>()};

constexpr Descriptor descriptor{.name = "rr",
                                .summary = "Record-Route and Route.",
                                .create = make_module<Rr>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .offers = offered};

}  // namespace

}  // namespace fairlead::rr

FAIRLEAD_MODULE(fairlead::rr::descriptor)
