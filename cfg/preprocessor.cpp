// The preprocessor: defines, conditions, substitutions and includes.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/preprocessor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

bool is_name(std::string_view s) noexcept {
    if (s.empty() || text::is_digit(s[0])) return false;
    for (const char c : s) {
        const char l = text::to_lower(c);
        if (!((l >= 'a' && l <= 'z') || text::is_digit(c) || c == '_')) return false;
    }
    return true;
}

std::string in_double_quotes(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

/// Takes "…" or '…' off; what stands behind it (a comment) is dropped. Nullopt without quotes.
std::optional<std::string_view> unquoted(std::string_view line) noexcept {
    if (line.size() < 2 || (line[0] != '"' && line[0] != '\'')) return std::nullopt;
    const std::size_t end = line.rfind(line[0]);
    if (end == 0) return std::nullopt;
    return line.substr(1, end - 1);
}

/// Splits "/a/b/flags" at its first byte, which `\` protects.
std::optional<std::array<std::string, 3>> split_rule(std::string_view rule) {
    if (rule.empty()) return std::nullopt;
    const char delimiter = rule[0];
    std::array<std::string, 3> parts;
    std::size_t part = 0;
    for (std::size_t i = 1; i < rule.size(); ++i) {
        if (rule[i] == '\\' && i + 1 < rule.size() && rule[i + 1] == delimiter) {
            parts[part] += rule[++i];
        } else if (rule[i] == delimiter && part < 2) {
            ++part;
        } else {
            parts[part] += rule[i];
        }
    }
    if (part != 2 || parts[0].empty()) return std::nullopt;
    return parts;
}

std::optional<std::string> contents(const std::string& path) {
    std::error_code problem;
    if (std::filesystem::is_directory(path, problem)) {
        errno = EISDIR;
        return std::nullopt;
    }
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
}

/// "tm" of "tm.so", "/usr/lib/x/tm.so".
std::string_view module_name(std::string_view path) noexcept {
    if (const std::size_t slash = path.rfind('/'); slash != std::string_view::npos) {
        path.remove_prefix(slash + 1);
    }
    if (path.ends_with(".so")) path.remove_suffix(3);
    return path;
}

}  // namespace

Preprocessor::Preprocessor(const ReadOptions& options, Texts& texts, Diagnostics& diagnostics)
    : texts_(texts), diagnostics_(diagnostics) {
    if (options.predefine_version) {
        for (const char* name : {"KAMAILIO_5", "KAMAILIO_5_6", "KAMAILIO_5_6_3"}) {
            defines_[name] = {};
        }
    }
    for (const auto& [name, value] : options.defines) {
        set(name, value.empty() ? std::nullopt : std::optional(value), {0, 0, 1, 1},
            IfDefined::replace);
    }
}

void Preprocessor::read_file(const std::string& path) {
    auto content = contents(path);
    if (!content) {
        const std::uint16_t file = diagnostics_.add_file(path, "");
        diagnostics_.error({file, 0, 0, 1}, fmt::format("cannot read {}: {}", path,
                                                        std::strerror(errno != 0 ? errno : EIO)));
        return;
    }
    open_files_.push_back(path);
    const std::string_view kept = texts_.keep(std::move(*content));
    run(kept, diagnostics_.add_file(path, std::string(kept)));
    open_files_.pop_back();
}

void Preprocessor::read_text(std::string text) {
    from_memory_ = true;
    const std::string_view kept = texts_.keep(std::move(text));
    run(kept, diagnostics_.add_file("<text>", std::string(kept)));
}

void Preprocessor::read_directives(const std::vector<std::string>& directives) {
    if (directives.empty()) return;
    std::string text;
    for (const std::string& directive : directives) text += "#!" + directive + "\n";
    const std::string_view kept = texts_.keep(std::move(text));
    run(kept, diagnostics_.add_file("<command line>", std::string(kept)));
}

void Preprocessor::run(std::string_view content, std::uint16_t file) {
    Lexer lexer(content, {file, 1, 1, 1}, texts_, diagnostics_);
    while (!too_long_) {
        std::optional<Directive> directive;
        const Token token = lexer.next(directive);
        while (directive) {
            handle(*directive, lexer);
            directive.reset();
            if (!active()) directive = lexer.skip_to_directive();
        }
        if (token.kind != Tok::end) {
            emit(token, 0);
        } else if (token.at.line != 0) {
            break;  // a real end; a directive leaves an empty token
        }
    }
    if (open_files_.size() > 1) return;  // conditions may span included files
    for (const Condition& c : conditions_) {
        diagnostics_.error(
            c.at, c.in_else ? "this #!else has no #!endif" : "this condition has no #!endif",
            fmt::format("different number of preprocessor directives: {} more "
                        "#!if[n]def as #!endif",
                        conditions_.size()));
    }
    conditions_.clear();
}

void Preprocessor::handle(const Directive& directive, Lexer& lexer) {
    const std::string_view word = directive.word;
    if (word.starts_with("if") || word == "else" || word == "endif") {
        return condition(directive, lexer);
    }
    if (!active()) return;
    Position at;
    const std::string_view line = lexer.rest_of_line(at);
    if (line.empty()) at = directive.at;
    if (word == "define" || word == "def") {
        define(line, at, IfDefined::refuse);
    } else if (word == "trydefine" || word == "trydef") {
        define(line, at, IfDefined::keep);
    } else if (word == "redefine" || word == "redef") {
        define(line, at, IfDefined::replace);
    } else if (word == "undef" || word == "undefine" || word == "tryundef") {
        undefine(line, at, word == "tryundef");
    } else if (word.starts_with("defexp")) {
        define_expression(line, at, word.ends_with("s"));
    } else if (word.starts_with("subst")) {
        substitute(line, at, word);
    } else if (word == "include_file" || word == "import_file") {
        if (const auto path = unquoted(line)) {
            include(*path, at, word == "import_file");
        } else {
            diagnostics_.error(at, fmt::format("{} needs a file name in quotes", word));
        }
    } else if (word == "SER" || word == "MAXCOMPAT") {
        diagnostics_.warning(directive.at, "the old variable syntax is not supported",
                             "every $ begins a variable, as after #!KAMAILIO");
    } else {
        define_from_environment(line, at, word.ends_with("s"), word.starts_with("try"));
    }
}

void Preprocessor::condition(const Directive& directive, Lexer& lexer) {
    Position at;
    const std::string_view line = lexer.rest_of_line(at);
    if (directive.word == "else" || directive.word == "endif") {
        if (conditions_.empty()) {
            diagnostics_.error(directive.at,
                               fmt::format("#!{} without #!ifdef or #!ifndef", directive.word));
            return;
        }
        Condition& current = conditions_.back();
        if (directive.word == "endif") {
            conditions_.pop_back();
        } else if (current.in_else) {
            diagnostics_.error(directive.at, "second #!else of the same condition");
        } else {
            current.in_else = true;
            current.active = current.was_active && !current.active;
        }
        return;
    }
    const bool outer = active();
    const bool holds = outer && condition_holds(directive, line, at);
    conditions_.push_back({directive.at, holds, outer, false});
}

bool Preprocessor::condition_holds(const Directive& directive, std::string_view line,
                                   const Position& at) {
    if (directive.word == "ifexp") {
        const auto value = evaluated(line, line.empty() ? directive.at : at);
        return value && is_true(*value);
    }
    const std::string_view name = line.substr(0, line.find_first_of(" \t#"));
    if (name.empty()) diagnostics_.error(directive.at, "a name is missing behind the directive");
    const bool defined = defines_.find(name) != defines_.end();
    return defined == (directive.word == "ifdef");
}

std::optional<DefineValue> Preprocessor::evaluated(std::string_view line, const Position& at) {
    const auto lookup = [this](std::string_view name) -> std::optional<std::string> {
        if (const auto found = defines_.find(name); found != defines_.end()) {
            return found->second.value.value_or("");
        }
        // Newer configurations ask for these; 5.6 has neither as a define.
        if (name == "KAMAILIO_VERSION") return "5006003";
        if (name == "OS_NAME") return "linux";
        return std::nullopt;
    };
    auto value = evaluate_define(line, lookup);
    if (value) return *std::move(value);
    diagnostics_.error(at, fmt::format("bad expression: {}", value.error().text));
    return std::nullopt;
}

void Preprocessor::define_expression(std::string_view line, const Position& at, bool quote) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const auto value = evaluated(text::trim(line.substr(end)), at);
    if (!value) return;
    const std::string text = to_text(*value);
    set(line.substr(0, end), quote ? in_double_quotes(text) : text, at, IfDefined::refuse);
}

void Preprocessor::undefine(std::string_view line, const Position& at, bool optional) {
    const std::string_view name = line.substr(0, line.find_first_of(" \t#"));
    const auto found = defines_.find(name);
    if (found != defines_.end()) {
        defines_.erase(found);
    } else if (name.empty()) {
        diagnostics_.error(at, "a name is missing behind the directive");
    } else if (!optional) {
        diagnostics_.error(at, fmt::format("{} is not defined", name),
                           "#!tryundef does without it");
    }
}

void Preprocessor::define(std::string_view line, const Position& at, IfDefined if_defined) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view name = line.substr(0, end), value = text::trim(line.substr(end));
    Position name_at = at;
    name_at.length = static_cast<std::uint32_t>(std::max<std::size_t>(name.size(), 1));
    set(name, value.empty() ? std::nullopt : std::optional(std::string(value)), name_at,
        if_defined);
}

void Preprocessor::set(std::string_view name, std::optional<std::string> value, const Position& at,
                       IfDefined if_defined) {
    if (!is_name(name)) {
        diagnostics_.error(at,
                           name.empty()
                               ? std::string("a name to define is missing")
                               : fmt::format("\"{}\" cannot be the name of a define", name),
                           "letters, digits and underscores");
        return;
    }
    const auto found = defines_.find(name);
    if (found != defines_.end() && if_defined == IfDefined::keep) return;
    if (found != defines_.end() && if_defined == IfDefined::refuse) {
        diagnostics_.error(at, fmt::format("{} is already defined", name),
                           "use #!redefine to replace it or #!trydefine to keep it");
        return;
    }
    if (found == defines_.end() && defines_.size() >= kMaxDefines) {
        diagnostics_.error(at, fmt::format("more than {} defines", kMaxDefines));
        return;
    }
    Define define;
    if (value) {
        const std::string_view kept = texts_.keep(*value);
        Lexer lexer(kept, at, texts_, diagnostics_);
        std::optional<Directive> directive;
        for (Token t = lexer.next(directive); t.kind != Tok::end && !directive;
             t = lexer.next(directive)) {
            define.tokens.push_back(t);
        }
    }
    define.value = std::move(value);
    defines_.insert_or_assign(std::string(name), std::move(define));
}

void Preprocessor::define_from_environment(std::string_view line, const Position& at, bool quote,
                                           bool optional) {
    line = text::trim(line.substr(0, line.find('#')));
    const std::size_t equals = line.find('=');
    const std::string_view name = text::trim(line.substr(0, equals));
    const std::string variable(
        equals == std::string_view::npos ? name : text::trim(line.substr(equals + 1)));
    const char* const value = std::getenv(variable.c_str());
    if (value == nullptr) {
        if (!optional) {
            diagnostics_.error(at, fmt::format("environment variable {} is not set", variable),
                               "#!trydefenv does without it");
        }
        return;
    }
    set(name, quote ? in_double_quotes(value) : std::string(value), at,
        optional ? IfDefined::keep : IfDefined::refuse);
}

void Preprocessor::substitute(std::string_view line, const Position& at, std::string_view kind) {
    const auto rule = unquoted(line);
    const auto parts = rule ? split_rule(substituted(*rule)) : std::nullopt;
    if (!parts) {
        diagnostics_.error(at, fmt::format("{} needs \"/pattern/replacement/flags\"", kind));
        return;
    }
    const auto& [pattern, replacement, flags] = *parts;
    RE2::Options options(RE2::Latin1);
    options.set_posix_syntax(true);
    options.set_perl_classes(true);
    options.set_word_boundary(true);
    options.set_log_errors(false);
    options.set_case_sensitive(flags.find('i') == std::string::npos);
    auto compiled = std::make_unique<RE2>(pattern, options);
    std::string problem;
    if (!compiled->ok()) {
        diagnostics_.error(at, fmt::format("bad pattern: {}", compiled->error()));
        return;
    }
    if (!compiled->CheckRewriteString(replacement, &problem)) {
        diagnostics_.error(at, fmt::format("bad replacement: {}", problem));
        return;
    }
    if (kind != "subst") {
        set(pattern, kind == "substdefs" ? in_double_quotes(replacement) : replacement, at,
            IfDefined::refuse);
    }
    // A name is replaced wherever it stands; a plain rule only once per string unless it says g.
    substitutions_.push_back({std::move(compiled), replacement,
                              kind != "subst" || flags.find('g') != std::string::npos});
}

std::string Preprocessor::substituted(std::string_view text) const {
    std::string out(text);
    for (const Substitution& s : substitutions_) {
        if (s.everywhere) {
            RE2::GlobalReplace(&out, *s.pattern, s.replacement);
        } else {
            RE2::Replace(&out, *s.pattern, s.replacement);
        }
    }
    return out;
}

void Preprocessor::include(std::string_view path_text, const Position& at, bool optional) {
    if (from_memory_) {
        diagnostics_.error(at, "files cannot be included here");
        return;
    }
    if (open_files_.size() >= kMaxIncludes) {
        diagnostics_.error(at, fmt::format("files are included more than {} deep", kMaxIncludes));
        return;
    }
    const std::string path = substituted(path_text);
    const auto beside = (std::filesystem::path(open_files_.back()).parent_path() / path).string();
    for (const std::string& candidate : {path, beside}) {
        auto content = contents(candidate);
        if (!content) continue;
        open_files_.push_back(candidate);
        const std::string_view kept = texts_.keep(std::move(*content));
        run(kept, diagnostics_.add_file(candidate, std::string(kept)));
        open_files_.pop_back();
        return;
    }
    if (optional) return;
    diagnostics_.error(at, fmt::format("cannot read the included file {}", path),
                       beside == path ? std::string() : fmt::format("also tried {}", beside));
}

void Preprocessor::emit(Token token, int depth) {
    if (tokens_.size() >= kMaxTokens) {
        if (!too_long_) diagnostics_.error(token.at, "the configuration is too long");
        too_long_ = true;
        return;
    }
    if (token.kind == Tok::string) return finish_string(token);
    if (token.kind == Tok::variable && !substitutions_.empty()) {
        std::string text = substituted(token.text);
        if (text != token.text) token.text = texts_.keep(std::move(text));
    }
    const auto found = token.kind == Tok::word ? defines_.find(token.text) : defines_.end();
    if (found == defines_.end()) {
        tokens_.push_back(token);
        return;
    }
    if (!found->second.value) {
        diagnostics_.error(token.at, fmt::format("{} is defined without a value", token.text));
        token.kind = Tok::bad;
        tokens_.push_back(token);
        return;
    }
    if (depth >= kMaxExpansions) {
        diagnostics_.error(token.at, fmt::format("{} is defined by itself", token.text));
        return;
    }
    bool first = true;
    for (Token part : std::vector<Token>(found->second.tokens)) {
        if (first) {
            part.space_before = token.space_before;
            part.line_start = token.line_start;
        }
        first = false;
        part.at = token.at;
        emit(part, depth + 1);
    }
}

void Preprocessor::finish_string(Token token) {
    if (!substitutions_.empty()) {
        std::string text = substituted(token.text);
        if (text != token.text) token.text = texts_.keep(std::move(text));
    }
    const auto back = [this](std::size_t n) -> const Token* {
        return tokens_.size() > n ? &tokens_[tokens_.size() - 1 - n] : nullptr;
    };
    const Token* const last = back(0);
    const bool after_paren = last != nullptr && last->is("(");
    const Token* const keyword = after_paren || (last != nullptr && last->is("=")) ? back(1) : last;
    if (keyword != nullptr &&
        (keyword->is_word("include_file") || keyword->is_word("import_file"))) {
        const bool optional = keyword->text == "import_file";
        tokens_.resize(tokens_.size() - (keyword == last ? 1 : 2));
        return include(token.text, token.at, optional);
    }
    const bool loads =
        keyword != nullptr && (keyword->is_word("loadmodule") || keyword->is_word("loadmodulex"));
    // What loadmodulex makes of variables is known behind the preprocessor only.
    if (loads && is_name(module_name(token.text))) {
        set(fmt::format("MOD_{}", module_name(token.text)), std::nullopt, token.at,
            IfDefined::replace);
    }
    if (last != nullptr && last->kind == Tok::string && !last->raw && !token.raw) {
        tokens_.back().text =
            texts_.keep(std::string(last->text).append(token.text));  // "a" "b" is "ab"
        return;
    }
    tokens_.push_back(token);
}

std::vector<Token> Preprocessor::take_tokens() {
    Token end;
    if (!tokens_.empty()) {
        end.at = tokens_.back().at;
        end.at.column += end.at.length;
        end.at.length = 1;
    } else {
        end.at = {0, 1, 1, 1};
    }
    end.line_start = end.space_before = true;
    tokens_.push_back(end);
    return std::move(tokens_);
}

}  // namespace fairlead::cfg
