// The checker: a Config into a Program. Finds everything that can be known before a message arrives
// and reports all of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cfg/ast.h"
#include "cfg/config.h"
#include "cfg/program.h"

namespace fairlead::cfg {

struct VariableText;

/// Type of an expression as far as it is known before it runs.
enum class Known : std::uint8_t { any, integer, string };

/// An expression made into a node; `node` is null after a mistake, which was reported.
struct Checked {
    Node* node = nullptr;
    Known type = Known::any;
    [[nodiscard]] bool is_constant() const noexcept {
        return node != nullptr && node->kind == Node::Kind::constant;
    }
};

/// One per compilation.
///
/// Route types: a function is refused only in a block from which it can never be called with
/// success. In blocks with a type of their own (request_route, failure_route, …) that is a function
/// whose row lacks that type. A route[NAME] may run in any type, through names made at run time and
/// through modules; what it calls is refused when the row has neither `request` (for which
/// Kamailio reads such blocks) nor the type of any route that reaches the block. What is left is
/// checked by the interpreter when it calls.
class Checker : private ParamVariables {
public:
    Checker(const Config& config, module::Registry& registry, Diagnostics& diagnostics);
    [[nodiscard]] std::shared_ptr<const Program> compile();
    /// Script::fill_in, instead of compile(): nothing is made that stays.
    [[nodiscard]] std::optional<std::string_view> fill_in(std::string_view text, Message& message);

private:
    /// What is known of a route before its body is checked.
    struct Reach {
        Route own = Route::request;  ///< types in which it runs
        bool called = false;
    };

    // Routes and statements (check.cpp).
    void prepare();
    void find_reach();
    void collect_calls(const std::vector<Statement*>& body, std::vector<std::string_view>& names);
    void collect_calls(const Expression* e, std::vector<std::string_view>& names);
    void event_routes();
    const Step* steps(const std::vector<Statement*>& body, const Step* behind = nullptr);
    Step* step(const Statement& s);
    void choice(const Statement& s, Step& out);
    void check_cases(const Statement& s, const std::vector<Choice>& choices);
    std::optional<Choice> one_choice(const Case& c);
    void read_limits();
    // Parameters of modules that name variables.
    void parameters();
    Result<const VariableRef*> variable(std::string_view text) override;
    Result<const LazyText*> text(std::string_view text) override;
    void log_prefix();

    // What is used, and warnings about it (check_usage.cpp).
    enum class Access : std::uint8_t { read, write, both };
    void note_variable(const Position& at, const VariableUse& use);
    void note_text(std::string_view text);
    [[nodiscard]] bool is_named(std::string_view text) const;
    void warn_of_unused_routes();
    void warn_of_unwritten();
    void warn_behind_end(const std::vector<Statement*>& body);
    void warn_of_zero(const Statement& s);
    void warn_of_code(const Expression& e);

    // Expressions (check_expression.cpp).
    Checked expression(const Expression& e);
    Checked operand(const Expression& e);  ///< functions and routes count as 1 or 0
    Checked condition(const Expression& e);
    Checked word(const Expression& e);
    Checked unary(const Expression& e);
    Checked binary(const Expression& e);
    Checked comparison(const Expression& e, Checked left, Checked right);
    Checked address_comparison(const Expression& e);
    Checked word_comparison(const Expression& e, const Variable& word);
    Checked match(const Expression& e);
    Checked select(const Expression& e);
    Checked assign(const Expression& e);
    Checked route_call(const Expression& e);
    Checked constant(const Position& at, const Value& value);
    void mismatch(const Expression& e, const Expression& part, Known wanted);
    [[nodiscard]] bool is_null(const Expression& e) const noexcept;
    const Regex* regex(const Position& at, std::string_view pattern, bool any_case);
    const Network* network(const Expression& e);

    // Calls (check_call.cpp).
    Checked call(const Expression& e);
    const module::FoundFunction* choose(const Expression& e,
                                        const std::vector<module::FoundFunction>& found);
    void unknown_function(const Expression& e);
    [[nodiscard]] bool failed_to_load(std::string_view module) const;
    void check_route_type(const Expression& e, const Function& row);
    bool argument(const Expression& e, const Expression& call, const Arg& row, CallArgument& out);
    bool number_argument(const Expression& e, const Expression& call, const Arg& row,
                         CallArgument& out);
    bool text_argument(const Expression& e, CallArgument& out);
    bool route_argument(const Expression& e, const Arg& row, CallArgument& out);
    bool regex_argument(const Expression& e, CallArgument& out);
    bool lazy_argument(const Expression& e, const Expression& call, const Arg& row,
                       CallArgument& out);
    bool variable_argument(const Expression& e, const Expression& call, const Arg& row,
                           CallArgument& out);
    bool made_argument(const Expression& e, CallArgument& out);
    void check_constants(const Expression& e, const Call& call);
    RouteId find_route(const Position& at, Route type, std::string_view name);

    // Variables and strings (check_variable.cpp).
    const VariableUse* variable(const Position& at, std::string_view text, std::size_t& taken);
    const VariableUse* variable(const Expression& e);
    /// The variable in the parentheses of another one; null when it was reported as none.
    const VariableUse* inner_variable(const Position& at, std::string_view text);
    bool name_and_index(const Position& at, const VariableText& text, VariableUse& use);
    /// The name is looked up with each use, as one that a variable gives.
    bool named_now(const Position& at, bool as_written, VariableUse& use);
    bool transforms(const Position& at, const VariableText& text, VariableUse& use);
    bool transform_arguments(const Position& at, std::string_view text, TransformUse& use);
    bool substitution(const Position& at, std::string_view text, TransformUse& use);
    void unknown_variable(const Position& at, std::string_view name);
    /// Null when there is nothing to make at run time; `plain` is then the text.
    const Format* format(const Position& at, std::string_view text, std::string_view& plain);
    [[nodiscard]] static bool has_variable(std::string_view text) noexcept;
    /// Whether the text is one variable and nothing else.
    [[nodiscard]] static bool take_whole(std::string_view text);

    Node* node(Node::Kind kind, const Position& at);
    [[nodiscard]] static Place place(const Position& at) noexcept { return {at.file, at.line}; }

    const Config& config_;
    const Tree& tree_;
    module::Registry& registry_;
    Diagnostics& diagnostics_;
    std::shared_ptr<Program> program_;
    Builtin* builtin_ = nullptr;
    std::vector<Reach> reach_;
    Route allowed_ = Route::any;  ///< types in which the block that is checked can run
    Route block_ = Route::any;    ///< its own type
    bool shared_ = false;         ///< it is a route[NAME]
    Position parameter_at_;       ///< the modparam line whose text is read
    /// Of one $var or $avp, by "row name".
    struct Usage {
        Position first;
        bool read = false, written = false;
    };
    std::map<std::string, Usage, std::less<>> usage_;
    Access access_ = Access::read;              ///< of the variable that is checked
    std::set<std::string, std::less<>> texts_;  ///< all constant arguments: names of routes, maybe
    bool routes_by_name_ = false;               ///< there is a route($var(x))
    bool at_run_time_ = false;                  ///< fill_in(): no name may be made
    int variables_ = 0;                         ///< … and how many variables it has come to
    int breakable_ = 0;                         ///< loops and switches around the statement
    std::map<std::pair<std::string, bool>, const Regex*> regexes_;
};

/// "request_route", "failure_route", … for messages.
[[nodiscard]] std::string_view route_word(Route type) noexcept;

}  // namespace fairlead::cfg
