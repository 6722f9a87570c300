// Scripts in a database, in Kamailio's table. What is asked of it comes true later; no worker
// waits. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/api/core.h"
#include "modules/db/api.h"

namespace fairlead::cpl {

struct TableNames {
    std::string url, table = "cpl", username = "username", domain = "domain", xml = "cpl_xml",
                     compiled = "cpl_bin";
};

class Database final : private db::Listener {
public:
    /// Told whether the database took it, in the event loop of the process that asked. Lost with
    /// that process.
    using Done = std::function<void(bool ok)>;
    using EachScript = std::function<Result<void>(std::string_view user, std::string_view domain,
                                                  std::string_view xml, std::string_view compiled)>;

    /// Before fork: makes the table or checks its version. Without a URL there is no database.
    Result<void> prepare(Core& core, db::Api* api, const TableNames& names);
    [[nodiscard]] bool is_used() const noexcept { return api_ != nullptr; }
    /// Before fork: every row that has a script.
    Result<void> load(const EachScript& each);
    /// Before fork: the compiled form of a row that was loaded, made anew.
    Result<void> refresh(std::string_view user, std::string_view domain, std::string_view compiled);

    /// After fork. `owner` is user or user@domain. False when it was not taken: then `done` is not
    /// called.
    [[nodiscard]] bool save(std::string_view owner, std::string_view xml, std::string_view compiled,
                            Done done);
    [[nodiscard]] bool remove(std::string_view owner, Done done);

private:
    void answered(const db::Answer& answer) noexcept override;
    bool ask(db::StatementId statement, std::span<const db::Value> values, Done done);

    Core* core_ = nullptr;
    db::Api* api_ = nullptr;
    db::StatementId load_{}, save_{}, remove_{}, refresh_{};
    db::CallbackId callback_{};
    std::unordered_map<std::uint64_t, Done> waiting_;  ///< as many as the database lets wait
    std::uint64_t last_ticket_ = 0;
};

}  // namespace fairlead::cpl
