// Digest authentication with passwords of a database. SPDX-License-Identifier: Apache-2.0
#include "modules/auth_db/auth_db.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::auth_db {
namespace {

constexpr std::int64_t kPage = 500;
constexpr Ms kSecond{1000};
constexpr std::size_t kFirstCredential = 2;  ///< behind both passwords

/// Comes back with an answer: of which table it is a page, or the database's version.
struct Luggage {
    std::uint32_t table = 0;
    bool is_version = false;
};
std::string bytes_of(const Luggage& luggage) {
    std::string out(sizeof luggage, '\0');
    std::memcpy(out.data(), &luggage, sizeof luggage);
    return out;
}

constexpr std::string_view kSubscriber =
    "CREATE TABLE {0} (id INTEGER PRIMARY KEY NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL, "
    "domain VARCHAR(64) DEFAULT '' NOT NULL, password VARCHAR(64) DEFAULT '' NOT NULL, ha1 "
    "VARCHAR(128) DEFAULT '' NOT NULL, ha1b VARCHAR(128) DEFAULT '' NOT NULL, CONSTRAINT "
    "{0}_account_idx UNIQUE (username, domain)); CREATE INDEX {0}_username_idx ON {0} (username)";
constexpr int kSubscriberVersion = 7;

bool is_name(std::string_view name) noexcept {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        const char l = text::to_lower(c);
        return c == '_' || text::is_digit(c) || (l >= 'a' && l <= 'z');
    });
}

std::int64_t number(const Value& v) noexcept {
    return v.is_integer() ? v.integer() : text::parse_int(v.string()).value_or(0);
}

bool same_user(const sip::NameAddr* who, std::string_view user) noexcept {
    const auto uri = who != nullptr ? sip::parse_uri(who->uri) : std::nullopt;
    return uri && uri->user == user;
}
bool same_host(const sip::NameAddr* who, std::string_view host) noexcept {
    const auto uri = who != nullptr ? sip::parse_uri(who->uri) : std::nullopt;
    return uri && text::ci_equal(uri->host, host);
}

}  // namespace

// ---- Reading the table --------------------------------------------------------------------------

Result<void> AuthDb::prepare(Core& core) {
    core_ = &core;
    TRY(parse_credentials());
    for (const std::string* const column :
         {&user_column, &domain_column, &password_column, &password_column_2})
        if (!is_name(*column)) return fail("\"" + *column + "\" cannot be a column");
    database_ = TRY(db->open(db_url));
    version_ = TRY(db->prepare(database_, "PRAGMA data_version"));
    callback_ = db->on_answer(*this);
    for (const std::string& name : names_) TRY(add_table(name));
    core.timers().every(kSecond, *this);
    return {};
}

Result<void> AuthDb::parse_credentials() {
    for (std::string_view rest = load_credentials; !rest.empty();) {
        const std::size_t end = std::min(rest.find_first_of(";|"), rest.size());
        const std::string_view one = text::trim(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (one.empty()) continue;
        const std::size_t equals = one.find('=');
        const std::string_view column =
            text::trim(equals == one.npos ? one : one.substr(equals + 1));
        std::string_view avp = equals == one.npos ? column : text::trim(one.substr(0, equals));
        if (avp.starts_with("$avp(") && avp.ends_with(')')) avp = avp.substr(5, avp.size() - 6);
        if (avp.starts_with("s:") || avp.starts_with("i:")) avp.remove_prefix(2);
        if (avp.empty() || !is_name(column) ||
            credentials_.size() + kFirstCredential + 1 >= Entry::kTexts)
            return fail("load_credentials: \"" + std::string(one) + "\" is not understood");
        credentials_.push_back({std::string(avp), std::string(column)});
    }
    return {};
}

void AuthDb::note_table(std::string_view name) const {
    if (std::ranges::find(names_, name) == names_.end()) names_.emplace_back(name);
}

Result<void> AuthDb::add_table(const std::string& name) {
    if (!is_name(name)) return fail("\"" + name + "\" cannot be a table");
    const std::string sql = fmt::format(kSubscriber, name);
    TRY(db->table(database_, {name, kSubscriberVersion, sql, version_table != 0}));
    Table& table = tables_.emplace_back();
    table.name = name;
    TRY(table.cache.prepare(*core_));
    std::string columns =
        fmt::format("rowid, {}, {}, {}, {}", user_column, domain_column, password_column,
                    calculate_ha1 ? password_column : password_column_2);
    for (const Credential& c : credentials_) columns += ", " + c.column;
    table.page = TRY(db->prepare(
        database_,
        fmt::format("SELECT {} FROM {} WHERE rowid > ? ORDER BY rowid LIMIT ?", columns, name)));
    const db::Value all[] = {std::int64_t{-1}, std::int64_t{-1}};
    return db->load(table.page, all, [&](db::Row row) {
        take_row(table, row);
        return true;
    });
}

std::string_view AuthDb::key(Arena& arena, std::string_view user, std::string_view domain) const {
    if (!use_domain) return arena.concat({user, "@"});
    std::string lower(domain);
    std::ranges::transform(lower, lower.begin(), text::to_lower);
    return arena.concat({user, "@", lower});
}

void AuthDb::take_row(Table& table, db::Row row) {
    Arena arena(512);
    std::vector<std::string_view> texts{key(arena, row[1].text(), row[2].text())};
    for (const db::Value& column : row.subspan(3))
        texts.push_back(column.type() == db::Value::Type::integer
                            ? arena.copy(std::to_string(column.integer()))
                            : column.text());
    if (table.cache.put(texts, table.round)) return;
    rows_lost.add();
    LOG(error, "no room for a subscriber of {}: raise shm_mem_size (-m)", table.name);
}

void AuthDb::tick() noexcept {
    if (++ticks_ < cache_interval) return;
    ticks_ = 0;
    const std::string luggage = bytes_of({.is_version = true});
    (void)db->query({version_, {}, callback_, luggage, 1});
}

void AuthDb::ask_page(std::size_t table, std::int64_t behind) {
    const db::Value values[] = {behind, kPage};
    const std::string luggage = bytes_of({.table = static_cast<std::uint32_t>(table)});
    Table& t = tables_[table];
    t.is_reading = db->query({t.page, values, callback_, luggage, static_cast<std::size_t>(kPage)});
    if (!t.is_reading) last_version_ = -1;  // the next tick begins anew
}

void AuthDb::answered(const db::Answer& answer) noexcept {
    Luggage luggage;
    if (answer.luggage.size() != sizeof luggage) return;
    std::memcpy(&luggage, answer.luggage.data(), sizeof luggage);
    if (luggage.is_version) {
        if (!answer.ok || answer.rows == 0) return;
        const std::int64_t version = answer.row(0)[0].integer();
        const bool is_reading =
            std::ranges::any_of(tables_, [](const Table& t) { return t.is_reading; });
        if (version == last_version_ || is_reading) return;
        last_version_ = version;
        for (std::size_t i = 0; i < tables_.size(); ++i) {
            ++tables_[i].round;
            ask_page(i, -1);
        }
        return;
    }
    if (luggage.table >= tables_.size()) return;
    Table& table = tables_[luggage.table];
    if (!answer.ok) {
        table.is_reading = false;
        last_version_ = -1;
        return;
    }
    for (std::size_t n = 0; n < answer.rows; ++n) take_row(table, answer.row(n));
    if (answer.rows == static_cast<std::size_t>(kPage))
        return ask_page(luggage.table, answer.row(answer.rows - 1)[0].integer());
    table.cache.sweep(table.round);
    table.is_reading = false;
    reloads.add();
}

// ---- Functions ----------------------------------------------------------------------------------

AuthDb::Table* AuthDb::find_table(std::string_view name) noexcept {
    for (Table& t : tables_)
        if (t.name == name) return &t;
    LOG(error, "there is no table \"{}\": a table must be written as such in the configuration",
        name);
    return nullptr;
}

void AuthDb::load_avps(Message& m, const std::vector<std::string_view>& row) const {
    for (std::size_t i = 0; i < credentials_.size(); ++i)
        if (!row[kFirstCredential + i].empty())
            m.avps.add(credentials_[i].avp, row[kFirstCredential + i]);
}

Verdict AuthDb::authenticate(Message& m, sip::HeaderType type, std::string_view realm,
                             std::string_view table, std::string_view method) {
    constexpr int kError = -1, kNoUser = -3, kNone = -5;
    // RFC 3261 22.1: neither can be challenged.
    if (m.sip.method() == sip::Method::ack || m.sip.method() == sip::Method::cancel)
        return Verdict::yes;
    Table* const t = find_table(table);
    if (t == nullptr || realm.empty()) return Verdict(kError);
    bool malformed = false;
    const auto account = auth->account(m, type, realm, malformed);
    if (!account) return Verdict(malformed ? kError : kNone);
    const std::size_t at = account->user.find('@');
    const auto row =
        t->cache.find(key(m.arena, account->user.substr(0, at), account->realm), m.arena);
    if (!row) return Verdict(kNoUser);
    const std::string_view password = at == account->user.npos ? (*row)[0] : (*row)[1];
    const Verdict code = auth->authenticate(m, type, realm, password, !calculate_ha1, method);
    if (code.code > 0 || force_generate_avps) load_avps(m, *row);
    return code;
}

Verdict AuthDb::www_authenticate(Message& m, std::string_view realm, std::string_view table,
                                 std::optional<std::string_view> method) {
    return authenticate(m, sip::HeaderType::authorization, realm, table,
                        method.value_or(m.sip.method_text()));
}

Verdict AuthDb::proxy_authenticate(Message& m, std::string_view realm, std::string_view table) {
    return authenticate(m, sip::HeaderType::proxy_authorization, realm, table, m.sip.method_text());
}

bool AuthDb::is_user(const Message& m, sip::HeaderType type, std::string_view realm,
                     std::int64_t flags) const {
    constexpr std::string_view kAnonymous[] = {"INVITE", "BYE", "PRACK", "UPDATE", "MESSAGE"};
    const std::string_view method = m.sip.method_text();
    if ((flags & 2) != 0 && std::ranges::find(kAnonymous, method) != std::end(kAnonymous))
        return true;
    bool malformed = false;
    const auto account = auth->account(m, type, realm, malformed);
    if (!account) return false;
    const std::string_view user = account->user.substr(0, account->user.find('@'));
    if (!same_user(m.sip.from(), user) || !same_host(m.sip.from(), realm)) return false;
    const bool checks_to = method == "REGISTER" || method == "PUBLISH";
    if (checks_to && (!same_user(m.sip.to(), user) || !same_host(m.sip.to(), realm))) return false;
    if (method != "PUBLISH") return true;
    const auto uri = sip::parse_uri(m.uri());
    return uri && uri->user == user && text::ci_equal(uri->host, realm);
}

Verdict AuthDb::auth_check(Message& m, std::string_view realm, std::string_view table,
                           Value flags) {
    constexpr int kOtherUser = -8;
    const bool www = m.sip.method() == sip::Method::register_;
    const auto type = www ? sip::HeaderType::authorization : sip::HeaderType::proxy_authorization;
    const Verdict code = authenticate(m, type, realm, table, m.sip.method_text());
    const std::int64_t bits = number(flags);
    const bool asked = m.sip.method() != sip::Method::ack && m.sip.method() != sip::Method::cancel;
    if (code.code <= 0 || bits == 0 || !asked) return code;
    return is_user(m, type, realm, bits) ? code : Verdict(kOtherUser);
}

Verdict AuthDb::is_subscriber(Message& m, std::string_view text, std::string_view table,
                              Value flags) {
    Table* const t = find_table(table);
    const auto uri = sip::parse_uri(text);
    if (t == nullptr || !uri || uri->user.empty()) return Verdict::no;
    const auto row = t->cache.find(key(m.arena, uri->user, uri->host), m.arena);
    if (!row) return Verdict::no;
    if ((number(flags) & 2) == 0) load_avps(m, *row);
    return Verdict::yes;
}

}  // namespace fairlead::auth_db
