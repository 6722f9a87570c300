// The life of an Engine: connecting and preparing modules before fork, starting them in each
// process, and the services that modules reach through Core. SPDX-License-Identifier: Apache-2.0
#include "core/server/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <ranges>
#include <stdexcept>

#include "core/api/hosts.h"
#include "core/base/log.h"
#include "core/proc/post.h"
#include "core/server/engine_impl.h"

namespace fairlead::server {

namespace {

/// Calls `step` for one module; an error or an exception becomes one line with the module's name.
template <class F>
Result<void> guarded(const module::Loaded& m, std::string_view what, F step) {
    try {
        Result<void> ok = step();
        if (ok) return ok;
        return fail(fmt::format("module {}: {}", m.name, ok.error().str()));
    } catch (const std::exception& e) {
        return fail(fmt::format("module {}: {} threw: {}", m.name, what, e.what()));
    } catch (...) {
        return fail(fmt::format("module {}: {} threw", m.name, what));
    }
}

}  // namespace

Engine::Engine(Parts parts, Globals globals)
    : impl_(std::make_unique<Impl>(*this, std::move(parts), std::move(globals))) {
    impl_->count.add_to(impl_->parts.counters);
    impl_->late.count_in(impl_->parts.counters);
    auto& histograms = impl_->parts.counters.histograms();
    impl_->first_reply =
        histograms.add("core", "first_reply", "From a request's arrival to the first reply to it.");
    impl_->queue = histograms.add("core", "queue",
                                  "From the wake-up that read a message to the beginning of its "
                                  "handling, of each 16th message.");
    impl_->out.resize(sip::kMaxMessage);
}

Engine::~Engine() = default;

void Engine::Impl::set_script(Script& s) noexcept {
    script = &s;
    request_route = s.find(Route::request, "");
    reply_route = s.find(Route::core_reply, "");
    onsend_route = s.find(Route::onsend, "");
    init_route = s.find(Route::event, "core:worker-one-init");
    arrival_route = s.find(Route::event, "core:msg-received");
    pre_routing_route = s.find(Route::event, "core:pre-routing");
    parse_error_route = s.find(Route::event, "core:receive-parse-error");
}

void Engine::set_script(Script& script) noexcept {
    impl_->set_script(script);
}

void Engine::set_parameters(std::span<const cfg::Setting> settings) {
    for (const cfg::Setting& s : settings) {
        if (s.name == "received_route_mode") impl_->runs_arrival_route = s.value.number != 0;
        if (s.name.find('.') != std::string::npos) impl_->custom.insert_or_assign(s.name, s.value);
    }
}

Value Engine::custom_parameter(std::string_view group, std::string_view name) const noexcept {
    // Looked for without making "group.name": this runs for messages.
    const auto& custom = impl_->custom;
    for (auto found = custom.lower_bound(group); found != custom.end(); ++found) {
        const std::string_view whole = found->first;
        if (!whole.starts_with(group)) break;
        const std::string_view rest = whole.substr(group.size());
        if (!rest.starts_with('.') || rest.substr(1) != name) continue;
        const cfg::Literal& value = found->second;
        return value.is_string ? Value(std::string_view(value.text)) : Value(value.number);
    }
    return {};
}

void Engine::Impl::collect_hooks() {
    for (const auto& m : parts.registry.modules()) {
        const Hook hooks = m->descriptor->hooks;
        if (has(hooks, Hook::request_arrived)) on_request.push_back(m.get());
        if (has(hooks, Hook::reply_arrived)) on_reply.push_back(m.get());
        if (has(hooks, Hook::message_done)) on_done.push_back(m.get());
    }
}

Result<void> Engine::prepare() {
    (void)Hosts::system();  // reads the file here, so that no worker ever does
    if (!impl_->timers.prepare(impl_->parts.memory)) {
        return fail("shared memory is too small: raise shm_mem_size (-m)");
    }
    TRY(impl_->traces.prepare(impl_->parts.memory, impl_->parts.clock,
                              impl_->globals.trace_transactions));
    set_tracing(impl_->globals.trace);
    impl_->order = TRY(impl_->parts.registry.connect(impl_->parts.counters));
    impl_->collect_hooks();
    for (module::Loaded* const m : impl_->order) {
        TRY(guarded(*m, "prepare()", [&] { return m->object->prepare(*this); }));
    }
    impl_->commands.fill(impl_->parts.registry);
    return impl_->tunables.fill(impl_->parts.registry, impl_->parts.memory);
}

void Engine::set_loop(Loop& loop) noexcept {
    impl_->loop = &loop;
}

void Engine::follow_changes() noexcept {
    impl_->tunables.follow();
}

Result<void> Engine::start(const Process& process) {
    impl_->process = process;
    impl_->random.reseed_from_kernel();
    impl_->timers.enter(process.slot);
    impl_->parts.counters.histograms().enter(process.slot);
    impl_->traces.enter(process.slot);
    impl_->tunables.follow();
    for (module::Loaded* const m : impl_->order) {
        TRY(guarded(*m, "start()", [&] { return m->object->start(process); }));
    }
    if (process.reborn) {
        impl_->timers.recover();
        // Modules have finished or undone what the dead process left: nothing needs it any more.
        impl_->parts.hazards.clear(process.slot);
    } else if (process.kind == Process::Kind::worker && process.index == 0) {
        impl_->worker_one();
    }
    return {};
}

void Engine::stop() noexcept {
    impl_->late.clear();
    for (module::Loaded* const m : impl_->order | std::views::reverse) m->object->stop();
}

void Engine::run_timers() noexcept {
    impl_->tunables.follow();
    impl_->timers.run();
    if (impl_->process.kind == Process::Kind::control) impl_->timers.run_tickers();
}

void Engine::run_tickers() noexcept {
    impl_->timers.run_tickers();
}

void Engine::send_failed(const SendFailure& failure) noexcept {
    const auto index = static_cast<std::size_t>(failure.handler);
    if (index >= 1 && index <= impl_->send_failures.size()) {
        impl_->send_failures[index - 1]->failed(failure.object, failure.index);
    }
}

const std::vector<Engine::Wanted>& Engine::wanted_processes() const noexcept {
    return impl_->wanted;
}

std::size_t Engine::messages_out() const noexcept {
    return impl_->pool.out();
}

const Clock& Engine::clock() const noexcept {
    return impl_->parts.clock;
}
Random& Engine::random() noexcept {
    return impl_->random;
}
Net& Engine::net() noexcept {
    return impl_->net;
}
Timers& Engine::timers() noexcept {
    return impl_->timers;
}
Script& Engine::script() noexcept {
    return *impl_->script;
}
shm::Segment& Engine::memory() noexcept {
    return impl_->parts.memory;
}
shm::Hazards& Engine::hazards() noexcept {
    return impl_->parts.hazards;
}
shm::Counters& Engine::counters() noexcept {
    return impl_->parts.counters;
}
const Globals& Engine::globals() const noexcept {
    return impl_->globals;
}
const Process& Engine::process() const noexcept {
    return impl_->process;
}
Loop* Engine::loop() noexcept {
    return impl_->loop;
}
std::uint16_t Engine::control_slot() const noexcept {
    return impl_->control_slot;
}
void Engine::set_control_slot(std::uint16_t slot) noexcept {
    impl_->control_slot = slot;
}
void Engine::set_facts(const Facts& facts) noexcept {
    impl_->facts = &facts;
}
const Facts& Engine::facts() const noexcept {
    return *impl_->facts;
}
module::Registry& Engine::registry() noexcept {
    return impl_->parts.registry;
}
Commands& Engine::commands() noexcept {
    return impl_->commands;
}
Tunables& Engine::tunables() noexcept {
    return impl_->tunables;
}

shm::Histograms& Engine::histograms() noexcept {
    return impl_->parts.counters.histograms();
}

std::vector<StatisticValue> Engine::statistics() {
    std::vector<StatisticValue> all;
    const shm::Counters& counters = impl_->parts.counters;
    for (const auto& row : counters.rows()) {
        if (row.name.empty()) continue;  // the cell of what was never registered
        const shm::Counter counter(row.cell);
        all.push_back(
            {row.group, row.name, row.help, counters.sum(counter), counter, row.is_level});
    }
    for (const auto& loaded : impl_->parts.registry.modules())
        for (const Statistic& row : loaded->descriptor->statistics)
            if (row.read != nullptr)
                all.push_back(
                    {loaded->name, row.name, row.doc, row.read(*loaded->object), {}, row.is_level});
    const auto memory = impl_->parts.memory.totals();
    const auto add = [&](std::string_view name, std::string_view help, std::size_t value) {
        all.push_back({"shmem", name, help, static_cast<std::int64_t>(value), {}, true});
    };
    add("free_size", "Bytes of shared memory that are free.", memory.size - memory.used);
    add("fragments", "Blocks of shared memory that are in use.", memory.blocks);
    add("real_used_size", "Bytes of shared memory in slabs.", memory.in_slabs);
    add("total_size", "Bytes of shared memory.", memory.size);
    add("used_size", "Bytes of shared memory that are in use.", memory.used);
    std::ranges::sort(all, [](const StatisticValue& a, const StatisticValue& b) {
        return a.group != b.group ? a.group < b.group : a.name < b.name;
    });
    return all;
}

std::size_t Engine::message_slot() {
    if (impl_->slots_taken == Message::kSlots) {
        // Caught around the module's prepare(): ends the start with its name.
        throw std::length_error(
            fmt::format("all {} words of a message for modules are taken", Message::kSlots));
    }
    return impl_->slots_taken++;
}

shm::HandlerId Engine::on_send_failure(SendFailureHandler& handler) {
    impl_->send_failures.push_back(&handler);
    return static_cast<shm::HandlerId>(impl_->send_failures.size());
}

std::uint16_t Engine::add_process(std::string_view name, std::size_t count) {
    // Slot 0 is the supervisor's, the workers' and the control process's follow.
    std::size_t slot = 1 + impl_->globals.workers + 1;
    for (const Wanted& earlier : impl_->wanted) slot += earlier.count;
    impl_->wanted.push_back({std::string(name), count});
    return static_cast<std::uint16_t>(slot);
}

MailId Engine::on_mail(MailHandler& handler) {
    impl_->mail_handlers.push_back(&handler);
    return static_cast<MailId>(impl_->mail_handlers.size() - 1);
}

bool Engine::post(std::uint16_t slot, MailId to, std::string_view bytes) noexcept {
    if (impl_->post == nullptr || bytes.size() > kMaxMail) return false;
    return impl_->post->post(slot, to, bytes);
}

void Engine::mail(MailId to, std::string_view bytes) noexcept {
    const auto index = static_cast<std::size_t>(to);
    if (index < impl_->mail_handlers.size()) {
        impl_->mail_handlers[index]->mail(bytes);
    } else {
        LOG(bug, "mail is for the unknown handler {}", index);
    }
}

void Engine::set_tracing(bool on) noexcept {
    impl_->is_tracing = on;
    impl_->net.set_trace(impl_->trace());
}
bool Engine::is_tracing() const noexcept {
    return impl_->is_tracing;
}
TraceTable& Engine::traces() noexcept {
    return impl_->traces;
}
Trace* Engine::trace() noexcept {
    return impl_->trace();
}

void Engine::set_finder(NextHopFinder& finder) noexcept {
    impl_->finder = &finder;
}

NextHopFinder& Engine::next_hops() noexcept {
    return *impl_->finder;
}

void Engine::set_post(proc::Post& post) noexcept {
    impl_->post = &post;
}

void Engine::add_wheel(shm::TimerWheel& wheel) {
    impl_->timers.add_wheel(wheel);
}

Message& Engine::borrow_message() {
    Message& message = impl_->pool.take();
    message.reset(Received{}, impl_->parts.clock.now());
    message.trace = impl_->trace();
    return message;
}

void Engine::give_back(Message& message) noexcept {
    // Nothing else is under way in this process: what scripts took for a message is let go.
    if (impl_->pool.out() == 1) impl_->done(message, {});
    impl_->pool.give_back(message);
}

}  // namespace fairlead::server
