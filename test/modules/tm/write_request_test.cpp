// t_write_fifo and t_write_unix: what another program reads, and what happens when it does not.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "test/modules/tm/routed.h"
#include "test/support/temp_folder.h"

namespace fairlead::test {
namespace {

/// The program at the other end of a UNIX socket.
class Listening {
public:
    explicit Listening(const std::string& path)
        : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        REQUIRE(::bind(fd_, static_cast<const sockaddr*>(static_cast<const void*>(&at)),
                       sizeof at) == 0);
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    ~Listening() { ::close(fd_); }
    /// "" when there is nothing.
    [[nodiscard]] std::string next() const {
        std::string bytes(65536, '\0');
        const ssize_t n = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return bytes;
    }

private:
    int fd_;
};

std::string line(const std::string& text, std::size_t n) {
    std::size_t from = 0;
    while (n-- != 0) from = text.find('\n', from) + 1;
    return text.substr(from, text.find('\n', from) - from);
}
std::string from_line(const std::string& text, std::size_t n) {
    std::size_t from = 0;
    while (n-- != 0) from = text.find('\n', from) + 1;
    return text.substr(from);
}

const std::string kLists =
    "modparam(\"tm\",\"tw_append\",\"append1:Email=avp[i:12];UA=hdr[User-Agent]\")\n"
    "modparam(\"tm\",\"tw_append\",\"append2:body=msg[body]\")\n"
    "modparam(\"tm\", \"tw_append\", \"test: ua=$hdr(User-Agent) ;avp=$avp(i:10);$rb;time=$Ts\")\n";

}  // namespace

TEST_CASE("t_write_unix: the request in lines, as external programs read it") {
    const TempFolder folder;
    const Listening program(folder / "s");
    Routed server(kLists +
                  "request_route { setflag(1); setflag(4); $avp(i:12) = \"me@x\"; t_newtran(); "
                  "t_write_unix(\"logger/append1\", \"" +
                  (folder / "s") + "\"); }");
    server.receive(Request("INVITE", "sip:bob@192.0.2.2:5062;x=y")
                       .branch("z9hG4bKw")
                       .call_id("w@1")
                       .from_tag("ft")
                       .header("User-Agent", "ua/1")
                       .header("Content-Type", "text/plain")
                       .body("hello\r\nworld\r\n")
                       .str());
    const std::string text = program.next();
    CHECK(line(text, 0) == "0.3");
    CHECK(line(text, 1) == "sip_request.logger");
    CHECK(line(text, 2) == "INVITE");
    CHECK(line(text, 3) == "bob");
    CHECK(line(text, 4) == "192.0.2.2");
    CHECK(line(text, 5) == "127.0.0.1");
    CHECK(line(text, 6) == ".");
    CHECK(line(text, 7) == "sip:bob@192.0.2.2:5062;x=y");
    CHECK(line(text, 8) == "sip:alice@192.0.2.1:5060");
    CHECK(line(text, 9).find("tag=ft") != std::string::npos);
    CHECK(line(text, 11) == "w@1");
    CHECK(line(text, 12) == "ft");
    CHECK(line(text, 13).empty());
    CHECK(line(text, 14) == "1");
    CHECK(line(text, 15).find(':') != std::string::npos);
    CHECK(line(text, 16) == ".");
    CHECK(line(text, 17) == ".");
    CHECK(from_line(text, 18) == "P-MsgFlags: 21\nEmail: me@x\nUA: ua/1\n.\nhello\r\nworld\r\n\n");
    CHECK(program.next().empty());
}

TEST_CASE("t_write_unix: routes of the dialog to be, loose and strict") {
    const TempFolder folder;
    const Listening program(folder / "s");
    Routed server(kLists + "request_route { t_newtran(); t_write_unix(\"x\", \"" + (folder / "s") +
                  "\"); t_reply(\"480\", \"$rc\"); }");
    const auto told = [&](std::string_view records, const char* branch) {
        server.receive(Request("OPTIONS")
                           .branch(branch)
                           .header("Contact", "<sip:me@192.0.2.1>")
                           .header("Record-Route", std::string(records))
                           .header("Record-Route", "<sip:r3;lr>")
                           .str());
        CHECK(server.all() == "SIP/2.0 480 1|");
        return program.next();
    };
    const std::string loose = told("<sip:r1;lr>,\"a, b\" <sip:r2;lr>", "z9hG4bK1");
    CHECK(line(loose, 8) == "sip:me@192.0.2.1");
    CHECK(line(loose, 16) == "<sip:r1;lr>,\"a, b\" <sip:r2;lr>,<sip:r3;lr>");
    CHECK(line(loose, 17) == "sip:r1;lr");
    CHECK(from_line(loose, 18) == "P-MsgFlags: 0\n.\n.\n");
    const std::string strict = told("<sip:r1>,<sip:r2;lr>", "z9hG4bK2");
    CHECK(line(strict, 8) == "sip:r1");
    CHECK(line(strict, 16) == "<sip:r2;lr>,<sip:r3;lr>,<sip:me@192.0.2.1>");
    CHECK(line(strict, 17) == ".");
}

TEST_CASE("tw_append in the form of the users' guide: variables, the body behind all of them") {
    const TempFolder folder;
    const Listening program(folder / "s");
    Routed server(
        kLists + "request_route { $avp(i:10) = 7; t_newtran(); t_write_unix(\"a/test\", \"" +
        (folder / "s") + "\"); t_write_unix(\"a/append2\", \"" + (folder / "s") + "\"); }");
    server.receive(Request("MESSAGE")
                       .branch("z9hG4bKw")
                       .header("User-Agent", "ua/1")
                       .header("Content-Type", "text/plain")
                       .body("hi")
                       .str());
    const std::string text = program.next();
    CHECK(line(text, 19) == "ua: ua/1");
    CHECK(line(text, 20) == "avp: 7");
    CHECK(line(text, 21).starts_with("time: "));
    CHECK(from_line(text, 22) == ".\nhi\n");
    CHECK(from_line(program.next(), 18) == "P-MsgFlags: 0\n.\nhi\n");
}

TEST_CASE("t_write_fifo: to who reads there, in both orders of its arguments") {
    const TempFolder folder;
    const std::string path = folder / "f";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    Routed server(kLists + "request_route { t_newtran(); t_write_fifo(\"voicemail/append1\",\"" +
                  path + "\"); $var(a) = $rc; t_write_req(\"" + path +
                  "\", \"voicemail\"); $var(b) = $rc; t_reply(\"480\", \"$var(a) $var(b)\"); }");
    server.request("MESSAGE", "z9hG4bK1");
    CHECK(server.all() == "SIP/2.0 480 -1 -1|");  // nobody reads
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader >= 0);
    server.request("MESSAGE", "z9hG4bK2");
    CHECK(server.all() == "SIP/2.0 480 1 1|");
    std::string text(8192, '\0');
    const ssize_t n = ::read(reader, text.data(), text.size());
    ::close(reader);
    text.resize(static_cast<std::size_t>(n));
    CHECK(text.starts_with("0.3\nsip_request.voicemail\nMESSAGE\n"));
    CHECK(text.find("0.3\n", 1) != std::string::npos);
}

TEST_CASE("what is no FIFO is not written to") {
    const TempFolder folder;
    const std::string path = folder / "plain";
    ::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    Routed server("request_route { t_newtran(); t_write_fifo(\"x\", \"" + path +
                  "\"); t_reply(\"480\", \"$rc\"); }");
    server.request("MESSAGE");
    CHECK(server.all() == "SIP/2.0 480 -1|");
    CHECK(std::filesystem::file_size(path) == 0);
}

TEST_CASE("a socket that is full: tried again until unix_tx_timeout, and then given up") {
    const TempFolder folder;
    const Listening program(folder / "s");
    Routed server(
        "modparam(\"tm\", \"unix_tx_timeout\", \"300ms\")\nrequest_route { t_newtran(); "
        "t_write_unix(\"x\", \"" +
        (folder / "s") + "\"); t_reply(\"480\", \"$rc\"); }");
    std::size_t sent = 0;
    while (server.statistic("tm", "late_writes") == 0 && sent < 2000) {
        server.request("MESSAGE", "z9hG4bK" + std::to_string(sent++));
        CHECK(server.all() == "SIP/2.0 480 1|");
    }
    REQUIRE(server.statistic("tm", "late_writes") == 1);
    // The program reads one: there is room for what waits.
    CHECK_FALSE(program.next().empty());
    server.advance(Ms(40));
    CHECK(server.statistic("tm", "lost_writes") == 0);
    server.request("MESSAGE", "z9hG4bKlost");
    CHECK(server.all() == "SIP/2.0 480 1|");
    CHECK(server.statistic("tm", "late_writes") == 2);
    server.advance(Ms(400));
    CHECK(server.statistic("tm", "lost_writes") == 1);
    std::size_t read = 1;
    while (!program.next().empty()) ++read;
    CHECK(read == sent);  // all but the one that was lost
    server.advance(Ms(40000));
    CHECK(server.leaks().empty());
}

TEST_CASE("a request that was told waits for fr_timer and is then answered 408") {
    const TempFolder folder;
    const Listening program(folder / "s");
    const std::string told = "t_write_unix(\"x\", \"" + (folder / "s") + "\");";
    Routed server("request_route { t_newtran(); " + told + " }");
    server.request();
    CHECK(server.all().empty());
    server.advance(Ms(29000));
    CHECK(server.all().empty());
    server.advance(Ms(1500));
    CHECK(server.all().starts_with("SIP/2.0 408 Request Timeout|"));
    server.advance(Ms(40000));
    server.discard_sent();
    CHECK(server.leaks().empty());

    Routed failing("request_route { t_on_failure(\"F\"); t_newtran(); " + told +
                   " }\nfailure_route[F] { t_reply(\"480\", \"$T_reply_code $ru\"); }");
    failing.request();
    failing.advance(Ms(31000));
    CHECK(failing.all().starts_with("SIP/2.0 480 408 sip:bob@192.0.2.2|"));
}

TEST_CASE("a request that was told and is cancelled: 487 at once") {
    const TempFolder folder;
    const Listening program(folder / "s");
    Routed server(
        "request_route { if ($rm == \"CANCEL\") { t_relay(); exit; } t_newtran(); "
        "t_write_unix(\"x\", \"" +
        (folder / "s") + "\"); }");
    server.request();
    server.request("CANCEL");
    const std::string lines = server.all();
    CHECK(lines.find("SIP/2.0 487 ") != std::string::npos);
    CHECK(lines.find("SIP/2.0 200 ") != std::string::npos);
}

TEST_CASE("wrong arguments of t_write are found when the configuration is read") {
    const auto refused = [](const std::string& statement) {
        try {
            Routed(kLists + "request_route { " + statement + " }");
        } catch (const std::runtime_error&) {
            return true;
        }
        return false;
    };
    CHECK(refused("t_write_fifo(\"x/nolist\", \"/tmp/f\");"));
    CHECK(refused("t_write_fifo(\"x\", \"relative\");"));
    CHECK(refused("t_write_unix(\"x\", \"/" + std::string(108, 'p') + "\");"));
    CHECK_FALSE(refused("t_write_fifo(\"/tmp/f\", \"x/append1\");"));
    const auto bad_list = [](const std::string& list) {
        try {
            Routed("modparam(\"tm\", \"tw_append\", \"" + list + "\")\nrequest_route { }");
        } catch (const std::runtime_error&) {
            return true;
        }
        return false;
    };
    CHECK(bad_list("nocolon"));
    CHECK(bad_list("a:"));
    CHECK(bad_list("a:x=plain"));
    CHECK(bad_list("a:=$ru"));
    CHECK(bad_list("a:$nosuchvariable"));
    CHECK_FALSE(bad_list("a:$ru"));
}

TEST_CASE("without a transaction nothing is told") {
    const TempFolder folder;
    const Listening program(folder / "s");
    Routed server("request_route { t_write_unix(\"x\", \"" + (folder / "s") +
                  "\"); sl_send_reply(\"480\", \"$rc\"); }");
    server.request("MESSAGE");
    CHECK(server.all() == "SIP/2.0 480 -1|");
    CHECK(program.next().empty());
}

}  // namespace fairlead::test
