// textops: what the module shows to the server.
// SPDX-License-Identifier: Apache-2.0
#include "modules/textops/substitution.h"
#include "modules/textops/textops.h"

namespace fairlead::textops {

namespace {

using M = Textops;
constexpr Route kAny = Route::any;
constexpr Route kRequests = Route::request | Route::branch | Route::failure | Route::event;

Result<void> check_substitution(const Module&, std::span<const Value> arguments) {
    return arguments[0].is_string() ? Substitution::check(arguments[0].string()) : Result<void>();
}
Result<void> check_second_substitution(const Module&, std::span<const Value> arguments) {
    return arguments[1].is_string() ? Substitution::check(arguments[1].string()) : Result<void>();
}

constexpr Function functions[] = {
    function<&M::is_method>("is_method",
                            "Whether the method (of a reply: of its CSeq) is one of a|b|c.", kAny,
                            "names"),
    function<&M::is_present_hf>("is_present_hf", "Whether there is a header field of this name.",
                                kAny, "name"),
    function<&M::is_present_hf>("is_present_hf_pv", "The same as is_present_hf.", kAny, "name"),
    function<&M::is_present_hf_re>(
        "is_present_hf_re", "Whether there is a header field whose name matches.", kAny, "pattern"),
    function<&M::is_present_hf_re>("is_present_hf_re_pv", "The same as is_present_hf_re.", kAny,
                                   "pattern"),
    function<&M::append_hf>("append_hf",
                            "Adds header lines at the end, or behind the last field of a name.",
                            kAny, "lines", "behind"),
    function<&M::insert_hf>("insert_hf",
                            "Adds header lines at the top, or before the first field of a name.",
                            kAny, "lines", "before"),
    function<&M::append_urihf>("append_urihf",
                               "Adds a header line with the received Request-URI in it.", kRequests,
                               "prefix", "suffix"),
    function<&M::remove_hf>("remove_hf", "Removes all header fields of a name.", kAny, "name"),
    function<&M::remove_hf>("remove_hf_pv", "The same as remove_hf.", kAny, "name"),
    function<&M::remove_hf_re>("remove_hf_re", "Removes the header fields whose name matches.",
                               kAny, "pattern"),
    function<&M::remove_hf_re>("remove_hf_re_pv", "The same as remove_hf_re.", kAny, "pattern"),
    function<&M::remove_hf_exp>("remove_hf_exp",
                                "Removes the header fields whose name matches the first pattern "
                                "and not the second.",
                                kAny, "pattern", "kept"),
    function<&M::remove_hf_exp>("remove_hf_exp_pv", "The same as remove_hf_exp.", kAny, "pattern",
                                "kept"),
    function<&M::remove_hf_match>("remove_hf_match",
                                  "Removes the header fields of a name whose value is (eq), is not "
                                  "(ne), contains (in) or matches (re) an expression.",
                                  kAny, "name", "op", "expression"),
    function<&M::remove_hf_idx>("remove_hf_idx",
                                "Removes the n-th header field of a name; -1 is the last.", kAny,
                                "name", "index"),
    function<&M::append_to_reply>(
        "append_to_reply", "Adds header lines to the reply that will be made.", kRequests, "lines"),
    function<&M::append_time>("append_time", "Adds Date to the reply that will be made.",
                              kRequests),
    function<&M::append_time_to_request>("append_time_to_request", "Adds Date to the message.",
                                         kAny),
    function<&M::is_privacy>("is_privacy", "Whether Privacy has this value.", kAny, "type"),
    function<&M::search_hf>("search_hf",
                            "Whether the value of the first (f), the last (l) or any (a) header "
                            "field of a name matches.",
                            kAny, "name", "pattern", "which"),
    function<&M::search>("search", "Whether the message matches, as received.", kAny, "pattern"),
    function<&M::search_body>("search_body", "Whether the body matches.", kAny, "pattern"),
    function<&M::search_append>("search_append", "Adds text behind the first match.", kAny,
                                "pattern", "text"),
    function<&M::search_append_body>("search_append_body",
                                     "Adds text behind the first match in the body.", kAny,
                                     "pattern", "text"),
    function<&M::replace>("replace", "Replaces the first match behind the start line.", kAny,
                          "pattern", "text"),
    function<&M::replace_all>("replace_all", "Replaces all matches behind the start line.", kAny,
                              "pattern", "text"),
    function<&M::replace_hdrs>("replace_hdrs", "Replaces the first match in the header.", kAny,
                               "pattern", "text"),
    function<&M::replace_body>("replace_body", "Replaces the first match in the body.", kAny,
                               "pattern", "text"),
    function<&M::replace_body_all>("replace_body_all", "Replaces all matches in the body.", kAny,
                                   "pattern", "text"),
    function<&M::replace_body_atonce>(
        "replace_body_atonce",
        "The same with a pattern whose \".\" matches line ends and whose \"^\" and \"$\" are the "
        "ends of the body.",
        kAny, "pattern", "text"),
    function<&M::replace_str>("replace_str",
                              "Replaces a text behind the start line: the first (f) or all (a).",
                              kAny, "match", "text", "mode"),
    function<&M::replace_hdrs_str>("replace_hdrs_str",
                                   "Replaces a text in the header: the first (f) or all (a).", kAny,
                                   "match", "text", "mode"),
    function<&M::replace_body_str>("replace_body_str",
                                   "Replaces a text in the body: the first (f) or all (a).", kAny,
                                   "match", "text", "mode"),
    checked_function<&M::subst>(
        check_substitution, "subst",
        "Replaces behind the start line, by \"/pattern/replacement/flags\": \\0 to \\9 and "
        "variables in the replacement; flags i (any case), g (all), s (not by line).",
        kAny, "expression"),
    checked_function<&M::subst_body>(check_substitution, "subst_body",
                                     "Replaces in the body, by an expression as of subst.", kAny,
                                     "expression"),
    checked_function<&M::subst_hf>(
        check_second_substitution, "subst_hf",
        "Replaces in the value of the first (f), the last (l) or all (a) header fields of a name, "
        "by an expression as of subst.",
        kAny, "name", "expression", "which"),
    checked_function<&M::subst_uri>(check_substitution, "subst_uri",
                                    "Replaces in the Request-URI, by an expression as of subst.",
                                    kRequests, "expression"),
    checked_function<&M::subst_user>(
        check_substitution, "subst_user",
        "Replaces in the user of the Request-URI, by an expression as of subst.", kRequests,
        "expression"),
    function<&M::regex_substring>(
        "regex_substring",
        "Matches a text and assigns one match to a variable: 0 the whole, 1 to 9 a group.", kAny,
        "text", "pattern", "index", "count", "var"),
    function<&M::has_body>("has_body", "Whether there is a body, of this type if given.", kAny,
                           "type"),
    function<&M::set_body>("set_body", "Replaces the body and its type.", kAny, "body", "type"),
    function<&M::set_reply_body>("set_reply_body", "The body of the reply that will be made.",
                                 kRequests, "body", "type"),
    function<&M::filter_body>("filter_body",
                              "Leaves of a body of several parts the content of the first part of "
                              "this type; Content-Type stays.",
                              kAny, "type"),
    function<&M::is_audio_on_hold>("is_audio_on_hold",
                                   "Whether the SDP holds an audio stream: 2 by an attribute (RFC "
                                   "3264), 1 by a null address (RFC 2543).",
                                   kAny),
    function<&M::to_multipart>("set_body_multipart", "Makes the body the only part of a multipart.",
                               kAny, "boundary"),
    function<&M::set_body_multipart>("set_body_multipart", "Sets a multipart body with one part.",
                                     kAny, "body", "type", "boundary"),
    function<&M::append_body_part>("append_body_part",
                                   "Adds a part. Further lines of its header may follow the type.",
                                   kAny, "body", "type", "disposition"),
    function<&M::append_body_part_hex>("append_body_part_hex",
                                       "The same with a content in hexadecimal digits.", kAny,
                                       "hex", "type", "disposition"),
    function<&M::get_body_part>("get_body_part",
                                "Reads the first part of a type into a variable: what is behind "
                                "its Content-Type line.",
                                kAny, "type", "var"),
    function<&M::get_body_part_raw>("get_body_part_raw",
                                    "The same with all headers and the delimiter behind the part.",
                                    kAny, "type", "var"),
    function<&M::remove_body_part>("remove_body_part", "Removes the first part of a type.", kAny,
                                   "type"),
    function<&M::search_str>("search_str", "Whether a text matches.", kAny, "text", "pattern"),
    function<&M::cmp_str>("cmp_str", "Whether two texts are equal.", kAny, "a", "b"),
    function<&M::cmp_istr>("cmp_istr", "Whether two texts are equal but for case.", kAny, "a", "b"),
    function<&M::starts_with>("starts_with", "Whether a text begins with another.", kAny, "text",
                              "prefix"),
    function<&M::ends_with>("ends_with", "Whether a text ends with another.", kAny, "text",
                            "suffix"),
    function<&M::str_find>("str_find", "Where a text contains another: 1 is its beginning.", kAny,
                           "text", "part"),
    function<&M::str_ifind>("str_ifind", "The same without regard to case.", kAny, "text", "part"),
    function<&M::in_list>("in_list", "Whether an item is in a list.", kAny, "item", "list",
                          "separator"),
    function<&M::in_list_prefix>("in_list_prefix", "Whether an item of a list is a prefix.", kAny,
                                 "item", "list", "separator"),
};

constexpr Statistic statistics[] = {
    statistic<&M::patterns_evicted>("patterns_evicted",
                                    "Expressions that others pushed out of the cache."),
};

constexpr Descriptor descriptor{.name = "textops",
                                .summary = "Looking at and changing the text of messages.",
                                .create = make_module<Textops>,
                                .functions = functions,
                                .statistics = statistics};

}  // namespace

}  // namespace fairlead::textops

FAIRLEAD_MODULE(fairlead::textops::descriptor)
