// TLS for SIP. SPDX-License-Identifier: Apache-2.0
#include "modules/tls/tls.h"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::tls {
namespace {

/// The key of tls.cfg itself among the files: no path is empty.
constexpr std::string_view kConfig;
constexpr std::int64_t kForEver = std::int64_t{10} * 365 * 86400;  // seconds

}  // namespace

Result<void> pass_over(Idle what) {
    const auto why = [what]() -> std::string_view {
        switch (what) {
            case Idle::compression: return "tls_disable_compression: nothing is compressed";
            case Idle::freelist: return "ssl_freelist_max_len: OpenSSL has no such list any more";
            case Idle::read_ahead: return "ssl_read_ahead: records are read one by one";
            case Idle::clear_queue: return "ct_wq_…: see tcp_conn_wq_max and tcp_wq_max";
            case Idle::log: return "tls_log, tls_debug: see debug";
            case Idle::memory: return "low_mem_threshold…: workers have memory of their own";
            case Idle::library: return "tls_force_run: the library is that of the system";
            case Idle::callback: return "event_callback: there are no other languages";
            case Idle::random: return "rand_engine: OpenSSL's own generator serves";
            case Idle::engine: break;
        }
        return {};
    }();
    if (what == Idle::engine)
        return fail("keys in an engine are not supported: set private_key to a file");
    LOG(notice, "a parameter of module tls has no effect: {}", why);
    return {};
}

// ---- Configuration ------------------------------------------------------------------------------

Profile Tls::profile_of_parameters(Profile::Role role) const {
    Profile p;
    p.role = role;
    p.where = "modparam tls";
    p.method = tls_method;
    p.versions = parse_method(tls_method).value_or(Versions{});
    p.verify_certificate = verify_certificate;
    p.require_certificate = require_certificate;
    p.verify_depth = verify_depth;
    p.ca_list = ca_list;
    p.ca_path = ca_path;
    p.crl = crl;
    p.cipher_list = cipher_list;
    const bool server = role == Profile::Role::server;
    if (server) p.verify_client = parse_ask(verify_client);
    // A client needs no certificate: that of servers is shown when it was given for both.
    if (server || certificate != kCertificate) {
        p.certificate = certificate;
        p.private_key = private_key;
    }
    if (!server) p.server_name = server_name;
    return p;
}

Result<std::vector<Profile>> Tls::profiles(const Files& files) const {
    std::vector<Profile> all;
    if (!config.empty()) {
        const auto text = files.find(kConfig);
        all = TRY(read_profiles(text == files.end() ? std::string_view() : text->second,
                                folders_.path(config)));
    }
    for (const auto role : {Profile::Role::server, Profile::Role::client})
        if (std::ranges::none_of(all, [role](const Profile& p) {
                return p.role == role && p.match == Profile::Match::fallback;
            }))
            all.push_back(profile_of_parameters(role));
    return all;
}

Result<Files> Tls::read_all() const {
    Files files;
    if (!config.empty()) files.emplace(kConfig, TRY(read_file(folders_.path(config))));
    auto all = TRY(profiles(files));
    TRY(read_files(all, folders_, files));
    (void)TRY(Contexts::make(std::move(all), files, common_));
    return files;
}

Result<void> Tls::follow() {
    Files files;
    const auto number = shelf_.take(files);
    auto wanted = TRY(profiles(files));
    auto made = TRY(Contexts::make(std::move(wanted), files, common_));
    for (auto& [name, bytes] : files) OPENSSL_cleanse(bytes.data(), bytes.size());
    contexts_ = std::move(made);
    number_ = number;
    return {};
}

Result<void> Tls::prepare(Core& core) {
    core_ = &core;
    TRY(parse_method(tls_method));
    if (!verify_client.empty() && !parse_ask(verify_client))
        return fail("parameter verify_client of module tls is off, on, optional or optional_no_ca");
    if (max_send_fragment != -1 && max_send_fragment < 512)
        return fail("parameter ssl_max_send_fragment of module tls is -1 or 512 to 16384");
    folders_ = {std::string(core.globals().config_directory),
                std::string(core.globals().work_directory)};
    common_.session_cache = session_cache;
    common_.renegotiation = renegotiation;
    common_.release_buffers = release_buffers != 0;
    common_.max_send_fragment = max_send_fragment;
    common_.session_id = session_id;
    if (RAND_bytes(common_.ticket_key.data(), static_cast<int>(common_.ticket_key.size())) != 1)
        return fail("there are no random bytes for the key of TLS sessions");
    slot_ = core.message_slot();
    is_used_ = std::ranges::any_of(core.net().listeners(),
                                   [](const Listener& l) { return l.proto == Proto::tls; });
    if (!is_used_) {
        LOG(notice, "there is no TLS listener: nothing is done by TLS");
        return {};
    }
    const Files files = TRY(read_all());
    if (!shelf_.prepare(core) || !wishes_.prepare(core) || !shelf_.put(files))
        return fail("no shared memory for the files of TLS: raise shm_mem_size (-m)");
    TRY(notes_.map(core.globals().max_connections));
    core.net().set_stream_layer(this);
    return {};
}

Result<void> Tls::start(const Process& process) {
    process_ = process.slot;
    if (!is_used_) return {};
    if (process.reborn) notes_.clear_all(process_);
    method_ = make_bio_method();
    if (!method_) return fail("OpenSSL cannot be used");
    if (process.kind == Process::Kind::worker) TRY(follow());
    return {};
}

void Tls::stop() noexcept {
    contexts_.reset();
}

// ---- Connections --------------------------------------------------------------------------------

std::unique_ptr<Stream> Tls::over(std::unique_ptr<Stream> below, const NewStream& about) noexcept {
    // A certificate that was changed is used from the next connection on, in every process.
    if (contexts_ == nullptr || shelf_.number() != number_) {
        if (const auto done = follow(); !done) {
            LOG(error, "the new configuration of TLS cannot be used: {}", done.error().str());
            number_ = shelf_.number();
        }
    }
    if (contexts_ == nullptr || about.profile == Wishes::kNone) return nullptr;
    const auto wish = wishes_.get(about.profile);
    const auto* const item = about.outgoing
                                 ? contexts_->client(about.remote, wish.server_id, wish.server_name)
                                 : contexts_->server(about.local, {});
    if (item == nullptr) return nullptr;
    std::string name(wish.server_name);
    if (name.empty() && about.outgoing) name = item->profile.server_name;
    auto stream = TlsStream::make(method_.get(), {.below = std::move(below),
                                                  .about = about,
                                                  .contexts = contexts_,
                                                  .item = item,
                                                  .server_name = std::move(name),
                                                  .watcher = this,
                                                  .close_notify = send_close_notify});
    if (stream == nullptr) {
        LOG(error, "no memory for a TLS connection");
        return nullptr;
    }
    streams_[about.connection] = stream.get();
    return stream;
}

std::uint16_t Tls::profile_of(Message& m, const Target& /*to*/) noexcept {
    Wishes::Wish wish;
    if (!xavp_cfg.empty()) {
        if (const Xavp* const set = m.xavps.find(*m.xavps.roots(), xavp_cfg, 0);
            set != nullptr && set->is_set) {
            const auto text = [&](std::string_view name) {
                const Xavp* const field = m.xavps.find(set->fields, name, 0);
                return field == nullptr ? std::string_view() : field->value.string();
            };
            wish = {text("server_id"), text("server_name")};
        }
    }
    if (const auto set = std::exchange(m.slots[slot_], 0); set != 0)  // for the next one only
        wish.server_id = wishes_.get(static_cast<std::uint16_t>(set)).server_id;
    const auto number = wishes_.number(wish);
    if (number == Wishes::kNone)
        LOG(error,
            "no TLS connection: more than {} different server_id and server_name, or one of "
            "more than {} bytes",
            Wishes::kMost, Wishes::kText);
    return number;
}

Ms Tls::first_lifetime() const noexcept {
    return Ms((connection_timeout < 0 ? kForEver : connection_timeout) * 1000);
}

void Tls::established(TlsStream& stream) noexcept {
    handshakes.add();
    const NewStream& about = stream.about();
    Notes::Row row;
    row.connection = about.connection;
    row.remote = about.remote;
    row.local = about.local;
    row.outgoing = about.outgoing;
    row.open = true;
    if (const SSL_CIPHER* const cipher = SSL_get_current_cipher(stream.ssl()); cipher != nullptr)
        SSL_CIPHER_description(cipher, row.cipher.data(), static_cast<int>(row.cipher.size()));
    notes_.set(process_, row);
}

void Tls::over(TlsStream& stream) noexcept {
    const auto found = streams_.find(stream.about().connection);
    if (found == streams_.end() || found->second != &stream) return;
    streams_.erase(found);
    notes_.clear(stream.about().connection);
    if (!stream.is_established()) failed.add();
}

SSL* Tls::connection_of(const Message& m) const noexcept {
    const auto found = streams_.find(m.received.connection);
    if (m.received.connection == 0 || found == streams_.end()) return nullptr;
    // The number may have become another's since the message came.
    const TlsStream& stream = *found->second;
    return stream.about().remote == m.received.source ? stream.ssl() : nullptr;
}

// ---- Functions ----------------------------------------------------------------------------------

Verdict Tls::is_peer_verified(Message& m) {
    SSL* const ssl = connection_of(m);
    return Verdict::of(ssl != nullptr && SSL_get0_peer_certificate(ssl) != nullptr &&
                       SSL_get_verify_result(ssl) == X509_V_OK);
}

Verdict Tls::set_connect_server_id(Message& m, std::string_view id) {
    m.slots[slot_] = 0;
    if (id.empty() || !is_used_) return Verdict::yes;
    const auto number = wishes_.number({.server_id = id, .server_name = {}});
    if (number == Wishes::kNone) return Verdict::no;
    m.slots[slot_] = number;
    return Verdict::yes;
}

// ---- Commands -----------------------------------------------------------------------------------

Result<void> Tls::reload(Call& call) {
    if (!is_used_) return fail("there is no TLS listener: enable_tls=yes and listen=tls:…");
    if (config.empty())
        return fail("there is nothing to load: set the parameter config of module tls to a file");
    const auto files = read_all();
    if (!files) return fail(files.error().str());  // with the place: all that the asker sees
    if (!shelf_.put(*files)) return fail("no shared memory for the files of TLS");
    reloads.add();
    LOG(notice, "TLS: {} is loaded, new connections follow it", folders_.path(config));
    call.answer().text("Ok. TLS configuration reloaded.");
    return {};
}

Result<void> Tls::info(Call& call) {
    const auto rows = notes_.rows();
    Answer& a = call.answer();
    a.begin_struct();
    a.integer("max_connections", static_cast<std::int64_t>(core_->globals().max_connections));
    a.integer("opened_connections", static_cast<std::int64_t>(rows.size()));
    // Nothing waits in clear: what cannot be written stays in the connection's queue.
    a.integer("clear_text_write_queued_bytes", 0);
    a.end_struct();
    return {};
}

Result<void> Tls::list(Call& call) {
    Answer& a = call.answer();
    for (const auto& row : notes_.rows()) {
        a.begin_struct();
        a.integer("id", row.connection);
        a.text("src_ip", row.remote.ip_text());
        a.integer("src_port", row.remote.port);
        a.text("dst_ip", row.local.ip_text());
        a.integer("dst_port", row.local.port);
        a.text("cipher", text::trim(row.cipher.data()));
        a.text("direction", row.outgoing ? "out" : "in");
        a.text("state", "established");
        a.end_struct();
    }
    return {};
}

Result<void> Tls::options(Call& call) {
    Answer& a = call.answer();
    a.begin_struct();
    a.text("method", tls_method);
    a.integer("verify_certificate", verify_certificate ? 1 : 0);
    a.integer("verify_depth", verify_depth);
    a.integer("require_certificate", require_certificate ? 1 : 0);
    a.text("verify_client", verify_client.empty() ? "off" : verify_client);
    a.text("private_key", private_key);
    a.text("ca_list", ca_list);
    a.text("certificate", certificate);
    a.text("cipher_list", cipher_list);
    a.integer("session_cache", session_cache ? 1 : 0);
    a.text("session_id", session_id);
    a.text("config", config.empty() ? config : folders_.path(config));
    a.integer("connection_timeout", connection_timeout);
    a.integer("ssl_release_buffers", release_buffers);
    a.integer("ssl_max_send_fragment", max_send_fragment);
    a.integer("send_close_notify", send_close_notify ? 1 : 0);
    a.end_struct();
    return {};
}

}  // namespace fairlead::tls
