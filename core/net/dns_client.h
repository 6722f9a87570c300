// Asking name servers on the event loop, by c-ares. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/event/loop.h"
#include "core/net/dns_resolver.h"

namespace fairlead::dns {

struct ClientOptions {
    /// "192.0.2.1,192.0.2.2:5353,[2001:db8::1]:53": dns_servers; "": those of resolv.conf.
    std::string servers;
    Ms retry_time{500};            ///< dns_retr_time: of the first try; doubled for the next one
    int tries = 2;                 ///< dns_retr_no: of each server
    std::size_t most_servers = 0;  ///< dns_servers_no: so many of the servers are asked; 0: all
    bool use_search_list = true;   ///< dns_use_search_list: for names without a dot
};

/// One per process, made after fork; reads resolv.conf when it is made. Datagrams, and TCP for what
/// is truncated (RFC 1035 4.2, RFC 7766). Never blocks.
class Client final : public NameServers {
public:
    [[nodiscard]] static Result<std::unique_ptr<Client>> create(Loop& loop,
                                                                const ClientOptions& options);
    /// Questions that are out are not answered any more.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void ask(std::uint64_t number, const Question& question, AnswerSink& sink) override;

private:
    struct Impl;
    explicit Client(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::dns
