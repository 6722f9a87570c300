// A whole engine in one process. SPDX-License-Identifier: Apache-2.0
#include "test/support/module_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "core/base/log.h"
#include "core/server/core_module.h"

namespace fairlead::test {

namespace {

constexpr std::uint16_t kSlot = 1;  // as the first worker

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().str());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::vector<std::string> search_path(const std::vector<std::string>& given) {
    return given.empty() ? std::vector<std::string>{FAIRLEAD_TEST_MODULES} : given;
}

}  // namespace

ModuleHost::ModuleHost(std::size_t memory) {
    globals.server_header = "Server: fairlead\r\n";
    globals.user_agent_header = "User-Agent: fairlead\r\n";
    segment = must(shm::Segment::create(memory));
    counters.reset(must(shm::Counters::create(*segment)));
    hazards_ = segment->make<shm::Hazards>(segment->tag("core", "hazards"));
    wheels_.resize(kSlot + 1);
    wheels_[kSlot] = segment->make<shm::TimerWheel>(segment->tag("core", "wheel"));
    if (hazards_ == nullptr || wheels_[kSlot] == nullptr) throw std::runtime_error("memory");
    wheels_[kSlot]->init(kSlot, clock.now());
    segment->enter(kSlot);
    counters->enter(kSlot);
    add(server::core_descriptor());
}

ModuleHost::~ModuleHost() {
    if (engine_ != nullptr) engine_->stop();
}

void ModuleHost::load(std::string_view module) {
    must(registry.load(module, search_path({})));
}

void ModuleHost::add(const Descriptor& descriptor) {
    must(registry.add(descriptor));
}

void ModuleHost::param(std::string_view module, std::string_view name, const Value& value) {
    must(registry.set_parameter(module, name, value));
}

void ModuleHost::config(std::string text) {
    cfg::Diagnostics diagnostics;
    const cfg::Config config = cfg::read_text(std::move(text), {}, diagnostics);
    settings_ = config.settings;
    if (diagnostics.errors() == 0) {
        for (const cfg::LoadLine& line : config.modules) {
            if (auto ok = registry.load(line.name, search_path(line.search_path)); !ok) {
                diagnostics.error(line.at, ok.error().str());
            }
        }
        for (const cfg::ModParamLine& line : config.parameters) {
            const Value value =
                line.value.is_string ? Value(line.value.text) : Value(line.value.number);
            if (auto ok = registry.set_parameter(line.module, line.name, value); !ok) {
                diagnostics.error(line.at, ok.error().str());
            }
        }
        program_ = cfg::compile(config, registry, diagnostics);
    }
    if (diagnostics.errors() != 0) throw std::runtime_error(diagnostics.print());
}

void ModuleHost::route(Route type, std::string name, NativeScript::Body body) {
    native_.route(type, std::move(name), std::move(body));
}

void ModuleHost::on_request(std::function<void(Message&)> body) {
    route(Route::request, "", [body = std::move(body)](Message& m) {
        body(m);
        return RouteResult{};
    });
}

void ModuleHost::start() {
    must(try_start());
}

Result<void> ModuleHost::try_start() {
    if (net.listeners().empty()) {
        net.listen("udp:127.0.0.1:5060");
        net.listen("udp:[::1]:5060");
    }
    engine_ = std::make_unique<server::Engine>(
        server::Parts{clock, net, *segment, *hazards_, *counters, wheels_, registry}, globals);
    if (program_ != nullptr) {
        engine_->set_program(program_);
    } else {
        engine_->set_script(native_);
    }
    engine_->set_parameters(settings_);
    engine_->set_post(*this);
    engine_->set_control_slot(kSlot);
    TRY(engine_->prepare());
    TRY(engine_->start({Process::Kind::worker, kSlot, 0, false, "worker 0"}));
    engine_->random().reseed(1);  // the same identifiers in every run
    at_start_ = usage();
    return {};
}

void ModuleHost::receive(std::string_view bytes, std::string_view from) {
    Received received;
    received.source = address(from);
    const auto listeners = net.listeners();
    const auto on = std::ranges::find_if(
        listeners, [&](const Listener& l) { return l.address.version == received.source.version; });
    if (on == listeners.end()) throw std::runtime_error("no listener of this family");
    received.local = on->address;
    received.proto = on->proto;
    received.listener = on->index;
    engine_->receive(bytes, received);
}

void ModuleHost::advance(Ms by) {
    while (by > Ms{0}) {
        const Ms step = std::min(by, shm::kTick);
        by -= step;
        clock.advance(step);
        deliver_mail();
        engine_->run_timers();
        engine_->run_tickers();
    }
}

bool ModuleHost::post(std::uint16_t slot, MailId to, std::string_view bytes) noexcept {
    if (slot == 0) return false;
    mail_.push_back({to, std::string(bytes)});
    return true;
}

void ModuleHost::deliver_mail() {
    for (std::size_t left = mail_.size(); left > 0; --left) {
        const Mail mail = std::move(mail_.front());
        mail_.pop_front();
        engine_->mail(mail.to, mail.bytes);
    }
}

Packet ModuleHost::take() {
    if (net.sent.empty()) throw std::runtime_error("nothing was sent");
    Packet packet = std::move(net.sent.front());
    net.sent.pop_front();
    return packet;
}

namespace {

class FixedText final : public LazyText {
public:
    [[nodiscard]] std::string_view text(Message&) const override { return fixed; }
    [[nodiscard]] std::optional<Part> part(Message&, std::size_t n) const override {
        return n == 0 ? std::optional<Part>({fixed, false}) : std::nullopt;
    }
    std::string_view fixed;
};

}  // namespace

int ModuleHost::call(Message& m, std::string_view function, std::vector<Value> args) {
    for (const auto& [row, owner] : registry.functions(function)) {
        if (args.size() < row->required || args.size() > row->arity) continue;
        std::array<Argument, kMaxArgs> full{};
        std::array<FixedText, kMaxArgs> texts;
        for (std::size_t i = 0; i < args.size(); ++i) {
            full[i].value = args[i];
            const Arg& arg = row->args[i];
            if (arg.type == Type::route) {
                full[i].route = engine_->script().find(arg.route, args[i].string());
            } else if (arg.type == Type::lazy_text) {
                texts[i].fixed = args[i].string();
                full[i].lazy_text = &texts[i];
            } else if (arg.type == Type::regex || arg.type == Type::variable) {
                throw std::runtime_error("call() cannot make this argument: use config()");
            }
        }
        return row->call(*owner->object, m, std::span(full).first(row->arity)).code;
    }
    throw std::runtime_error(
        fmt::format("no function {} with {} arguments", function, args.size()));
}

Value ModuleHost::variable(Message& m, std::string_view name, std::string_view inner) {
    const auto found = registry.variable(name);
    if (!found) throw std::runtime_error(fmt::format("no variable ${}", name));
    VariableName wanted{.inner = inner};
    if (found->row->resolve != nullptr) {
        wanted.handle = must(found->row->resolve(*found->owner->object, inner));
    }
    return found->row->get(*found->owner->object, m, wanted);
}

std::int64_t ModuleHost::statistic(std::string_view group, std::string_view name) const {
    if (const auto sum = counters->sum(group, name)) return *sum;
    for (const auto& loaded : registry.modules()) {
        for (const Statistic& row : loaded->descriptor->statistics) {
            if (loaded->name == group && row.name == name && row.read != nullptr) {
                return row.read(*loaded->object);
            }
        }
    }
    throw std::runtime_error(fmt::format("no statistic {}.{}", group, name));
}

std::vector<shm::Usage> ModuleHost::usage() const {
    auto all = segment->top();
    std::ranges::sort(all, {}, &shm::Usage::tag);
    return all;
}

std::string ModuleHost::leaks() const {
    std::string text;
    for (const shm::Usage& now : usage()) {
        const auto before = std::ranges::find(at_start_, now.tag, &shm::Usage::tag);
        const std::size_t blocks = before != at_start_.end() ? before->blocks : 0;
        if (now.blocks > blocks) {
            text += fmt::format("{}: {} blocks, {} at start\n", now.tag, now.blocks, blocks);
        }
    }
    if (engine_->messages_out() != 0) {
        text += fmt::format("{} messages were not given back\n", engine_->messages_out());
    }
    return text + bad_books();
}

std::string ModuleHost::bad_books() const {
    std::string text;
    for (const auto& loaded : registry.modules()) {
        for (const Statistic& row : loaded->descriptor->statistics) {
            if (row.name != "overdue" && row.name != "unaccounted") continue;
            if (const std::int64_t n = row.read(*loaded->object); n != 0)
                text += fmt::format("{}:{} = {}\n", loaded->name, row.name, n);
        }
    }
    return text;
}

}  // namespace fairlead::test
