// What the module auth_db offers. SPDX-License-Identifier: Apache-2.0
#include "modules/auth_db/auth_db.h"

namespace fairlead::auth_db {
namespace {

/// The table is the second argument.
Result<void> check(const Module& m, std::span<const Value> arguments) {
    if (arguments.size() > 1 && arguments[1].is_string() && !arguments[1].string().empty())
        static_cast<const AuthDb&>(m).note_table(arguments[1].string());
    return {};
}

constexpr Param params[] = {
    param<&AuthDb::db_url>("db_url", "The database: \"sqlite:////path/file.db\"."),
    param<&AuthDb::user_column>("user_column", "Column with user names."),
    param<&AuthDb::domain_column>("domain_column", "Column with domains."),
    param<&AuthDb::password_column>("password_column",
                                    "Column with passwords, or with their hashes (HA1)."),
    param<&AuthDb::password_column_2>(
        "password_column_2", "Column with hashes for clients that say user@domain as user name."),
    param<&AuthDb::calculate_ha1>("calculate_ha1", "The column has passwords, not hashes."),
    param<&AuthDb::use_domain>("use_domain", "Users of several domains differ."),
    param<&AuthDb::load_credentials>("load_credentials",
                                     "\"$avp(name)=column;column\": columns that become AVPs."),
    param<&AuthDb::force_generate_avps>("force_generate_avps",
                                        "They become AVPs also when the password is wrong."),
    param<&AuthDb::version_table>("version_table", "0: the version of the table is not checked.",
                                  {.min = 0, .max = 1}),
    param<&AuthDb::cache_interval>(
        "cache_interval",
        "Tables are kept in shared memory; after so many seconds it is looked whether another "
        "program has changed the database.",
        {.min = 1, .max = 86400}),
};
constexpr std::string_view kWww =
    "Checks Authorization against a table. 1 good, -1 malformed or forged, -2 wrong password, -3 "
    "no "
    "such user, -4 stale, -5 none, -6 nonce used. ACK and CANCEL are always good.";
constexpr std::string_view kProxy = "The same for Proxy-Authorization.";
constexpr Function functions[] = {
    checked_function<&AuthDb::www_authenticate>(check, "www_authenticate", kWww, Route::request,
                                                "realm", "table", "method"),
    checked_function<&AuthDb::www_authenticate>(check, "www_authorize", kWww, Route::request,
                                                "realm", "table", "method"),
    checked_function<&AuthDb::proxy_authenticate>(check, "proxy_authenticate", kProxy,
                                                  Route::request, "realm", "table"),
    checked_function<&AuthDb::proxy_authenticate>(check, "proxy_authorize", kProxy, Route::request,
                                                  "realm", "table"),
    checked_function<&AuthDb::auth_check>(
        check, "auth_check",
        "Authorization for REGISTER, else Proxy-Authorization. Flags: 1 the user must be that of "
        "From, for REGISTER and PUBLISH also of To: else -8; 3 not so for INVITE, BYE, PRACK, "
        "UPDATE and MESSAGE.",
        Route::request, "realm", "table", "flags"),
    checked_function<&AuthDb::is_subscriber>(
        check, "is_subscriber",
        "Whether the table has the user of a URI. Flag 2: without load_credentials.", Route::any,
        "uri", "dbtable", "flags"),
};
constexpr Statistic statistics[] = {
    statistic<&AuthDb::reloads>("reloads", "Times that a table was read again."),
    statistic<&AuthDb::rows_lost>("rows_lost", "Subscribers for whom there was no room."),
};
constexpr Need needed[] = {needs<&AuthDb::db>(), needs<&AuthDb::auth>()};

constexpr Descriptor descriptor{.name = "auth_db",
                                .summary = "Digest authentication with passwords of a database.",
                                .create = make_module<AuthDb>,
                                .params = params,
                                .functions = functions,
                                .statistics = statistics,
                                .needs = needed};

}  // namespace
}  // namespace fairlead::auth_db

FAIRLEAD_MODULE(fairlead::auth_db::descriptor)
