// One JSON-RPC request from its text to the text of its answer, whatever it came over.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/api/core.h"
#include "modules/jsonrpcs/document.h"
#include "modules/jsonrpcs/writer.h"

namespace fairlead::mi_fifo {
class Exchange;
}
namespace fairlead::jsonrpcs {

/// What is given back: the answer's text, in pieces.
class Dialogue : public std::enable_shared_from_this<Dialogue> {
public:
    using Ready = std::function<void(const std::shared_ptr<Dialogue>&)>;

    struct Asker {
        Role role = Role::reader;
        std::string_view caller;  ///< who, as far as is known; for the log
    };
    /// Runs the request. `ready` is called once, at once or later, when the answer can be taken,
    /// and not at all for a notification: that gives false.
    static bool begin(Core& core, std::string_view text, const Asker& asker, bool pretty,
                      Ready ready);

    /// Adds the next piece to `out`; false behind the last.
    bool piece(std::string& out);
    [[nodiscard]] const std::string& reply_name() const noexcept { return request_.reply_name; }
    /// The code of an error, 0 when there was none.
    [[nodiscard]] int code() const noexcept { return code_; }

    explicit Dialogue(bool pretty) : pretty_(pretty), writer_(pretty) {}

private:
    bool run(Core& core, std::string_view text, const Asker& asker);
    void answered(mi_fifo::Exchange& exchange);
    void can_be_taken();
    void refuse(int code, std::string_view message);

    Request request_;
    bool pretty_;
    Writer writer_;
    Ready ready_;
    std::shared_ptr<mi_fifo::Exchange> exchange_;
    int code_ = 0;
};

}  // namespace fairlead::jsonrpcs
