// textopsx: what the module shows to the server.
// SPDX-License-Identifier: Apache-2.0
#include "modules/textopsx/textopsx.h"

namespace fairlead::textopsx {

namespace {

using M = Textopsx;
constexpr Route kAny = Route::any;
constexpr Route kReplies = Route::reply;
constexpr Route kBefore = Route::request | Route::core_reply;

constexpr Function functions[] = {
    function<&M::msg_apply_changes>(
        "msg_apply_changes", "Makes the changed message the one that is looked at.", kBefore),
    function<&M::msg_set_buffer>("msg_set_buffer", "Replaces the whole message.", kBefore, "data"),
    function<&M::change_reply_status>(
        "change_reply_status",
        "Changes status and phrase of a reply; only a negative one can change its class.", kReplies,
        "code", "reason"),
    function<&M::change_reply_status_code>("change_reply_status_code",
                                           "The same, keeps the phrase.", kReplies, "code"),
    function<&M::remove_body>("remove_body", "Removes the body.", kAny),
    function<&M::keep_hf>("keep_hf",
                          "Removes all header fields but Via, From, To, Call-ID, CSeq, Contact, "
                          "Content-Length, Content-Type, Max-Forwards, Route and Record-Route.",
                          kAny),
    function<&M::keep_hf_re>("keep_hf", "The same, keeps also the names that match.", kAny,
                             "pattern"),
    function<&M::fnmatch>("fnmatch",
                          "Matches a pattern of file names (*, ?, [a-z]); flag i: any case.", kAny,
                          "text", "pattern", "flags"),
    function<&M::append_hf_value>("append_hf_value",
                                  "Adds a value behind that of name[index]; a field at the end "
                                  "without index or when there is no such value.",
                                  kAny, "field", "value"),
    function<&M::insert_hf_value>("insert_hf_value",
                                  "Adds a value before that of name[index]; a field before the "
                                  "first without index.",
                                  kAny, "field", "value"),
    function<&M::remove_hf_value>("remove_hf_value",
                                  "Removes a value or parameter: name[index].parameter; index * is "
                                  "all, -1 the last.",
                                  kAny, "field"),
    function<&M::remove_hf_value2>("remove_hf_value2",
                                   "The same for fields like Authorization: commas separate "
                                   "parameters.",
                                   kAny, "field"),
    function<&M::assign_hf_value>("assign_hf_value",
                                  "Sets a value or parameter: name[index].parameter.", kAny,
                                  "field", "value"),
    function<&M::assign_hf_value2>("assign_hf_value2", "The same for fields like Authorization.",
                                   kAny, "field", "value"),
    function<&M::include_hf_value>("include_hf_value", "Adds a value unless it is there.", kAny,
                                   "name", "value"),
    function<&M::exclude_hf_value>("exclude_hf_value", "Removes a value if it is there.", kAny,
                                   "name", "value"),
    function<&M::hf_value_exists>("hf_value_exists", "Whether a value is there.", kAny, "name",
                                  "value"),
    function<&M::hf_start>("hf_iterator_start", "Begins to walk the header fields.", kAny, "name"),
    function<&M::hf_end>("hf_iterator_end", "Ends it.", kAny, "name"),
    function<&M::hf_next>("hf_iterator_next", "Goes to the next field.", kAny, "name"),
    function<&M::hf_prev>("hf_iterator_prev", "Goes to the previous field.", kAny, "name"),
    function<&M::hf_remove>("hf_iterator_rm", "Removes the field.", kAny, "name"),
    function<&M::hf_append>("hf_iterator_append", "Adds header lines behind it.", kAny, "name",
                            "lines"),
    function<&M::hf_insert>("hf_iterator_insert", "Adds header lines before it.", kAny, "name",
                            "lines"),
    function<&M::bl_start>("bl_iterator_start", "Begins to walk the lines of the body.", kAny,
                           "name"),
    function<&M::bl_end>("bl_iterator_end", "Ends it.", kAny, "name"),
    function<&M::bl_next>("bl_iterator_next", "Goes to the next line.", kAny, "name"),
    function<&M::bl_remove>("bl_iterator_rm", "Removes the line.", kAny, "name"),
    function<&M::bl_append>("bl_iterator_append", "Adds text behind it.", kAny, "name", "text"),
    function<&M::bl_insert>("bl_iterator_insert", "Adds text before it.", kAny, "name", "text"),
};

template <Value (M::*Read)(Message&, std::string_view)>
Value read(Module& module, Message& m, const VariableName& name) {
    return (static_cast<M&>(module).*Read)(m, name.inner);
}

constexpr Variable variables[] = {
    {.name = "hfitname",
     .doc = "The name of the field that an iterator is at.",
     .inner = Inner::required,
     .get = read<&M::hf_name>},
    {.name = "hfitbody",
     .doc = "The value of the field that an iterator is at.",
     .inner = Inner::required,
     .get = read<&M::hf_body>},
    {.name = "blitval",
     .doc = "The line that an iterator is at, with its end.",
     .inner = Inner::required,
     .get = read<&M::bl_value>},
};

constexpr Descriptor descriptor{.name = "textopsx",
                                .summary = "More operations on the text of messages.",
                                .create = make_module<Textopsx>,
                                .functions = functions,
                                .variables = variables};

}  // namespace

}  // namespace fairlead::textopsx

FAIRLEAD_MODULE(fairlead::textopsx::descriptor)
