// Profiles made ready for OpenSSL. SPDX-License-Identifier: Apache-2.0
#include "modules/tls/contexts.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <utility>

#include "core/api/log.h"

namespace fairlead::tls {
namespace {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using RevocationPtr = std::unique_ptr<X509_CRL, Freer<X509_CRL_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

/// Nobody is there to type a password.
int no_password(char* /*into*/, int /*size*/, int /*writing*/, void* /*user*/) {
    return 0;
}

BioPtr over(std::string_view bytes) noexcept {
    return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

/// Makes one profile's SSL_CTX.
class Maker {
public:
    Maker(const Profile& profile, const Files& files, const Common& common)
        : p_(profile), files_(files), common_(common) {}

    Result<ContextPtr> make() {
        const bool server = p_.role == Profile::Role::server;
        context_.reset(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
        if (!context_) return wrong("no memory", {});
        TRY(set_protocol());
        if (!p_.certificate.empty()) TRY(add_certificate());
        TRY(add_trusted());
        set_verification();
        if (server) set_sessions();
        return std::move(context_);
    }

private:
    [[nodiscard]] std::unexpected<Error> wrong(std::string_view what, std::string_view file) const {
        auto text = fmt::format("[{}]: {}", p_.name(), what);
        if (!file.empty()) text += fmt::format(" in {}", file);
        if (const auto why = openssl_error(); !why.empty()) text += " (" + why + ")";
        return fail(text, p_.where);
    }
    [[nodiscard]] std::string_view bytes(const std::string& file) const {
        const auto found = files_.find(file);
        return found == files_.end() ? std::string_view() : std::string_view(found->second);
    }

    Result<void> set_protocol() {
        SSL_CTX* const c = context_.get();
        std::uint64_t options = SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE;
        if (!common_.renegotiation) options |= SSL_OP_NO_RENEGOTIATION;
        SSL_CTX_set_options(c, options);
        std::uint64_t mode = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
        if (common_.release_buffers) mode |= SSL_MODE_RELEASE_BUFFERS;
        SSL_CTX_set_mode(c, static_cast<long>(mode));
        if (common_.max_send_fragment > 0)
            SSL_CTX_set_max_send_fragment(c, common_.max_send_fragment);
        if (SSL_CTX_set_min_proto_version(c, p_.versions.least) != 1 ||
            SSL_CTX_set_max_proto_version(c, p_.versions.most) != 1)
            return wrong("the system's OpenSSL does not speak " + p_.method, {});
        if (p_.cipher_list.empty()) return {};
        // Those of TLS 1.3 have a list of their own; whoever names one of them means that.
        if (SSL_CTX_set_cipher_list(c, p_.cipher_list.c_str()) != 1 &&
            SSL_CTX_set_ciphersuites(c, p_.cipher_list.c_str()) != 1)
            return wrong("no cipher of cipher_list = " + p_.cipher_list + " is known", {});
        return {};
    }

    Result<void> add_certificate() {
        const auto chain = over(bytes(p_.certificate));
        const CertificatePtr own(PEM_read_bio_X509_AUX(chain.get(), nullptr, no_password, nullptr));
        if (!own || SSL_CTX_use_certificate(context_.get(), own.get()) != 1)
            return wrong("there is no certificate that can be used", p_.certificate);
        while (X509* const next = PEM_read_bio_X509(chain.get(), nullptr, no_password, nullptr)) {
            if (SSL_CTX_add0_chain_cert(context_.get(), next) == 1) continue;
            X509_free(next);
            return wrong("the chain of certificates cannot be used", p_.certificate);
        }
        ERR_clear_error();  // behind the last one there is none
        const auto& key_file = p_.private_key.empty() ? p_.certificate : p_.private_key;
        const auto from = over(bytes(key_file));
        const KeyPtr key(PEM_read_bio_PrivateKey(from.get(), nullptr, no_password, nullptr));
        if (!key) return wrong("there is no private key without a password", key_file);
        if (SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1)
            return wrong(
                "the private key does not belong to the certificate " + p_.certificate + ": it is",
                key_file);
        return {};
    }

    Result<void> add_trusted() {
        X509_STORE* const store = SSL_CTX_get_cert_store(context_.get());
        if (!p_.ca_list.empty()) {
            if (TRY(add_all(bytes(p_.ca_list), store, p_.role == Profile::Role::server)) == 0)
                return wrong("there is no certificate", p_.ca_list);
        }
        if (!p_.ca_path.empty()) (void)TRY(add_all(bytes(p_.ca_path), store, false));
        if (p_.crl.empty()) return {};
        const auto from = over(bytes(p_.crl));
        int count = 0;
        while (const auto list = RevocationPtr(
                   PEM_read_bio_X509_CRL(from.get(), nullptr, no_password, nullptr))) {
            X509_STORE_add_crl(store, list.get());
            ++count;
        }
        if (count == 0) return wrong("there is no list of revoked certificates", p_.crl);
        ERR_clear_error();
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        return {};
    }

    /// How many certificates there were. `told`: clients are told that these are trusted.
    Result<int> add_all(std::string_view text, X509_STORE* store, bool told) {
        const auto from = over(text);
        int count = 0;
        while (const auto one = CertificatePtr(
                   PEM_read_bio_X509_AUX(from.get(), nullptr, no_password, nullptr))) {
            if (X509_STORE_add_cert(store, one.get()) != 1)
                return wrong("a certificate cannot be used", p_.ca_list);
            if (told) SSL_CTX_add_client_CA(context_.get(), one.get());
            ++count;
        }
        ERR_clear_error();
        return count;
    }

    void set_verification() {
        int mode = SSL_VERIFY_NONE;
        switch (p_.ask()) {
            case Ask::off: break;
            case Ask::on: mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT; break;
            case Ask::optional:
            case Ask::optional_no_ca: mode = SSL_VERIFY_PEER; break;
        }
        const bool any = p_.ask() == Ask::optional_no_ca;
        SSL_CTX_set_verify(context_.get(), mode, any ? accept_any : nullptr);
        SSL_CTX_set_verify_depth(context_.get(), static_cast<int>(p_.verify_depth));
        if (mode != SSL_VERIFY_NONE && !any && p_.ca_list.empty() && p_.ca_path.empty())
            LOG(warning, "{}: [{}] verifies certificates, and will refuse all: it has no ca_list",
                p_.where, p_.name());
    }

    /// What is wrong stays noted in the connection.
    static int accept_any(int /*is_good*/, X509_STORE_CTX* /*chain*/) { return 1; }

    void set_sessions() {
        SSL_CTX* const c = context_.get();
        // Sessions of one profile are not resumed under another.
        auto id = fmt::format("{}/{}/{}", common_.session_id, p_.name(), p_.server_name);
        std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
        unsigned size = 0;
        EVP_Digest(id.data(), id.size(), hash.data(), &size, EVP_sha256(), nullptr);
        SSL_CTX_set_session_id_context(c, hash.data(), std::min(size, 32U));
        if (common_.session_cache) {
            auto key = common_.ticket_key;
            SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_SERVER);
            SSL_CTX_set_tlsext_ticket_keys(c, key.data(), static_cast<long>(key.size()));
            return;
        }
        SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(c, 0);
    }

    const Profile& p_;
    const Files& files_;
    const Common& common_;
    ContextPtr context_;
};

bool is_at(const Profile& p, const Address& address) noexcept {
    if (p.match != Profile::Match::address || !p.address.same_ip(address)) return false;
    return p.address.port == 0 || p.address.port == address.port;
}

Result<void> read_one(const Profile& p, const std::string& name, const Folders& folders,
                      bool is_folder, Files& files) {
    if (name.empty() || files.contains(name)) return {};
    const auto path = folders.path(name);
    auto text = is_folder ? read_folder(path) : read_file(path);
    if (!text) return fail("[" + p.name() + "]: " + text.error().text, p.where);
    files.emplace(name, *std::move(text));
    return {};
}

}  // namespace

std::string openssl_error() {
    const auto code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return {};
    const char* const reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : fmt::format("error {}", code);
}

Result<void> read_files(const std::vector<Profile>& profiles, const Folders& folders,
                        Files& files) {
    for (const Profile& p : profiles) {
        for (const auto* const name : {&p.certificate, &p.private_key, &p.ca_list, &p.crl})
            TRY(read_one(p, *name, folders, false, files));
        TRY(read_one(p, p.ca_path, folders, true, files));
    }
    return {};
}

Result<std::shared_ptr<const Contexts>> Contexts::make(std::vector<Profile> profiles,
                                                       const Files& files, const Common& common) {
    auto made = std::make_shared<Contexts>();
    ERR_clear_error();
    for (Profile& p : profiles) {
        auto context = TRY(Maker(p, files, common).make());
        if (p.role == Profile::Role::server) {
            if (p.certificate.empty())
                return fail("[" + p.name() + "] needs certificate = FILE", p.where);
            SSL_CTX_set_tlsext_servername_callback(context.get(), client_named);
            SSL_CTX_set_tlsext_servername_arg(context.get(), made.get());
        }
        made->items_.push_back({std::move(p), std::move(context)});
    }
    return made;
}

const Contexts::Item* Contexts::fallback(Profile::Role role) const noexcept {
    for (const Item& item : items_)
        if (item.profile.role == role && item.profile.match == Profile::Match::fallback)
            return &item;
    return nullptr;
}

const Contexts::Item* Contexts::server(const Address& local, std::string_view name) const noexcept {
    const Item* by_name = nullptr;
    const Item* by_address = nullptr;
    const Item* first_there = nullptr;
    for (const Item& item : items_) {
        const Profile& p = item.profile;
        if (p.role != Profile::Role::server || p.match == Profile::Match::fallback) continue;
        const bool named = !name.empty() && p.serves(name);
        if (is_at(p, local)) {
            if (named) return &item;
            if (first_there == nullptr) first_there = &item;
            if (by_address == nullptr && p.server_name.empty()) by_address = &item;
        } else if (named && p.match == Profile::Match::any && by_name == nullptr) {
            by_name = &item;
        }
    }
    if (by_name != nullptr) return by_name;
    if (by_address != nullptr) return by_address;
    // Without a name the first one of the address serves, whatever its name.
    if (name.empty() && first_there != nullptr) return first_there;
    return fallback(Profile::Role::server);
}

const Contexts::Item* Contexts::client(const Address& remote, std::string_view id,
                                       std::string_view name) const noexcept {
    const Item* by_name = nullptr;
    const Item* by_address = nullptr;
    const Item* named_there = nullptr;
    for (const Item& item : items_) {
        const Profile& p = item.profile;
        if (p.role != Profile::Role::client) continue;
        if (!id.empty() && p.server_id == id) return &item;
        const bool named = !name.empty() && p.serves(name);
        if (is_at(p, remote)) {
            if (named && named_there == nullptr) named_there = &item;
            if (by_address == nullptr) by_address = &item;
        } else if (named && p.match == Profile::Match::any && by_name == nullptr) {
            by_name = &item;
        }
    }
    for (const auto* const found : {named_there, by_name, by_address})
        if (found != nullptr) return found;
    return fallback(Profile::Role::client);
}

void Contexts::set_local(SSL* ssl, const Address* local) noexcept {
    SSL_set_app_data(ssl, const_cast<Address*>(local));
}

int Contexts::client_named(SSL* ssl, int* alert, void* contexts) noexcept {
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const auto* const local = static_cast<const Address*>(SSL_get_app_data(ssl));
    if (name == nullptr || local == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const Item* const item = static_cast<const Contexts*>(contexts)->server(*local, name);
    if (item == nullptr) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    SSL_CTX* const context = item->context.get();
    if (SSL_get_SSL_CTX(ssl) == context) return SSL_TLSEXT_ERR_OK;
    // The version was chosen already, by the profile of the address.
    const Versions& versions = item->profile.versions;
    const int version = SSL_version(ssl);
    if ((versions.least != 0 && version < versions.least) ||
        (versions.most != 0 && version > versions.most)) {
        *alert = SSL_AD_PROTOCOL_VERSION;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    SSL_set_SSL_CTX(ssl, context);
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context), SSL_CTX_get_verify_callback(context));
    SSL_set_verify_depth(ssl, SSL_CTX_get_verify_depth(context));
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace fairlead::tls
