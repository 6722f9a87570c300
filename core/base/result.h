// Result<T>: a value or an Error; how every fallible call outside the message path reports failure.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <expected>
#include <string>
#include <utility>

namespace fairlead {

/// Why something failed, in words for the operator. `where` is "file:line:column", a header name, a
/// parameter or a command; empty when the text says it all.
struct Error {
    int code =
        0;  ///< errno, a SIP status or 0; its meaning belongs to the function that returns it
    std::string text;
    std::string where;

    /// "text" or "where: text", ready for a log line.
    [[nodiscard]] std::string str() const { return where.empty() ? text : where + ": " + text; }
};

template <class T>
using Result = std::expected<T, Error>;

/// Makes the error side of any Result: `return fail("no such route");`
[[nodiscard]] inline std::unexpected<Error> fail(std::string text, std::string where = {},
                                                 int code = 0) {
    return std::unexpected<Error>(Error{code, std::move(text), std::move(where)});
}

}  // namespace fairlead

/// Yields the value of a Result or returns its error from the enclosing function.
#define TRY(expr)                                                                 \
    ({                                                                            \
        auto&& try_result_ = (expr);                                              \
        if (!try_result_) return std::unexpected(std::move(try_result_).error()); \
        *std::move(try_result_);                                                  \
    })
