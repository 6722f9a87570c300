// tw_append: what t_write_fifo and t_write_unix add to what they tell of a request.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"

namespace fairlead::tm {

/// One list. Lives as long as the server.
struct AppendList {
    struct Line {
        std::string name;
        const VariableRef* value = nullptr;
    };
    std::string name;
    std::vector<Line> lines;
    bool with_body = false;  ///< the body is told, whatever the method
};

class AppendLists {
public:
    /// "name: title=$var; $var; $rb", or in the form of earlier servers
    /// "name:title=avp[id];hdr[Name];msg[body]". A variable without title has its own text as name.
    Result<void> add(std::string_view text, ParamVariables& variables);
    /// Null when there is no such list.
    [[nodiscard]] const AppendList* find(std::string_view name) const noexcept;

private:
    std::vector<AppendList> lists_;
};

}  // namespace fairlead::tm
