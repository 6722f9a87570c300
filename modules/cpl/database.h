// Scripts in a database, in Kamailio's table. What is asked of it comes true later; no worker
// waits. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/api/core.h"
#include "modules/cpl/store.h"
#include "modules/db/api.h"
#include "modules/tm/api.h"

namespace fairlead::cpl {

struct TableNames {
    std::string url, table = "cpl", username = "username", domain = "domain", xml = "cpl_xml",
                     compiled = "cpl_bin";
};

/// A change that the database is asked for.
struct Asked {
    Proposal proposal;
    tm::SuspendToken transaction;  ///< of the REGISTER that waits for it; a ticket of 0: none
};

class Database final : private db::Listener {
public:
    /// Told whether the database took a change: in the event loop of the process that asked, or of
    /// the one that was forked after its death.
    using Settled = std::function<void(const Asked& asked, bool ok)>;
    /// The same, behind it; lost with the process that asked.
    using Done = std::function<void(bool ok)>;
    using EachScript = std::function<Result<void>(std::string_view user, std::string_view domain,
                                                  std::string_view xml, std::string_view compiled)>;

    /// Before fork: makes the table or checks its version. Without a URL there is no database. In
    /// one process at most `most` changes wait for it.
    Result<void> prepare(Core& core, db::Api* api, const TableNames& names, std::size_t most,
                         Settled settled);
    [[nodiscard]] bool is_used() const noexcept { return api_ != nullptr; }
    /// Before fork: every row that has a script.
    Result<void> load(const EachScript& each);
    /// Before fork: the compiled form of a row that was loaded, made anew.
    Result<void> refresh(std::string_view user, std::string_view domain, std::string_view compiled);

    /// After fork. `owner` is user or user@domain. When it was not taken, nobody is told: kBusy is
    /// the code when too many wait.
    static constexpr int kBusy = 503;
    [[nodiscard]] Result<void> save(const Asked& asked, std::string_view owner,
                                    std::string_view xml, std::string_view compiled, Done done);
    [[nodiscard]] Result<void> remove(const Asked& asked, std::string_view owner, Done done);

private:
    void answered(const db::Answer& answer) noexcept override;
    Result<void> ask(db::StatementId statement, std::span<const db::Value> values,
                     const Asked& asked, Done done);

    Core* core_ = nullptr;
    db::Api* api_ = nullptr;
    Settled settled_;
    db::StatementId load_{}, save_{}, remove_{}, refresh_{};
    db::CallbackId callback_{};
    std::unordered_map<std::uint64_t, Done> waiting_;  ///< by ticket, at most most_
    std::size_t most_ = 0;
    std::uint64_t last_ticket_ = 0;
};

}  // namespace fairlead::cpl
