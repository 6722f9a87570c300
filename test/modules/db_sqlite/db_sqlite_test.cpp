// Databases in files: statements, answers, tables made on first use, and what fails.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "modules/db/api.h"
#include "modules/db_sqlite/db_sqlite.h"
#include "modules/db_sqlite/wire.h"
#include "test/support/module_host.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

constexpr db::Table kBooks{
    .name = "books",
    .version = 3,
    .sql =
        "CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT UNIQUE, price REAL, cover "
        "BLOB); CREATE INDEX books_price ON books (price)"};

/// A module that keeps books in a database.
class Library final : public Module, db::Listener {
public:
    struct Got {
        bool ok = false, cut = false;
        std::string error, luggage, text;
        std::int64_t changed = 0;
    };
    db::Api* db = nullptr;
    std::string url;
    bool make_table = true;
    std::vector<std::string> loaded;
    std::vector<Got> answers;
    db::DatabaseId database{};
    db::StatementId insert{}, select{}, remove{};
    db::CallbackId callback{};

    Result<void> prepare(Core&) override {
        callback = db->on_answer(*this);
        database = TRY(db->open(url));
        if (make_table) TRY(db->table(database, kBooks));
        insert =
            TRY(db->prepare(database, "INSERT INTO books (title, price, cover) VALUES (?, ?, ?)"));
        select = TRY(db->prepare(
            database, "SELECT title, price, cover, NULL FROM books WHERE price >= ? ORDER BY id"));
        remove = TRY(db->prepare(database, "DELETE FROM books WHERE title = ?"));
        const db::Value from[] = {0.0};
        return db->load(select, from, [this](db::Row row) {
            loaded.emplace_back(row[0].text());
            return true;
        });
    }
    bool ask(db::StatementId statement, std::vector<db::Value> values,
             std::string_view luggage = "", std::size_t max_rows = 1000) {
        return db->query({statement, values, callback, luggage, max_rows});
    }

private:
    void answered(const db::Answer& a) noexcept override {
        std::string text;
        for (std::size_t n = 0; n < a.rows; ++n) {
            for (const db::Value& v : a.row(n)) {
                text += v.is_null() ? "NULL" : std::string(v.text());
                if (v.type() == db::Value::Type::real) text += std::to_string(v.real());
                text += '|';
            }
        }
        answers.push_back(
            {a.ok, a.cut, std::string(a.error), std::string(a.luggage), text, a.changed});
    }
};

constexpr Need needed[] = {needs<&Library::db>()};
constexpr Param params[] = {param<&Library::url>("db_url", "Where."),
                            param<&Library::make_table>("make_table", "Whether.")};
constexpr Descriptor descriptor{.name = "library",
                                .summary = "For tests.",
                                .create = make_module<Library>,
                                .params = params,
                                .needs = needed};

class Host : public ModuleHost {
public:
    explicit Host(std::string path, bool make_table = true) {
        load("db_sqlite");
        add(descriptor);
        param("library", "db_url", std::string_view(path));
        param("library", "make_table", make_table);
        on_request([](Message&) {});
    }
    Library& library() { return *module<Library>("library"); }
    void settle() { advance(Ms(50)); }
};

}  // namespace

TEST_CASE("URLs name files: relative ones below the working directory") {
    CHECK(db_sqlite::path_of("sqlite:///a/b.db", "/srv").value() == "/srv/a/b.db");
    CHECK(db_sqlite::path_of("sqlite:////a/b.db", "/srv").value() == "/a/b.db");
    for (const std::string_view wrong :
         {"", "mysql://u:p@h/d", "sqlite://", "sqlite:///", "sqlite://a", "sqlite"})
        CHECK_FALSE(db_sqlite::path_of(wrong, "/srv").has_value());
    CHECK_FALSE(db_sqlite::path_of(std::string_view("sqlite:////a\0b", 14), "/srv").has_value());
}

TEST_CASE("a statement runs, and its answer comes later to the process that asked") {
    const TempFolder folder;
    Host host("sqlite:///" + std::string(folder.path()) + "/k.db");
    host.start();
    Library& library = host.library();
    CHECK(library.loaded.empty());
    REQUIRE(library.ask(library.insert, {"Emma", 3.5, db::Value::blob({"\0x", 2})}, "one"));
    REQUIRE(library.ask(library.insert, {"Persuasion", 4, {}}, "two"));
    REQUIRE(library.ask(library.select, {1}, "three"));
    CHECK(library.answers.empty());
    host.settle();
    REQUIRE(library.answers.size() == 3);
    CHECK(library.answers[0].ok);
    CHECK(library.answers[0].changed == 1);
    CHECK(library.answers[0].luggage == "one");
    CHECK(library.answers[2].text ==
          std::string("Emma|3.500000|\0x|NULL|Persuasion|4.000000|NULL|NULL|", 52));
    CHECK(host.statistic("db_sqlite", "queries") == 3);
    CHECK(host.leaks().empty());
}

TEST_CASE("what is refused is told, and does not take the others with it") {
    const TempFolder folder;
    Host host("sqlite:///" + std::string(folder.path()) + "/k.db");
    host.start();
    Library& library = host.library();
    (void)library.ask(library.insert, {"Emma", 1, {}});
    (void)library.ask(library.insert, {"Emma", 2, {}});  // not unique
    (void)library.ask(library.insert, {"Sanditon"});     // too few values
    (void)library.ask(library.insert, {"Sanditon", 3, {}});
    (void)library.ask(library.select, {0});
    host.settle();
    REQUIRE(library.answers.size() == 5);
    CHECK(library.answers[0].ok);
    CHECK_FALSE(library.answers[1].ok);
    CHECK(library.answers[1].error.find("UNIQUE") != std::string::npos);
    CHECK_FALSE(library.answers[2].ok);
    CHECK(library.answers[3].ok);
    CHECK(library.answers[4].text == "Emma|1.000000|NULL|NULL|Sanditon|3.000000|NULL|NULL|");
    CHECK(host.statistic("db_sqlite", "failures") == 2);
}

TEST_CASE("answers are bounded in rows, and long ones come whole") {
    const TempFolder folder;
    Host host("sqlite:///" + std::string(folder.path()) + "/k.db");
    host.start();
    Library& library = host.library();
    const std::string title(40'000, 'x');
    (void)library.ask(library.insert, {std::string_view(title), 1, {}});
    (void)library.ask(library.insert, {"b", 2, {}});
    (void)library.ask(library.select, {0}, "", 1);
    (void)library.ask(library.select, {2}, "", 1);
    host.settle();
    REQUIRE(library.answers.size() == 4);
    CHECK(library.answers[2].cut);
    CHECK(library.answers[2].text.size() == title.size() + 20);
    CHECK_FALSE(library.answers[3].cut);
    CHECK(host.leaks().empty());
}

TEST_CASE("a queue that is full, luggage that is too long and no memory are refusals") {
    const TempFolder folder;
    Host host("sqlite:///" + std::string(folder.path()) + "/k.db");
    host.param("db_sqlite", "queue_size", 2);
    host.start();
    Library& library = host.library();
    CHECK_FALSE(library.ask(library.select, {0}, std::string(db::Query::kMaxLuggage + 1, 'x')));
    for (const std::uint64_t n : {1, 2}) {
        host.segment->fail_nth(n);
        CHECK_FALSE(library.ask(library.select, {0}));
    }
    CHECK(library.ask(library.select, {0}));
    CHECK(library.ask(library.select, {0}));
    CHECK(host.statistic("db_sqlite", "waiting") == 2);
    CHECK_FALSE(library.ask(library.select, {0}));
    CHECK(host.statistic("db_sqlite", "dropped") == 4);
    host.settle();
    CHECK(library.answers.size() == 2);
    CHECK(host.statistic("db_sqlite", "waiting") == 0);
    CHECK(library.ask(library.select, {0}));
}

TEST_CASE("what was asked and not run is run at the end; a new server loads it") {
    const TempFolder folder;
    const std::string url = "sqlite:///" + std::string(folder.path()) + "/k.db";
    {
        Host host(url);
        host.start();
        (void)host.library().ask(host.library().insert, {"Emma", 1, {}});
    }
    Host host(url);
    host.start();
    CHECK(host.library().loaded == std::vector<std::string>{"Emma"});
}

TEST_CASE("a table of another version, or a database without it, ends the start") {
    const TempFolder folder;
    const std::string url = "sqlite:///" + std::string(folder.path()) + "/k.db";
    SECTION("no table") {
        Host host(url, false);
        const auto started = host.try_start();
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error().str().find("no such table: books") != std::string::npos);
    }
    SECTION("another version") {
        {
            Host(url).start();
        }
        auto c = db_sqlite::Connection::open({.path = std::string(folder.path()) + "/k.db"});
        REQUIRE(c.has_value());
        REQUIRE(c->execute("UPDATE version SET table_version = 2 WHERE table_name = 'books'"));
        Host host(url);
        const auto started = host.try_start();
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error().str().find("table books has version 2, and 3 is needed") !=
              std::string::npos);
    }
    SECTION("no folder") {
        Host host("sqlite:///" + std::string(folder.path()) + "/none/k.db");
        CHECK_FALSE(host.try_start().has_value());
    }
}

TEST_CASE("bytes that are no values are refused") {
    std::string bytes;
    db_sqlite::put_value(bytes, "text");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        std::string_view cut(bytes.data(), size);
        CHECK_FALSE(db_sqlite::take_value(cut).has_value());
    }
    std::string_view wrong = "\x7f";
    CHECK_FALSE(db_sqlite::take_value(wrong).has_value());
    db::CallbackId callback{};
    std::vector<db::Value> values;
    CHECK_FALSE(db_sqlite::read_answer("short", callback, values).has_value());
}
