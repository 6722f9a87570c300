// Reading a configuration: preprocess, then parse.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/config.h"

#include "cfg/ast.h"
#include "cfg/parser.h"
#include "cfg/preprocessor.h"

namespace fairlead::cfg {

namespace {

Config parse(Preprocessor& preprocessor, std::unique_ptr<Tree> tree, Diagnostics& diagnostics) {
    Config config;
    config.tree = std::move(tree);
    const std::vector<Token> tokens = preprocessor.take_tokens();
    config.tree->defines = preprocessor.take_defines();
    Parser(tokens, config, diagnostics).parse();
    return config;
}

std::string in_quotes(const Token& t) {
    if (t.raw) return "'" + std::string(t.text) + "'";
    std::string out = "\"";
    for (const char c : t.text) {
        constexpr std::string_view kPlain = "\n\r\t\a\"", kEscaped = "nrta\"";
        if (const std::size_t i = kPlain.find(c); i != std::string_view::npos) {
            out += '\\';
            out += kEscaped[i];
        } else {
            if (c == '\\') out += '\\';
            out += c;
        }
    }
    return out + '"';
}

}  // namespace

Config::Config() = default;
Config::~Config() = default;
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(Config&&) noexcept = default;

Config read(const std::string& path, const ReadOptions& options, Diagnostics& diagnostics) {
    auto tree = std::make_unique<Tree>();
    Preprocessor preprocessor(options, tree->texts, diagnostics);
    preprocessor.read_directives(options.directives);
    preprocessor.read_file(path);
    return parse(preprocessor, std::move(tree), diagnostics);
}

Config read_text(std::string text, const ReadOptions& options, Diagnostics& diagnostics) {
    auto tree = std::make_unique<Tree>();
    Preprocessor preprocessor(options, tree->texts, diagnostics);
    preprocessor.read_text(std::move(text));
    return parse(preprocessor, std::move(tree), diagnostics);
}

std::string preprocess(const std::string& path, const ReadOptions& options,
                       Diagnostics& diagnostics) {
    Texts texts;
    Preprocessor preprocessor(options, texts, diagnostics);
    preprocessor.read_directives(options.directives);
    preprocessor.read_file(path);
    std::string out;
    for (const Token& t : preprocessor.take_tokens()) {
        if (t.kind == Tok::end || t.kind == Tok::bad) continue;
        if (t.line_start) {
            if (!out.empty()) out += '\n';
            out.append(t.at.column > 1 ? t.at.column - 1 : 0, ' ');
        } else if (t.space_before) {
            out += ' ';
        }
        if (t.kind == Tok::string) {
            out += in_quotes(t);
        } else {
            out += t.text;
        }
    }
    return out + '\n';
}

}  // namespace fairlead::cfg
