// Digest authentication: what the module shows to the server.
// SPDX-License-Identifier: Apache-2.0
#include "modules/auth/auth.h"

namespace fairlead::auth {

namespace {

constexpr Range kChecks{.min = 0, .max = 15};

constexpr Param params[] = {
    param<&Auth::secret>("secret",
                         "Key of the nonces; random unless servers have to accept each other's."),
    param<&Auth::nonce_expire>("nonce_expire", "Seconds for which a nonce is good.",
                               {.min = 1, .max = 86400}),
    param<&Auth::nonce_auth_max_drift>("nonce_auth_max_drift",
                                       "Seconds by which a nonce may come from the future.",
                                       {.min = 0, .max = 86400}),
    param<&Auth::realm_prefix>("realm_prefix", "Taken off the beginning of realms."),
    param<&Auth::algorithm>("algorithm",
                            "\"MD5\" or \"SHA-256\" (RFC 8760), of clients also their \"-sess\" "
                            "forms; \"\" is MD5 and not "
                            "written into challenges."),
    param<&Auth::qop>("qop", "What challenges offer by default: \"auth\", \"auth-int\" or \"\"."),
    param<&Auth::nonce_count>("nonce_count",
                              "A count (nc) that is not greater than the last of its nonce is "
                              "stale; at most 255."),
    param<&Auth::one_time_nonce>("one_time_nonce",
                                 "A nonce is good once; with nonce_count for clients without nc."),
    param<&Auth::nc_array_size>("nc_array_size", "How many nonces nonce_count follows.",
                                {.min = 256, .max = 1 << 26}),
    param<&Auth::nc_array_order>(
        "nc_array_order", "The same as a power of two; the smaller counts.", {.min = 8, .max = 26}),
    param<&Auth::otn_in_flight_no>("otn_in_flight_no",
                                   "How many nonces one_time_nonce follows without nonce_count.",
                                   {.min = 256, .max = 1 << 26}),
    param<&Auth::otn_in_flight_order>("otn_in_flight_order", "The same as a power of two.",
                                      {.min = 8, .max = 26}),
    param<&Auth::nid_pool_no>("nid_pool_no", "Accepted; counts are kept without locks.",
                              {.min = 1, .max = 64}),
    param<&Auth::auth_checks_register>(
        "auth_checks_register",
        "What of a REGISTER a nonce is bound to: 1 Request-URI, 2 Call-ID, 4 From tag, 8 source "
        "address.",
        kChecks),
    param<&Auth::auth_checks_no_dlg>("auth_checks_no_dlg", "The same for other initial requests.",
                                     kChecks),
    param<&Auth::auth_checks_in_dlg>("auth_checks_in_dlg", "The same for requests in dialogs.",
                                     kChecks),
    param<&Auth::use_domain>("use_domain",
                             "pv_auth_check() compares the realm with the domain too."),
    param<&Auth::force_stateless_reply>("force_stateless_reply",
                                        "Challenge without the transaction."),
    param<&Auth::add_authinfo_hdr>(
        "add_authinfo_hdr",
        "Replies to authenticated requests carry Authentication-Info (RFC 7615), which proves that "
        "the server knows the password too; its nextnonce is a new one with one_time_nonce."),
};

constexpr Function functions[] = {
    function<&Auth::www_challenge>(
        "www_challenge",
        "Answers 401 with a challenge; flags: 1 qop=auth, 2 qop=auth-int, 4 no 500 on failure, 16 "
        "stale=true.",
        Route::request, "realm", "flags"),
    function<&Auth::proxy_challenge>("proxy_challenge", "The same with 407.", Route::request,
                                     "realm", "flags"),
    function<&Auth::auth_challenge>("auth_challenge", "401 for REGISTER, else 407.", Route::request,
                                    "realm", "flags"),
    function<&Auth::pv_www_authenticate>(
        "pv_www_authenticate",
        "Checks Authorization: 1 good, -1 malformed or forged, -2 wrong password, -4 stale, -5 "
        "none, -6 nonce used. Flags: 1 the password is HA1; 2, 4, 8 a challenge without qop, with "
        "auth, auth-int goes into $avp(digest_challenge). ACK and CANCEL are always good.",
        Route::request, "realm", "password", "flags", "method"),
    function<&Auth::pv_proxy_authenticate>("pv_proxy_authenticate",
                                           "The same for Proxy-Authorization.", Route::request,
                                           "realm", "password", "flags"),
    function<&Auth::pv_auth_check>(
        "pv_auth_check",
        "Authorization for REGISTER, else Proxy-Authorization; with checks 1 the user must be that "
        "of To or From: -8.",
        Route::request, "realm", "password", "flags", "checks"),
    function<&Auth::auth_get_www_authenticate>("auth_get_www_authenticate",
                                               "Puts the line of a 401 challenge into a variable.",
                                               Route::any, "realm", "flags", "target"),
    function<&Auth::consume_credentials>("consume_credentials",
                                         "Takes the header that was accepted out of the request.",
                                         Route::request),
    function<&Auth::has_credentials>(
        "has_credentials", "Whether there are credentials for a realm.", Route::any, "realm"),
};

constexpr Statistic statistics[] = {
    statistic<&Auth::challenges>("challenges", "Challenges sent."),
    statistic<&Auth::accepted>("accepted", "Checks that succeeded."),
    statistic<&Auth::rejected>("rejected", "Checks that failed."),
    statistic<&Auth::stale>("stale", "Checks that failed for an old or used nonce."),
};

constexpr Offer offered[] = {offers<Auth, Api>()};
constexpr Need needed[] = {needs<&Auth::sl>()};

constexpr Descriptor descriptor{.name = "auth",
                                .summary = "Digest authentication (RFC 7616, RFC 8760).",
                                .create = make_module<Auth>,
                                .params = params,
                                .functions = functions,
                                .statistics = statistics,
                                .offers = offered,
                                .needs = needed};

}  // namespace

}  // namespace fairlead::auth

FAIRLEAD_MODULE(fairlead::auth::descriptor)
