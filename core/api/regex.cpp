// Regular expressions of scripts and modules, on RE2: the only file that knows it.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/regex.h"

#include <re2/re2.h>

#include <algorithm>

#include "core/base/log.h"

namespace fairlead {

namespace {

/// The end of a bracket expression that begins at `at`: behind its ']', or the text's end.
std::size_t bracket_end(std::string_view text, std::size_t at) noexcept {
    ++at;
    if (at < text.size() && text[at] == '^') ++at;
    if (at < text.size() && text[at] == ']') ++at;
    while (at < text.size() && text[at] != ']') {
        if (text[at] == '\\') {
            at += 2;
        } else if (text.substr(at).starts_with("[:")) {
            const std::size_t end = text.find(":]", at + 2);
            if (end == std::string_view::npos) return text.size();
            at = end + 2;
        } else {
            ++at;
        }
    }
    return std::min(at + 1, text.size());
}

/// Cuts the pattern into escapes, bracket expressions and single characters.
template <class Each>
void each_atom(std::string_view pattern, Each each) {
    for (std::size_t at = 0; at < pattern.size();) {
        std::size_t end = at + 1;
        if (pattern[at] == '\\') end = std::min(at + 2, pattern.size());
        if (pattern[at] == '[') end = bracket_end(pattern, at);
        each(pattern.substr(at, end - at));
        at = end;
    }
}

/// RE2 lets "[^a]" match a line's end; with REG_NEWLINE it must not.
std::string by_line(std::string_view pattern) {
    std::string out;
    each_atom(pattern, [&](std::string_view atom) {
        out += atom;
        if (atom.starts_with("[^") && atom.ends_with(']') && atom.size() > 3) {
            out.insert(out.size() - 1, "\n");
        }
    });
    return out;
}

/// False when a match may be of any length: there is a "*", a "+" or a "{n,}".
bool has_bound(std::string_view pattern) {
    bool bound = true;
    char before = 0;
    each_atom(pattern, [&](std::string_view atom) {
        if (atom == "*" || atom == "+" || (atom == "}" && before == ',')) bound = false;
        before = atom.front();
    });
    return bound;
}

RE2::Options options_for(Regex::Options wanted) {
    RE2::Options options(RE2::Latin1);  // bytes, as the messages are
    options.set_posix_syntax(true);
    options.set_longest_match(wanted.longest);
    options.set_perl_classes(true);
    options.set_word_boundary(true);
    options.set_one_line(!wanted.by_line);
    options.set_dot_nl(!wanted.by_line);
    options.set_case_sensitive(!wanted.any_case);
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    return options;
}

re2::StringPiece piece(std::string_view s) noexcept {
    return {s.data(), s.size()};
}

}  // namespace

struct Regex::Compiled {
    Compiled(std::string_view pattern, Options options)
        : re(options.by_line ? by_line(pattern) : std::string(pattern), options_for(options)),
          groups(static_cast<std::size_t>(std::max(re.NumberOfCapturingGroups(), 0)) + 1),
          bounded(has_bound(pattern)) {}
    RE2 re;
    std::size_t groups;  ///< the whole match included
    bool bounded;        ///< no match is longer than the pattern says
};

Regex::Regex(std::string_view pattern, Options options)
    : pattern_(pattern), compiled_(std::make_unique<Compiled>(pattern, options)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

bool Regex::ok() const noexcept {
    return compiled_->re.ok();
}

std::string_view Regex::problem() const noexcept {
    return compiled_->re.error();
}

bool Regex::matches(std::string_view text) const noexcept {
    return compiled_->re.Match(piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

bool Regex::search(std::string_view text, std::size_t start,
                   std::span<std::string_view> groups) const noexcept {
    std::array<re2::StringPiece, kMostGroups> found;
    const std::size_t wanted = std::min({groups.size(), kMostGroups, compiled_->groups});
    if (start > text.size() ||
        !compiled_->re.Match(piece(text), start, text.size(), RE2::UNANCHORED, found.data(),
                             static_cast<int>(wanted))) {
        return false;
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const bool took_part = i < wanted && found[i].data() != nullptr;
        groups[i] =
            took_part ? std::string_view(found[i].data(), found[i].size()) : std::string_view();
    }
    return true;
}

RegexScan::RegexScan(const Regex& regex, std::string_view text) noexcept
    : regex_(&regex), text_(text), bounded_(regex.compiled_->bounded) {}

bool RegexScan::next(std::span<std::string_view> groups) noexcept {
    if (from_ > text_.size()) return false;
    if (!bounded_) work_ += text_.size() - from_;
    gave_up_ = work_ > kMostWork;
    if (gave_up_ || !regex_->search(text_, from_, groups)) {
        from_ = text_.size() + 1;
        return false;
    }
    const auto at = static_cast<std::size_t>(groups[0].data() - text_.data());
    from_ = at + std::max<std::size_t>(groups[0].size(), 1);
    return true;
}

const Regex* RegexCache::find(std::string_view pattern, Regex::Options options,
                              std::string& problem) {
    const std::size_t which =
        (options.any_case ? 1U : 0U) + (options.by_line ? 2U : 0U) + (options.longest ? 4U : 0U);
    if (const auto known = made_[which].find(pattern); known != made_[which].end()) {
        order_.splice(order_.end(), order_, known->second);
        return &known->second->regex;
    }
    if (pattern.size() > kLongest) {
        problem = "it is too long";
        return nullptr;
    }
    Regex regex(pattern, options);
    if (!regex.ok()) {
        problem = regex.problem();
        return nullptr;
    }
    if (order_.size() >= most_) {
        const Entry& oldest = order_.front();
        made_[oldest.options].erase(oldest.regex.pattern());
        order_.pop_front();
        evicted_.add();
    }
    const auto entry = order_.insert(order_.end(), {which, std::move(regex)});
    made_[which].emplace(entry->regex.pattern(), entry);
    return &entry->regex;
}

const Regex* RegexCache::find(std::string_view pattern, Regex::Options options) {
    std::string problem;
    const Regex* const regex = find(pattern, options, problem);
    if (regex == nullptr) {
        LOG(error, "\"{}\" is no regular expression: {}", pattern.substr(0, kLongest), problem);
    }
    return regex;
}

}  // namespace fairlead
