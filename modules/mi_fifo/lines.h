// Requests of the line protocol, cut out of what the writers of a FIFO wrote.
// SPDX-License-Identifier: Apache-2.0
//
//   :command:reply_file
//   lines, as the command wants them
//   (an empty line)
//
// A request is over with an empty line. One that has a header and a body section (t_uac_from, …) is
// over with a line that is a single dot and, when it comes, the empty line behind it.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::mi_fifo {

/// How the lines of a command go on behind its name.
enum class Form : unsigned char {
    bare,          ///< nothing; an empty line is taken with it
    text,          ///< one line, which may be empty
    plain,         ///< lines up to an empty one
    uac,           ///< method, sender, destination; headers up to an empty line; body up to "."
    dialog,        ///< method, URI, next hop; then as above
    reply,         ///< code, reason, transaction, tag; headers and body as above
    reply_to_call  ///< Call-ID, CSeq number, code, reason, tag; headers and body as above
};

struct LineRequest {
    std::string command, reply_name;
    std::vector<std::string> lines;  ///< single lines behind the command
    std::vector<std::string> headers, body;
    /// Where the request was cut off: lines, headers or body; `nothing` when it is whole.
    enum class Missing : unsigned char { nothing, line, headers, body };
    Missing missing = Missing::nothing;
    bool is_bad = false;  ///< had a NUL or was too long: to be refused
};

/// Splits a stream of lines. Pure: bytes in, requests out.
class LineReader {
public:
    static constexpr std::size_t kLongest = 64 * 1024;

    /// `form` says how a command goes on.
    explicit LineReader(Form (*form)(std::string_view command)) : form_(form) {}

    void put(std::string_view bytes) { input_ += bytes; }
    /// The next whole request.
    [[nodiscard]] std::optional<LineRequest> next();
    /// Whether a request has begun and not ended: after some silence it is cut off.
    [[nodiscard]] bool is_open() const noexcept { return is_open_ || !input_.empty(); }
    /// The request that was cut off, if one had begun. What was left of it is gone.
    [[nodiscard]] std::optional<LineRequest> cut_off();
    /// Lines in front of a command that were none; counted since the last call.
    [[nodiscard]] std::size_t take_skipped() noexcept { return std::exchange(skipped_, 0); }

private:
    enum class Part : unsigned char { lines, headers, body, skip };

    [[nodiscard]] std::optional<std::string> line();
    [[nodiscard]] bool begin(std::string_view line);
    /// Takes a line of the request; true when it was the last.
    [[nodiscard]] bool take(const std::string& line);
    [[nodiscard]] LineRequest finish();

    Form (*form_)(std::string_view);
    std::string input_;
    LineRequest request_;
    Part part_ = Part::lines;
    std::size_t size_ = 0, skipped_ = 0;
    bool is_open_ = false, drops_line_ = false, swallows_end_ = false;
    Form shape_ = Form::plain;
};

}  // namespace fairlead::mi_fifo
