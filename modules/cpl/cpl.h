// The module: runs subscribers' scripts for calls, and takes them by REGISTER.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "core/module.h"
#include "modules/cpl/compile.h"
#include "modules/cpl/machine.h"
#include "modules/cpl/request.h"
#include "modules/cpl/store.h"
#include "modules/sl/api.h"
#include "modules/tm/api.h"

namespace fairlead::cpl {

/// How a run relates to the request's transaction.
enum class Mode : std::uint8_t { is_stateless, is_stateful, force_stateful };

[[nodiscard]] std::optional<Direction> parse_direction(std::string_view text);
[[nodiscard]] std::optional<Mode> parse_mode(std::string_view text);

class Cpl final : public Module {
public:
    // Parameters.
    std::string cpl_dtd_file, load_dir, realm_prefix, redirect_route;
    bool use_domain = false, case_sensitive = false, accept_any = true;
    int max_script_size = 65536, max_nodes = 2000, max_depth = 64;
    int empty_set_status = 404;
    int hash_size = 12;

    tm::Api* tm = nullptr;
    sl::Api* sl = nullptr;

    // Statistics.
    shm::Counter scripts, stored, refused, removed, downloaded, no_room;
    shm::Counter runs, passed, rejected, redirected, forwarded, failed;

    Result<void> prepare(Core& core) override;

    Verdict run_script(Message& m, std::string_view type, std::string_view mode,
                       std::optional<std::string_view> uri);
    Verdict process_register(Message& m) { return handle_register(m, true); }
    Verdict process_register_norpl(Message& m) { return handle_register(m, false); }

    // For commands, in the control process.
    [[nodiscard]] Limits limits() const;
    [[nodiscard]] const Policy& policy() const { return policy_; }
    [[nodiscard]] Instant now() const { return core_->clock().unix_seconds(); }
    /// "anna", "anna@example.test" or a URI; nullopt when it names no owner.
    [[nodiscard]] std::optional<std::string> named_owner(std::string_view text) const;
    Result<void> keep(const std::string& owner, std::string_view xml, std::string_view compiled);
    Result<void> drop(const std::string& owner);
    [[nodiscard]] std::optional<std::string_view> find(const std::string& owner, Store::Form form,
                                                       Arena& arena) const {
        return store_.get(owner, form, arena);
    }

private:
    Result<void> load_directory();
    Result<void> load_file(const std::string& path, const std::string& name);

    Verdict run(Message& m, std::string_view script, Direction direction, Mode mode);
    Verdict reply(Message& m, int code, std::string_view reason, Mode mode);
    Verdict redirect(Message& m, const Machine& machine, bool permanent, Mode mode);
    Verdict forward(Message& m, const Machine& machine, const Action& action);

    Verdict handle_register(Message& m, bool answer);
    Verdict store(Message& m, const std::string& owner, bool answer);
    Verdict download(Message& m, const std::string& owner, std::string_view type, bool answer);
    Verdict answer_register(Message& m, int code, std::string_view reason);
    Verdict refuse_script(Message& m, const Faults& faults);

    Core* core_ = nullptr;
    OwnerPolicy owners_;
    Policy policy_;
    SharedStore store_;
    RouteId redirect_route_ = RouteId::none;
};

}  // namespace fairlead::cpl
