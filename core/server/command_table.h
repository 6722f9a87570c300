// The commands of all modules, by name. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "core/api/command.h"
#include "core/module/registry.h"

namespace fairlead::server {

/// Filled before fork, constant afterwards.
class CommandTable final : public Commands {
public:
    void fill(const module::Registry& registry);

    [[nodiscard]] std::span<const Entry> all() const noexcept override { return entries_; }
    [[nodiscard]] const Entry* find(std::string_view name) const noexcept override;
    Result<void> run(const Entry& entry, Call& call) override;

private:
    /// Gives the arguments the types of their rows.
    [[nodiscard]] static Result<void> check_arguments(const Command& row, Call& call);

    std::vector<Entry> entries_;
};

}  // namespace fairlead::server
