// One JSON-RPC request from its text to the text of its answer, whatever it came over.
// SPDX-License-Identifier: Apache-2.0
#include "modules/jsonrpcs/dialogue.h"

#include <utility>

#include "core/api/log.h"
#include "modules/mi_fifo/api.h"

namespace fairlead::jsonrpcs {

bool Dialogue::begin(Core& core, std::string_view text, const Asker& asker, bool pretty,
                     Ready ready) {
    const auto dialogue = std::make_shared<Dialogue>(pretty);
    dialogue->ready_ = std::move(ready);
    return dialogue->run(core, text, asker);
}

bool Dialogue::run(Core& core, std::string_view text, const Asker& asker) {
    if (const auto read = read_request(text, request_); !read) {
        LOG(notice, "a request is refused: {}", read.error().text);
        if (request_.id.empty()) request_.id = "null";
        refuse(read.error().code, read.error().text);
        can_be_taken();
        return true;
    }
    const bool is_answered = !request_.id.empty();
    const auto* const entry = core.commands().find(request_.method);
    if (entry == nullptr) {
        refuse(500, "Method Not Found");
        if (is_answered) can_be_taken();
        return is_answered;
    }
    writer_.begin_struct();
    writer_.text("jsonrpc", "2.0");
    writer_.name("result");
    if (entry->row->list) writer_.begin_array();
    // The exchange keeps this alive until it has called back.
    exchange_ = std::make_shared<mi_fifo::Exchange>(
        std::move(request_.arguments), asker.role, "jsonrpcs", writer_,
        [self = shared_from_this()](mi_fifo::Exchange& exchange) { self->answered(exchange); },
        std::string(asker.caller));
    exchange_->run(core.commands(), *entry);
    return is_answered;
}

void Dialogue::answered(mi_fifo::Exchange& exchange) {
    if (!exchange.outcome())
        refuse(exchange.outcome().error().code, exchange.outcome().error().text);
    if (!request_.id.empty()) can_be_taken();
}

/// Whoever waits for it may be held by `ready_` alone and hold this: that ends here, also when the
/// answer is never taken.
void Dialogue::can_be_taken() {
    const Ready ready = std::exchange(ready_, nullptr);
    ready(shared_from_this());
}

void Dialogue::refuse(int code, std::string_view message) {
    code_ = code;
    writer_ = Writer(pretty_);
    writer_.begin_struct();
    writer_.text("jsonrpc", "2.0");
    writer_.begin_struct("error");
    writer_.integer("code", code);
    writer_.text("message", message);
    writer_.end_struct();
}

bool Dialogue::piece(std::string& out) {
    const bool more = code_ == 0 && exchange_ != nullptr && exchange_->more();
    if (!more) {
        if (writer_.depth() == 1 && writer_.wants_value()) {
            writer_.begin_struct();
            writer_.end_struct();
        }
        writer_.end_until(1);
        writer_.name("id");
        writer_.raw(request_.id);
        writer_.end_struct();
        exchange_.reset();
    }
    out += writer_.take();
    return more;
}

}  // namespace fairlead::jsonrpcs
