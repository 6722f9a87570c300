// Stateless replies: what the module shows to the server.
// SPDX-License-Identifier: Apache-2.0
#include "modules/sl/sl.h"

namespace fairlead::sl {

namespace {

constexpr std::string_view kNoEmbedding = "Without effect: routes are written in this language.";

constexpr Param params[] = {
    param<&Sl::default_code>("default_code", "Code of the reply when the given one is no code.",
                             {.min = 100, .max = 999}),
    param<&Sl::default_reason>("default_reason", "Phrase of the reply when none is given."),
    param<&Sl::bind_tm>("bind_tm", "Let send_reply() answer through tm where it can."),
    param<&Sl::rich_redirect>("rich_redirect",
                              "What a redirection's Contact tells besides the URI: 1 branch flags, "
                              "2 the Path, 3 both.",
                              {.min = 0, .max = 3}),
    param_method<&Sl::set_callback>("event_callback_fl_ack", kNoEmbedding, Type::string),
    param_method<&Sl::set_callback>("event_callback_lres_sent", kNoEmbedding, Type::string),
};

constexpr Route kSend = Route::request | Route::failure | Route::reply;

constexpr Function functions[] = {
    function<&Sl::sl_send_reply>("sl_send_reply",
                                 "Answers the request without keeping state. A 3xx carries the "
                                 "changed Request-URI and the added branches as Contact.",
                                 Route::request, "code", "reason"),
    function<&Sl::sl_send_reply>("sl_reply", "The same as sl_send_reply.", Route::request, "code",
                                 "reason"),
    function<&Sl::send_reply>("send_reply",
                              "Answers through the transaction when there is one, else without "
                              "state.",
                              kSend, "code", "reason"),
    function<&Sl::send_reply_mode>("send_reply_mode",
                                   "The same; the mode is for connections (1 do not open one, 2 "
                                   "close it), a datagram has none.",
                                   kSend, "code", "reason", "mode"),
    function<&Sl::sl_reply_error>(
        "sl_reply_error", "Answers with what the last error of a function calls for (478, 500, …).",
        Route::request),
    function<&Sl::sl_forward_reply>("sl_forward_reply",
                                    "Passes the reply on at once, with another code of the same "
                                    "class if wanted. Without `drop` the core passes it on too.",
                                    Route::reply, "code", "reason"),
};

Value ltt(Module& m, Message& msg, const VariableName& name) {
    return static_cast<Sl&>(m).local_to_tag(msg, static_cast<char>(name.handle));
}
Result<std::uint64_t> resolve_ltt(Module&, std::string_view inner) {
    if (inner == "s" || inner == "t" || inner == "x") {
        return static_cast<std::uint64_t>(inner.front());
    }
    return fail("$ltt takes s, t or x");
}

constexpr Variable variables[] = {
    {.name = "ltt",
     .doc = "The local To-tag: $ltt(s) of stateless replies, $ltt(t) of the transaction's, $ltt(x) "
            "whichever send_reply() would use.",
     .inner = Inner::required,
     .get = ltt,
     .resolve = resolve_ltt,
     .fixed_names = true},
};

template <Stat S>
constexpr Statistic stat(std::string_view name, std::string_view doc) {
    return {name, doc,
            [](Module& m, shm::Counter c) {
                static_cast<Sl&>(m).counters[static_cast<std::size_t>(S)] = c;
            },
            nullptr};
}

constexpr Statistic statistics[] = {
    stat<Stat::r1xx>("1xx_replies", "1xx replies."),
    stat<Stat::r200>("200_replies", "200 replies."),
    stat<Stat::r202>("202_replies", "202 replies."),
    stat<Stat::r2xx>("2xx_replies", "Other 2xx replies."),
    stat<Stat::r300>("300_replies", "300 replies."),
    stat<Stat::r301>("301_replies", "301 replies."),
    stat<Stat::r302>("302_replies", "302 replies."),
    stat<Stat::r3xx>("3xx_replies", "Other 3xx replies."),
    stat<Stat::r400>("400_replies", "400 replies."),
    stat<Stat::r401>("401_replies", "401 replies."),
    stat<Stat::r403>("403_replies", "403 replies."),
    stat<Stat::r404>("404_replies", "404 replies."),
    stat<Stat::r407>("407_replies", "407 replies."),
    stat<Stat::r408>("408_replies", "408 replies."),
    stat<Stat::r483>("483_replies", "483 replies."),
    stat<Stat::r4xx>("4xx_replies", "Other 4xx replies."),
    stat<Stat::r500>("500_replies", "500 replies."),
    stat<Stat::r5xx>("5xx_replies", "Other 5xx replies."),
    stat<Stat::r6xx>("6xx_replies", "6xx replies."),
    stat<Stat::rxxx>("xxx_replies", "Replies whose code belongs to no class."),
    stat<Stat::sent>("sent_replies", "All replies sent."),
    stat<Stat::sent_errors>("sent_err_replies", "Replies sent by sl_reply_error()."),
    stat<Stat::failures>("failures", "Replies that could not be made or sent."),
    stat<Stat::acks>("received_ACKs", "ACKs to our own replies, absorbed."),
};

constexpr std::string_view event_routes[] = {"sl:filtered-ack", "sl:local-response"};
constexpr Offer offered[] = {offers<Sl, Api>()};
constexpr Need needed[] = {needs<&Sl::tm>(true)};

constexpr Descriptor descriptor{.name = "sl",
                                .summary = "Replies without transaction state.",
                                .create = make_module<Sl>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .statistics = statistics,
                                .event_routes = event_routes,
                                .offers = offered,
                                .needs = needed,
                                .hooks = Hook::request_arrived};

}  // namespace

}  // namespace fairlead::sl

FAIRLEAD_MODULE(fairlead::sl::descriptor)
