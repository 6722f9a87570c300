// All profiles of a configuration, made ready for OpenSSL in this process, and the choice among
// them. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modules/tls/files.h"
#include "modules/tls/profile.h"

namespace fairlead::tls {

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freer<SSL_free>>;

/// What holds for all profiles.
struct Common {
    bool session_cache = false, renegotiation = false, release_buffers = true;
    std::int64_t max_send_fragment = -1;
    std::string session_id;
    std::array<unsigned char, 80> ticket_key{};  ///< the same in all processes
};

/// The oldest of the errors that OpenSSL noted in this thread; all are forgotten.
[[nodiscard]] std::string openssl_error();

/// Never changed once it is made. Connections keep it alive: they end with what they began with.
class Contexts {
public:
    struct Item {
        Profile profile;
        ContextPtr context;
    };
    /// Makes all of them of files that were read; the first thing that is wrong is named with what
    /// to do.
    [[nodiscard]] static Result<std::shared_ptr<const Contexts>> make(std::vector<Profile> profiles,
                                                                      const Files& files,
                                                                      const Common& common);
    Contexts() = default;
    Contexts(const Contexts&) = delete;
    Contexts& operator=(const Contexts&) = delete;

    /// For a connection that came to `local`, by the name that its client sent, or "": the profile
    /// of that name and address, of that name, of that address, the default. Null: there is none.
    [[nodiscard]] const Item* server(const Address& local, std::string_view name) const noexcept;
    /// For a connection to `remote`: the profile of that id, of the address and name, of the name,
    /// of the address, the default.
    [[nodiscard]] const Item* client(const Address& remote, std::string_view id,
                                     std::string_view name) const noexcept;
    [[nodiscard]] const std::vector<Item>& all() const noexcept { return items_; }

    /// The profile of the connection becomes that of the name that its client sent. For OpenSSL,
    /// while it greets.
    static int client_named(SSL* ssl, int* alert, void* contexts) noexcept;
    /// Where client_named() finds the address that a connection came to.
    static void set_local(SSL* ssl, const Address* local) noexcept;

private:
    [[nodiscard]] const Item* fallback(Profile::Role role) const noexcept;
    std::vector<Item> items_;
};

/// The names of the files that the profiles need, read. An error names the file and the profile.
[[nodiscard]] Result<void> read_files(const std::vector<Profile>& profiles, const Folders& folders,
                                      Files& files);

}  // namespace fairlead::tls
