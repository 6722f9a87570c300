// TLS over a pair of sockets: greeting, bytes, and peers that do neither. SPDX-License-Identifier:
// Apache-2.0
#include <fcntl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "core/net/stream.h"
#include "modules/tls/certificate.h"
#include "modules/tls/tls_stream.h"
#include "test/modules/tls/certificates.h"

using namespace fairlead;
using namespace fairlead::tls;
using namespace fairlead::tls::test;
using State = Stream::State;

namespace {

const Identity& authority() {
    static const Identity one("Authority", "", nullptr, true);
    return one;
}

Files files() {
    static const Files all = [] {
        Files made;
        const auto add = [&made](const std::string& name, const Identity& identity) {
            made[name + ".pem"] = identity.certificate_pem() + identity.key_pem();
        };
        add("a", Identity("a.example", "DNS:a.example", &authority()));
        add("b", Identity("b.example", "URI:sip:b.example,DNS:other.example", &authority()));
        add("self", Identity("self.example"));
        made["ca.pem"] = authority().certificate_pem();
        made["none.pem"] = "nothing";
        return made;
    }();
    return all;
}

Result<std::shared_ptr<const Contexts>> make(std::string_view text) {
    return Contexts::make(*read_profiles(text, "tls.cfg"), files(), {});
}
std::shared_ptr<const Contexts> contexts(std::string_view text) {
    auto made = make(text);
    INFO((made ? "" : made.error().str()));
    REQUIRE(made);
    return *made;
}

constexpr std::string_view kServer = "[server:default]\ncertificate = a.pem\n";
constexpr std::string_view kClient = "[client:default]\n";

/// One end of a pair of sockets, as a stream.
std::unique_ptr<Stream> end(int descriptor) {
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    // A socket of a pair has a peer without a name; TCP's own greeting is not for it.
    class Pair final : public Stream {
    public:
        explicit Pair(Fd fd) : fd_(std::move(fd)) {}
        Moved establish() noexcept override { return {}; }
        Moved read(std::span<char> into) noexcept override {
            const auto n = recv(fd_.get(), into.data(), into.size(), 0);
            if (n > 0) return {State::ok, static_cast<std::size_t>(n), 0};
            if (n == 0) return {State::ended, 0, 0};
            return errno == EAGAIN ? Moved{State::wants_readable, 0, 0}
                                   : Moved{State::failed, 0, errno};
        }
        Moved write(std::string_view bytes) noexcept override {
            const auto n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n >= 0) return {State::ok, static_cast<std::size_t>(n), 0};
            return errno == EAGAIN ? Moved{State::wants_writable, 0, 0}
                                   : Moved{State::failed, 0, errno};
        }
        [[nodiscard]] int descriptor() const noexcept override { return fd_.get(); }

    private:
        Fd fd_;
    };
    return std::make_unique<Pair>(Fd(descriptor));
}

struct Ends {
    explicit Ends(std::string_view server_text = kServer, std::string_view client_text = kClient,
                  std::string name = {}, std::string_view id = {}) {
        std::array<int, 2> fds{};
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
        const Address at = *Address::parse("127.0.0.1", 5061);
        const auto server_side = contexts(server_text);
        const auto client_side = contexts(client_text);
        server = TlsStream::make(method.get(), {.below = end(fds[0]),
                                                .about = {.connection = 1, .local = at},
                                                .contexts = server_side,
                                                .item = server_side->server(at, {})});
        client = TlsStream::make(method.get(),
                                 {.below = end(fds[1]),
                                  .about = {.connection = 2, .remote = at, .outgoing = true},
                                  .contexts = client_side,
                                  .item = client_side->client(at, id, name),
                                  .server_name = std::move(name)});
    }
    /// Both are established; else who failed is noted.
    bool greet() {
        for (int i = 0; i < 100; ++i) {
            const auto c = client->establish();
            const auto s = server->establish();
            if (c.state == State::ok && s.state == State::ok) return true;
            client_failed = c.state == State::failed || c.state == State::ended;
            server_failed = s.state == State::failed || s.state == State::ended;
            if (client_failed || server_failed) return false;
        }
        return false;
    }
    [[nodiscard]] std::string server_cn() const {
        const auto* const c = SSL_get0_peer_certificate(client->ssl());
        return c == nullptr ? "" : *attribute(*X509_get_subject_name(c), NID_commonName);
    }

    BioMethodPtr method = make_bio_method();
    std::unique_ptr<TlsStream> server, client;
    bool client_failed = false, server_failed = false;
};

std::string read_some(Stream& stream) {
    std::array<char, 16384> room;
    const auto got = stream.read(room);
    return got.state == State::ok ? std::string(room.data(), got.bytes) : std::string();
}

}  // namespace

TEST_CASE("two ends greet and exchange bytes") {
    Ends e;
    REQUIRE(e.greet());
    CHECK(e.server_cn() == "a.example");
    CHECK(std::string(SSL_get_version(e.server->ssl())) == "TLSv1.3");
    CHECK(e.client->write("hello").bytes == 5);
    CHECK(read_some(*e.server) == "hello");
    std::array<char, 10> room;
    CHECK(e.server->read(room).state == State::wants_readable);
    e.server.reset();
    CHECK(e.client->read(room).state == State::ended);
}

TEST_CASE("a record that is read in pieces is not forgotten") {
    Ends e;
    REQUIRE(e.greet());
    REQUIRE(e.client->write("0123456789").bytes == 10);
    std::array<char, 4> room;
    CHECK(e.server->read(room).bytes == 4);
    CHECK(e.server->has_more());
    CHECK(read_some(*e.server) == "456789");
    CHECK_FALSE(e.server->has_more());
}

TEST_CASE("a peer that does not read is waited for, and nothing is lost") {
    Ends e;
    REQUIRE(e.greet());
    const std::string all(1'000'000, 'x');
    std::size_t written = 0;
    std::string read;
    bool waited = false;
    for (int i = 0; i < 100'000 && read.size() < all.size(); ++i) {
        if (written < all.size()) {
            const auto moved = e.client->write(std::string_view(all).substr(written));
            REQUIRE((moved.state == State::ok || moved.state == State::wants_writable));
            waited = waited || moved.state == State::wants_writable;
            written += moved.bytes;
            if (moved.state == State::ok) continue;
        }
        read += read_some(*e.server);
    }
    CHECK(waited);
    CHECK(read == all);
}

TEST_CASE("a key update in the middle does not disturb") {
    Ends e;
    REQUIRE(e.greet());
    REQUIRE(SSL_key_update(e.client->ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
    CHECK(e.client->write("one").bytes == 3);
    CHECK(read_some(*e.server) == "one");
    CHECK(e.server->write("two").bytes == 3);
    CHECK(read_some(*e.client) == "two");
}

TEST_CASE("what is no TLS is a failure, in whatever pieces it comes") {
    for (const std::string& text :
         {std::string("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n"),
          std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\0'), std::string(100, '\xff'),
          std::string("\x16\x03\x01\xff\xff") + std::string(1000, 'x')}) {
        std::array<int, 2> fds{};
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
        const Fd peer(fds[1]);
        const auto method = make_bio_method();
        const auto server_side = contexts(kServer);
        const auto server = TlsStream::make(method.get(), {.below = end(fds[0]),
                                                           .about = {},
                                                           .contexts = server_side,
                                                           .item = server_side->server({}, {})});
        State state = State::wants_readable;
        for (std::size_t i = 0; i < text.size() && state == State::wants_readable; ++i) {
            if (::send(peer.get(), &text[i], 1, MSG_NOSIGNAL) != 1) break;
            state = server->establish().state;
        }
        CHECK(state == State::failed);
    }
}

TEST_CASE("a peer that goes away in its greeting has gone") {
    Ends e;
    CHECK(e.client->establish().state == State::wants_readable);
    e.client.reset();
    State state = State::wants_readable;
    for (int i = 0; i < 5 && state == State::wants_readable; ++i)
        state = e.server->establish().state;
    CHECK((state == State::ended || state == State::failed));
}

TEST_CASE("a server's profile is that of the name that its client asks for") {
    constexpr std::string_view kText =
        "[server:default]\ncertificate = a.pem\n"
        "[server:any]\ncertificate = b.pem\nserver_name = b.example\nserver_name_mode = 1\n"
        "[server:127.0.0.1:5061]\ncertificate = self.pem\nserver_name = self.example\n";
    const auto cn_for = [&](const std::string& name) {
        Ends e(kText, kClient, name);
        REQUIRE(e.greet());
        return e.server_cn();
    };
    CHECK(cn_for("b.example") == "b.example");
    CHECK(cn_for("sip.b.example") == "b.example");
    CHECK(cn_for("self.example") == "self.example");
    CHECK(cn_for("unknown.example") == "a.example");
    CHECK(cn_for("") == "self.example");
}

TEST_CASE("what the profile of the name wants holds") {
    // The default asks for no certificate and speaks anything.
    constexpr std::string_view kText =
        "[server:default]\ncertificate = a.pem\n"
        "[server:any]\ncertificate = b.pem\nserver_name = strict.example\nca_list = ca.pem\n"
        "verify_certificate = yes\nrequire_certificate = yes\n"
        "[server:any]\ncertificate = b.pem\nserver_name = old.example\nmethod = TLSv1.2\n";
    CHECK(Ends(kText).greet());
    Ends without(kText, kClient, "strict.example");
    CHECK_FALSE(without.greet());
    Ends with(kText, "[client:default]\ncertificate = a.pem\n", "strict.example");
    CHECK(with.greet());
    Ends newer(kText, kClient, "old.example");
    CHECK_FALSE(newer.greet());
    CHECK(Ends(kText, "[client:default]\nmethod = TLSv1.2\n", "old.example").greet());
}

TEST_CASE("certificates of clients: required, optional, any") {
    const auto server = [](std::string_view ask) {
        return std::string(kServer) + "ca_list = ca.pem\nverify_client = " + std::string(ask);
    };
    const auto greets = [](const std::string& text, std::string_view certificate) {
        const std::string own =
            certificate.empty() ? "" : "certificate = " + std::string(certificate) + "\n";
        Ends e(text, std::string(kClient) + own);
        // A client learns of its refusal only later: what counts is what the server says.
        for (int i = 0; i < 20; ++i) {
            (void)e.client->establish();
            const auto state = e.server->establish().state;
            if (state == State::ok) return true;
            if (state == State::failed || state == State::ended) return false;
        }
        return false;
    };
    CHECK(greets(server("on"), "b.pem"));
    CHECK_FALSE(greets(server("on"), ""));
    CHECK_FALSE(greets(server("on"), "self.pem"));
    CHECK(greets(server("optional"), ""));
    CHECK_FALSE(greets(server("optional"), "self.pem"));
    CHECK(greets(server("optional_no_ca"), "self.pem"));
    CHECK(greets(server("off"), "self.pem"));
}

TEST_CASE("a server's certificate is verified, its name too if the profile wants it (RFC 5922)") {
    const auto greets = [](std::string_view certificate, std::string_view settings,
                           std::string name) {
        return Ends("[server:default]\ncertificate = " + std::string(certificate),
                    "[client:default]\n" + std::string(settings), std::move(name))
            .greet();
    };
    constexpr std::string_view kVerify = "verify_certificate = yes\nca_list = ca.pem\n";
    CHECK(greets("a.pem", kVerify, "any.example"));
    CHECK_FALSE(greets("self.pem", kVerify, "self.example"));
    CHECK_FALSE(greets("a.pem", "verify_certificate = yes\n", "a.example"));
    const std::string named = std::string(kVerify) + "verify_name = yes\n";
    CHECK(greets("a.pem", named, "A.example"));
    CHECK_FALSE(greets("a.pem", named, "any.example"));
    // A URI of SIP in it says it all: the host's name does not count then.
    CHECK(greets("b.pem", named, "b.example"));
    CHECK_FALSE(greets("b.pem", named, "other.example"));
    CHECK_FALSE(greets("a.pem", named, ""));  // 127.0.0.1 is not in it
}

TEST_CASE("the client's profile: by id, by address, by name") {
    const auto made = contexts(
        "[client:default]\n[client:127.0.0.1:5061]\n"
        "[client:any]\nserver_name = a.example\n"
        "[client:192.0.2.1:1]\nserver_id = one\n");
    const Address here = *Address::parse("127.0.0.1", 5061);
    const Address there = *Address::parse("127.0.0.1", 5062);
    CHECK(made->client(here, "", "")->profile.name() == "client:127.0.0.1:5061");
    CHECK(made->client(there, "", "")->profile.name() == "client:default");
    CHECK(made->client(there, "", "a.example")->profile.name() == "client:any");
    CHECK(made->client(here, "one", "a.example")->profile.name() == "client:192.0.2.1:1");
    CHECK(made->client(there, "other", "")->profile.name() == "client:default");
    CHECK(contexts("[client:any]\nserver_name = x\n")->client(here, "", "") == nullptr);
}

TEST_CASE("files that are wrong are named") {
    const auto error_of = [](std::string_view text) { return make(text).error().str(); };
    CHECK(error_of("[server:default]\n") == "tls.cfg:1: [server:default] needs certificate = FILE");
    CHECK(error_of("[server:default]\ncertificate = none.pem")
              .starts_with("tls.cfg:1: [server:default]: there is no certificate that can be used "
                           "in none.pem"));
    CHECK(error_of("[server:default]\ncertificate = ca.pem")
              .starts_with("tls.cfg:1: [server:default]: there is no private key without a "
                           "password in ca.pem"));
    CHECK(error_of("[server:default]\ncertificate = a.pem\nprivate_key = b.pem")
              .starts_with("tls.cfg:1: [server:default]: the private key does not belong to the "
                           "certificate a.pem: it is in b.pem"));
    CHECK(error_of("[client:default]\nca_list = none.pem")
              .starts_with("tls.cfg:1: [client:default]: there is no certificate in none.pem"));
    CHECK(error_of("[client:default]\ncrl = none.pem").find("revoked") != std::string::npos);
    CHECK(error_of("[client:default]\ncipher_list = NOTHING")
              .starts_with("tls.cfg:1: [client:default]: no cipher of cipher_list = NOTHING"));
}
