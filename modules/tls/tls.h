// TLS for SIP: the layer over TCP, its profiles, and what scripts and operators see of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/api/command.h"
#include "core/api/stream_layer.h"
#include "core/module.h"
#include "modules/tls/contexts.h"
#include "modules/tls/files.h"
#include "modules/tls/notes.h"
#include "modules/tls/tls_stream.h"
#include "modules/tls/wishes.h"

namespace fairlead::tls {

/// What parameters of Kamailio ask for that has no meaning here.
enum class Idle : std::uint8_t {
    compression,
    freelist,
    read_ahead,
    clear_queue,
    log,
    memory,
    library,
    callback,
    random,
    engine
};
[[nodiscard]] Result<void> pass_over(Idle what);

/// The default, beside the configuration.
inline constexpr const char* kCertificate = "cert.pem";

class Tls final : public Module, public StreamLayer, StreamWatcher {
public:
    // Parameters
    std::string config, tls_method = "TLSv1.2+", certificate = kCertificate, private_key, ca_list,
                        ca_path, crl, cipher_list, server_name, verify_client;
    std::int64_t verify_depth = 9, connection_timeout = 600, max_send_fragment = -1;
    int release_buffers = 1;
    bool verify_certificate = false, require_certificate = false, session_cache = false,
         renegotiation = false, send_close_notify = false;
    std::string session_id = "fairlead-tls", xavp_cfg;

    shm::Counter handshakes, failed, reloads;

    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;

    template <Idle What>
    Result<void> pass_over(const Value&) {
        return tls::pass_over(What);
    }

    // StreamLayer
    std::unique_ptr<Stream> over(std::unique_ptr<Stream> below,
                                 const NewStream& about) noexcept override;
    std::uint16_t profile_of(Message& m, const Target& to) noexcept override;
    [[nodiscard]] Ms first_lifetime() const noexcept override;

    // Functions
    Verdict is_peer_verified(Message& m);
    Verdict set_connect_server_id(Message& m, std::string_view id);

    // Commands
    Result<void> reload(Call& call);
    Result<void> info(Call& call);
    Result<void> list(Call& call);
    Result<void> options(Call& call);

    /// Of the connection that a message came over; null when that is no TLS, or is gone.
    [[nodiscard]] SSL* connection_of(const Message& m) const noexcept;

private:
    void established(TlsStream& stream) noexcept override;
    void over(TlsStream& stream) noexcept override;

    /// The profiles of the configuration's text, or of the parameters.
    [[nodiscard]] Result<std::vector<Profile>> profiles(const Files& files) const;
    /// From the disk: all files, tried out.
    [[nodiscard]] Result<Files> read_all() const;
    /// What the shelf has, made ready in this process.
    [[nodiscard]] Result<void> follow();
    [[nodiscard]] Profile profile_of_parameters(Profile::Role role) const;

    Core* core_ = nullptr;
    Folders folders_;
    Common common_;
    Shelf shelf_;
    Wishes wishes_;
    Notes notes_;
    bool is_used_ = false;  ///< there is a TLS listener
    std::size_t slot_ = 0;  ///< of messages: the wish with the server id of the next connection

    // Per process.
    std::uint16_t process_ = 0;
    BioMethodPtr method_;
    std::uint64_t number_ = 0;  ///< of the shelf, when contexts_ was made
    std::shared_ptr<const Contexts> contexts_;
    std::unordered_map<std::uint32_t, TlsStream*> streams_;
};

}  // namespace fairlead::tls
