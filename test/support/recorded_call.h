// A Call that keeps what a command answers as one line of text. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/command.h"
#include "core/api/core.h"

namespace fairlead::test {

/// Structures as {name: value, …}, lists as [value, …], texts in quotes, values of the top level
/// separated by blanks.
class RecordedAnswer final : public Answer {
public:
    using Answer::integer, Answer::number, Answer::text, Answer::begin_struct, Answer::begin_array;
    void integer(std::int64_t value) override { put(std::to_string(value)); }
    void number(double value) override { put(fmt::format("{:.3f}", value)); }
    void text(std::string_view value) override { put(fmt::format("\"{}\"", value)); }
    void begin_struct() override { begin("{"); }
    void end_struct() override { end("}"); }
    void begin_array() override { begin("["); }
    void end_array() override { end("]"); }
    void name(std::string_view name) override {
        separate();
        out += fmt::format("{}: ", name);
        fresh_ = true;
    }
    std::string out;

private:
    void separate() {
        if (!fresh_) out += depth_ == 0 ? " " : ", ";
        fresh_ = false;
    }
    void put(std::string_view text) {
        separate();
        out += text;
    }
    void begin(std::string_view bracket) {
        put(bracket);
        fresh_ = true;
        ++depth_;
    }
    void end(std::string_view bracket) {
        out += bracket;
        fresh_ = false;
        --depth_;
    }
    int depth_ = 0;
    bool fresh_ = true;
};

class RecordedCall final : public Call {
public:
    explicit RecordedCall(std::vector<Value> arguments = {}, Role role = Role::administrator)
        : Call(std::move(arguments), role, "test") {}
    [[nodiscard]] Answer& answer() override { return answer_; }
    void stream(std::unique_ptr<AnswerSource> source) override { source_ = std::move(source); }
    [[nodiscard]] std::unique_ptr<LateAnswer> later() override {
        return std::make_unique<Late>(*this);
    }

    /// Runs the command by name; what it answered, or "error <code> <text>".
    std::string run(Core& core, std::string_view command) {
        const auto* const entry = core.commands().find(command);
        if (entry == nullptr) return "no such command";
        if (const auto done = core.commands().run(*entry, *this); !done)
            return fmt::format("error {} {}", done.error().code, done.error().text);
        while (source_ != nullptr && source_->more(answer_)) ++pieces;
        return answer_.out;
    }
    /// What was written so far, also by an answer that came later.
    [[nodiscard]] const std::string& out() const noexcept { return answer_.out; }
    int pieces = 0;  ///< of a streamed answer, without the last

private:
    struct Late final : LateAnswer {
        explicit Late(RecordedCall& call) : owner(call) {}
        Answer& answer() override { return owner.answer_; }
        void fail(const Error& error) override {
            owner.answer_.out += fmt::format("error {} {}", error.code, error.text);
        }
        RecordedCall& owner;
    };
    RecordedAnswer answer_;
    std::unique_ptr<AnswerSource> source_;
};

/// One command of a host's core, its answer as text.
inline std::string ask(Core& core, std::string_view command, std::vector<Value> arguments = {}) {
    return RecordedCall(std::move(arguments)).run(core, command);
}

}  // namespace fairlead::test
