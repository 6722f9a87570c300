// The module: runs subscribers' scripts for calls, and takes them by REGISTER.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"
#include "modules/cpl/compile.h"
#include "modules/cpl/database.h"
#include "modules/cpl/luggage.h"
#include "modules/cpl/machine.h"
#include "modules/cpl/notes.h"
#include "modules/cpl/request.h"
#include "modules/cpl/store.h"
#include "modules/sl/api.h"
#include "modules/tm/api.h"
#include "modules/usrloc/api.h"

namespace fairlead::cpl {

[[nodiscard]] std::optional<Direction> parse_direction(std::string_view text);
[[nodiscard]] std::optional<Mode> parse_mode(std::string_view text);

class Cpl final : public Module, private tm::StepHandler {
public:
    // Parameters.
    std::string cpl_dtd_file, load_dir, realm_prefix, redirect_route, proxy_route, lookup_domain;
    TableNames database;
    NotePlan notes;
    bool use_domain = false, case_sensitive = false, accept_any = true;
    bool lookup_append_branches = false, ignore3xx = false, stop_on_6xx = false;
    int proxy_recurse = 5, proxy_default_timeout = 20, max_invites = 30;
    int max_script_size = 65536, max_nodes = 2000, max_depth = 64;
    int empty_set_status = 404;
    int hash_size = 12, max_waiting = 1000;

    tm::Api* tm = nullptr;
    tm::StepsApi* steps = nullptr;
    tm::SuspendApi* suspend = nullptr;
    sl::Api* sl = nullptr;
    usrloc::Api* usrloc = nullptr;  ///< null when it is not loaded
    db::Api* db = nullptr;          ///< null when none is loaded

    // Statistics.
    shm::Counter scripts, stored, refused, removed, downloaded, no_room;
    shm::Counter runs, passed, rejected, redirected, forwarded, relayed, failed_runs;
    shm::Counter attempts, resumed, lookups, lost, database_failures, turned_away;
    NoteCounters noted;

    Result<void> set_timer_avp(std::string_view text, ParamVariables& variables);

    Result<void> prepare(Core& core) override;
    void stop() noexcept override { writer_.stop(); }

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
    /// Into the database, and into the memory that all processes share when it has taken it (at
    /// once when there is none): then the REGISTER that waits is answered, and `done` is called.
    /// An error when nothing was begun; what is refused later changes nothing either.
    Result<void> keep(const std::string& owner, std::string_view xml, std::string_view compiled,
                      const tm::SuspendToken& waiting, Database::Done done);
    Result<void> drop(const std::string& owner, const tm::SuspendToken& waiting,
                      Database::Done done);
    [[nodiscard]] std::optional<std::string_view> find(const std::string& owner, Store::Form form,
                                                       Arena& arena) const {
        return store_.get(owner, form, arena);
    }

private:
    Result<void> load_directory();
    Result<void> load_database();
    Result<void> load_row(std::string_view user, std::string_view domain, std::string_view xml,
                          std::string_view compiled);
    Result<void> load_file(const std::string& path, const std::string& name);

    Result<RouteId> route(std::string_view parameter, std::string_view name);
    Result<void> find_locations();

    void failed(Message& m, const tm::StepFailure& failure) override;
    Verdict perform(Message& m, Run& run, Machine& machine, Action action);
    Verdict end(Message& m, const Run& run, const Machine& machine, const Action& action);
    Verdict broken();
    void note(Message& m, const Run& run, const Action& action);
    Action look_up(Message& m, const Run& run, Machine& machine);
    void aim(Message& m, const Machine& machine, const Action& action);
    bool proxy(Message& m, const Run& run, const Machine& machine, const Action& action);
    Verdict forward(Message& m, const Run& run, const Machine& machine, const Action& action);
    Verdict redirect(Message& m, const Machine& machine, bool permanent, Mode mode);
    Verdict reply(Message& m, int code, std::string_view reason, Mode mode);

    Verdict handle_register(Message& m, bool answer);
    Verdict store(Message& m, const std::string& owner, bool answer);
    Verdict remove(Message& m, const std::string& owner, bool answer);
    using Begin = std::function<Result<void>(const tm::SuspendToken&)>;
    Verdict answer_later(Message& m, const Begin& change);
    void answer_waiting(const tm::SuspendToken& waiting, bool ok);
    Verdict refuse_change(Message& m, const Error& error);
    Result<void> begin(const Asked& asked, Result<void> taken);
    Result<void> settle_now(const Asked& asked, const Database::Done& done);
    void settle(const Asked& asked, bool ok);
    Verdict download(Message& m, const std::string& owner, std::string_view type, bool answer);
    Verdict answer_register(Message& m, int code, std::string_view reason);
    Verdict refuse(Message& m, std::string_view reason, std::string_view warning,
                   std::string_view all);

    /// A row whose compiled form was made anew.
    struct Stale {
        std::string user, domain, compiled;
    };

    Core* core_ = nullptr;
    std::vector<Stale> stale_;  ///< while the database is loaded
    OwnerPolicy owners_;
    Policy policy_;
    Zones zones_;
    SharedStore store_;
    Database database_;
    Notes writer_;
    RouteId redirect_route_ = RouteId::none, proxy_route_ = RouteId::none;
    tm::StepId step_ = tm::StepId::none;
    usrloc::DomainId locations_ = usrloc::DomainId::none;
    const VariableRef* timer_avp_ = nullptr;
};

}  // namespace fairlead::cpl
