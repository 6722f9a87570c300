// Who may ask over HTTP, what batches of JSON-RPC are, and how metrics are written.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "modules/http/access.h"
#include "modules/jsonrpcs/document.h"
#include "modules/metrics/exposition.h"

using namespace fairlead;
using http::Accounts;

TEST_CASE("base64 is decoded, and nothing else", "[http]") {
    CHECK(http::decode_base64("") == "");
    CHECK(http::decode_base64("YQ==") == "a");
    CHECK(http::decode_base64("YWI=") == "ab");
    CHECK(http::decode_base64("YWJj") == "abc");
    CHECK(http::decode_base64("+/+/") == "\xfb\xff\xbf");
    for (const std::string_view bad :
         {"YQ", "YQ=", "Y===", "=QQ=", "YQ==YQ==", "Y Q=", "YQ=a", "YW\xc3\xa4", "====", "YWJ\n"})
        CHECK_FALSE(http::decode_base64(bad));
    CHECK_FALSE(http::decode_base64(std::string(4, '\0')));
    CHECK(http::decode_base64(std::string(65536, 'A'))->size() == 49152);
}

TEST_CASE("secrets are compared whole", "[http]") {
    CHECK(http::same_secret("", ""));
    CHECK(http::same_secret("abc", "abc"));
    for (const std::string_view other : {"", "ab", "abd", "abcd", "abcabc", "xbc"}) {
        CHECK_FALSE(http::same_secret("abc", other));
        CHECK_FALSE(http::same_secret(other, "abc"));
    }
}

TEST_CASE("a Host header that names this machine by itself", "[http]") {
    for (const std::string_view local : {"127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080",
                                         "localhost", "localhost:1", "LOCALHOST", "127.9.8.7"})
        CHECK(http::is_local_host(local));
    for (const std::string_view other :
         {"", "example.org", "example.org:8080", "192.0.2.1", "[2001:db8::1]:80",
          "localhost.evil.org", "127.0.0.1.evil.org", "127.0.0.1:x", "127.0.0.1:99999", "[::1",
          ":8080", "a:b:c"})
        CHECK_FALSE(http::is_local_host(other));
    CHECK_FALSE(http::is_local_host(std::string(65536, ':')));
}

TEST_CASE("accounts are found by their credentials", "[http]") {
    Accounts accounts;
    CHECK(accounts.empty());
    REQUIRE(accounts.add_user("admin:pass:word", Role::administrator));
    REQUIRE(accounts.add_user("watch:other", Role::reader));
    REQUIRE(accounts.add_token("0123456789abcdef", Role::reader));
    CHECK_FALSE(accounts.empty());
    const auto admin = accounts.find("Basic YWRtaW46cGFzczp3b3Jk");
    REQUIRE(admin);
    CHECK(admin->user == "admin");
    CHECK(admin->role == Role::administrator);
    const auto reader = accounts.find("basic  d2F0Y2g6b3RoZXI=");
    REQUIRE(reader);
    CHECK(reader->role == Role::reader);
    CHECK(accounts.find("Bearer 0123456789abcdef")->role == Role::reader);
    for (const std::string_view wrong :
         {"", "Basic", "Basic ", "Basic YWRtaW4=", "Basic d2F0Y2g6cGFzczp3b3Jk", "Basic !!!!",
          "Bearer", "Bearer ", "Bearer 0123456789abcdeg", "Bearer 0123456789abcdef0",
          "BasicYWRtaW46cGFzczp3b3Jk", "Digest 0123456789abcdef", "0123456789abcdef"})
        CHECK_FALSE(accounts.find(wrong));
}

TEST_CASE("accounts that nobody could use are refused", "[http]") {
    Accounts accounts;
    for (const std::string_view bad : {"", "name", ":password", "name:", "na\nme:password"})
        CHECK_FALSE(accounts.add_user(bad, Role::reader));
    for (const std::string_view bad : {"", "short", "with a blank in it", "0123456789abcde\n"})
        CHECK_FALSE(accounts.add_token(bad, Role::reader));
    CHECK(accounts.empty());
}

TEST_CASE("a batch is taken apart", "[json]") {
    const auto batch =
        jsonrpcs::read_batch(R"( [{"jsonrpc":"2.0","method":"a","id":1}, 5, {"method":"b"}] )");
    REQUIRE(batch);
    CHECK(batch->requests == std::vector<std::string>{R"({"id":1,"jsonrpc":"2.0","method":"a"})",
                                                      "5", R"({"method":"b"})"});
    CHECK(batch->wants_answer);
    CHECK_FALSE(jsonrpcs::read_batch(R"([{"method":"a"},{"method":"b"}])")->wants_answer);
    CHECK(jsonrpcs::read_batch(R"([{}])")->wants_answer);
    CHECK(jsonrpcs::read_batch("[]").error().code == jsonrpcs::kInvalidRequest);
    CHECK(jsonrpcs::read_batch("{}").error().code == jsonrpcs::kInvalidRequest);
    CHECK(jsonrpcs::read_batch("").error().code == jsonrpcs::kParseError);
    CHECK(jsonrpcs::read_batch("[").error().code == jsonrpcs::kParseError);
    CHECK(jsonrpcs::read_batch("[\"\xff\"]").error().code == jsonrpcs::kParseError);
    CHECK(jsonrpcs::read_batch(std::string(100'000, '[')).error().code == jsonrpcs::kParseError);
    std::string many = "[1";
    for (std::size_t i = 1; i < jsonrpcs::kMostInBatch; ++i) many += ",1";
    CHECK(jsonrpcs::read_batch(many + "]")->requests.size() == jsonrpcs::kMostInBatch);
    CHECK(jsonrpcs::read_batch(many + ",1]").error().code == jsonrpcs::kInvalidRequest);
}

TEST_CASE("metrics have the names that Prometheus takes", "[metrics]") {
    CHECK(metrics::metric_name("core", "bad_URIs_rcvd") == "fairlead_core_bad_uris_rcvd");
    CHECK(metrics::metric_name("sl", "1xx_replies") == "fairlead_sl_1xx_replies");
    CHECK(metrics::metric_name("a-b", "c.d \xc3\xa4\"") == "fairlead_a_b_c_d____");
}

TEST_CASE("a counter in both formats", "[metrics]") {
    std::string text, open;
    for (const auto format : {metrics::Format::text, metrics::Format::open_metrics}) {
        metrics::Exposition out(format == metrics::Format::text ? text : open, format);
        CHECK(out.begin("fairlead_a_b", metrics::Type::counter, "Back\\slash\nand \"quote\"."));
        out.sample(5);
        out.sample("worker", "a\"b\\c\n\x01", -7);
        CHECK_FALSE(out.begin("fairlead_a_b", metrics::Type::gauge, "again"));
        CHECK(out.begin("fairlead_size_bytes", metrics::Type::gauge, "", "bytes"));
        out.sample("x", "1", "y", "2", -3);
        out.end();
    }
    CHECK(text ==
          "# TYPE fairlead_a_b_total counter\n"
          "# HELP fairlead_a_b_total Back\\\\slash\\nand \"quote\".\n"
          "fairlead_a_b_total 5\n"
          "fairlead_a_b_total{worker=\"a\\\"b\\\\c\\n?\"} 0\n"
          "# TYPE fairlead_size_bytes gauge\n"
          "# HELP fairlead_size_bytes -\n"
          "fairlead_size_bytes{x=\"1\",y=\"2\"} -3\n");
    CHECK(open ==
          "# TYPE fairlead_a_b counter\n"
          "# HELP fairlead_a_b Back\\\\slash\\nand \\\"quote\\\".\n"
          "fairlead_a_b_total 5\n"
          "fairlead_a_b_total{worker=\"a\\\"b\\\\c\\n?\"} 0\n"
          "# TYPE fairlead_size_bytes gauge\n"
          "# UNIT fairlead_size_bytes bytes\n"
          "# HELP fairlead_size_bytes -\n"
          "fairlead_size_bytes{x=\"1\",y=\"2\"} -3\n"
          "# EOF\n");
}

TEST_CASE("a histogram is written with sums of all buckets below", "[metrics]") {
    shm::HistogramCells cells{};
    cells.cells[0] = 2;
    cells.cells[1] = 1;
    cells.cells[20] = 4;
    cells.cells[shm::HistogramCells::kBuckets - 1] = 3;
    cells.cells[shm::HistogramCells::kSum] = 2'500'000'001;
    std::string out;
    metrics::Exposition exposition(out, metrics::Format::text);
    REQUIRE(exposition.begin("h_seconds", metrics::Type::histogram, "H."));
    exposition.histogram("route", "failure_route[X]", cells);
    const auto has = [&](std::string_view line) { return out.find(line) != std::string::npos; };
    CHECK(has("h_seconds_bucket{route=\"failure_route[X]\",le=\"0.000001\"} 2\n"));
    CHECK(has("h_seconds_bucket{route=\"failure_route[X]\",le=\"0.000002\"} 3\n"));
    CHECK(has("le=\"0.524288\"} 3\n"));
    CHECK(has("le=\"1.048576\"} 7\n"));
    CHECK(has("le=\"536.870912\"} 7\n"));
    CHECK(has("le=\"+Inf\"} 10\n"));
    CHECK(has("h_seconds_sum{route=\"failure_route[X]\"} 2.500000001\n"));
    CHECK(has("h_seconds_count{route=\"failure_route[X]\"} 10\n"));
}

TEST_CASE("OpenMetrics is given to those who ask for it", "[metrics]") {
    using metrics::accepted, metrics::Format;
    CHECK(accepted("") == Format::text);
    CHECK(accepted("*/*") == Format::text);
    CHECK(accepted("Application/OpenMetrics-Text;version=1.0.0,text/plain;q=0.5") ==
          Format::open_metrics);
    CHECK(metrics::content_type(Format::open_metrics).starts_with("application/openmetrics-text"));
}
