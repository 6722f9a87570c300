// pv: questions about variables. The variables themselves are part of the language; configurations
// load this module because they come from it in Kamailio.
// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "core/api/log.h"
#include "core/api/text.h"
#include "core/module.h"

namespace fairlead::pv {

namespace {

constexpr Verdict answer(bool yes) noexcept {
    return yes ? Verdict::yes : Verdict::no;
}

bool is_empty(const Value& v) noexcept {
    return v.is_null() || (v.is_string() && v.string().empty());
}

}  // namespace

class Pv final : public Module {
public:
    Verdict pv_isset(Message& m, const VariableRef& var) { return answer(!var.get(m).is_null()); }
    Verdict pv_unset(Message& m, const VariableRef& var) { return answer(var.set(m, Value())); }
    Verdict is_int(Message& m, const VariableRef& var) { return answer(var.get(m).is_integer()); }
    Verdict not_empty(Message& m, const VariableRef& var) { return answer(!is_empty(var.get(m))); }
    Verdict type_is(Message& m, const VariableRef& var, std::string_view type) {
        const Value value = var.get(m);
        if (text::ci_equal(type, "int")) return answer(value.is_integer());
        if (text::ci_equal(type, "str")) return answer(value.is_string());
        if (text::ci_equal(type, "null")) return answer(value.is_null());
        LOG(error, "typeof takes int, str or null, not \"{}\"", type);
        return Verdict::no;
    }
};

namespace {

constexpr Function functions[] = {
    function<&Pv::pv_isset>("pv_isset", "Whether a variable has a value.", Route::any, "var"),
    function<&Pv::pv_unset>("pv_unset", "Takes a variable's value away.", Route::any, "var"),
    function<&Pv::is_int>("is_int", "Whether a variable is an integer.", Route::any, "var"),
    function<&Pv::not_empty>("not_empty", "Whether a variable has a value and it is not \"\".",
                             Route::any, "var"),
    function<&Pv::type_is>("typeof", "Whether a variable is of type int, str or null.", Route::any,
                           "var", "type"),
};

constexpr Descriptor descriptor{.name = "pv",
                                .summary = "Questions about variables.",
                                .create = make_module<Pv>,
                                .functions = functions};

}  // namespace

}  // namespace fairlead::pv

FAIRLEAD_MODULE(fairlead::pv::descriptor)
