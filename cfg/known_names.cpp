// Which module has which well-known function or variable: for the hint when it is not loaded.
// SPDX-License-Identifier: Apache-2.0

#include "cfg/known_names.h"

#include <algorithm>

namespace fairlead::cfg {

namespace {

constexpr KnownNames kVariables[] = {
    {"pv",
     "ru ruri rU rUl rd rp rP rm rmid rv rz rs rr rb bs ou "
     "oU oUl od op oP du duri dd dp dP ds fu from fU fUl fd fn ft tu to tU tUl td tn tt ci cs "
     "csb ct cT cl ua si src_ip sp pr proto prid Ri Rp Rn Ru Rut RAi RAp RAu RAut Ras su sut "
     "sas "
     "siz conid af snd sndto sndfrom rcv mi ml mb mbu pp mt mts mf mF sf sF bf bF br bR branch "
     "sbranch hdr hdrc hfl hflc var vn vz avp xavp xavu xavi shv Ts TS Tf TF Tb TV time timef "
     "utime utimef version stat cnt sel expires msg msgbuf K via0 via1 viaZ fs fsn fsp nh "
     "re "
     "rt di dir dip dic pd pn pU pu ai ad aU Au AU ar ccp ksr rpl"},
    {"sl", "ltt"},
    {"async", "async"},
    {"tmx",
     "T_branch_idx T_reply_code T_reply_reason T_reply_last T_reply_ruid T_req T_rpl T_inv "
     "T T_branch"},
    {"rr", "route_uri fti tti rdir"},
    {"htable", "sht shtex shtcn shtcv shtinc shtdec shtrecord"},
    {"registrar", "ulc"},
    {"xhttp", "hu"},
    {"jsonrpcs", "jsonrpl"},
    {"corex", "cfg lsock"},
    {"kex", "sruid"},
    {"siputils", "pcv"},
    {"xlog", "C"},
    {"dialog", "DLG_count DLG_status DLG_lifetime dlg dlg_ctx dlg_var"},
    {"nathelper", "rr_count rr_top_count"},
};

std::string_view owner_of(std::span<const KnownNames> rows, std::string_view name) noexcept {
    for (const KnownNames& row : rows) {
        std::string_view rest = row.names;
        while (!rest.empty()) {
            const std::size_t space = std::min(rest.find(' '), rest.size());
            if (rest.substr(0, space) == name) return row.module;
            rest.remove_prefix(std::min(space + 1, rest.size()));
        }
    }
    return {};
}

}  // namespace

std::string_view why_left_out(std::string_view function) noexcept {
    struct LeftOut {
        std::string_view name, why;
    };
    constexpr std::string_view kAvpFlags = "values of $avp have no flags here: use another $avp";
    constexpr std::string_view kGroups = "parameters have one value, not one per group";
    constexpr LeftOut kRows[] = {{"exec", "a program would hold up the worker that waits for it"},
                                 {"setavpflag", kAvpFlags},
                                 {"resetavpflag", kAvpFlags},
                                 {"isavpflagset", kAvpFlags},
                                 {"cfg_select", kGroups},
                                 {"cfg_reset", kGroups}};
    for (const LeftOut& row : kRows) {
        if (row.name == function) return row.why;
    }
    return {};
}

std::span<const KnownNames> known_variables() noexcept {
    return kVariables;
}

std::string_view module_of_function(std::string_view name) noexcept {
    return owner_of(known_functions(), name);
}

std::string_view module_of_variable(std::string_view name) noexcept {
    return owner_of(kVariables, name);
}

}  // namespace fairlead::cfg
