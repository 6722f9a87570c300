// Plays one scenario: commands in, a ModuleHost in between, complaints out.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test/scenario/script.h"
#include "test/support/module_host.h"

namespace fairlead::test {

/// Throws std::runtime_error with the line at the first thing that is not as the file says.
class Player {
public:
    void play(const std::vector<Command>& commands);

private:
    using Words = std::vector<std::string>;

    void run(const Command& c);
    void listen(const Command& c);
    void global(const Command& c);
    void config(const Command& c);
    void receive(const Command& c);
    void reply_from(const Command& c);
    void expect(const Command& c);
    void statistic(const Command& c);
    void end();

    void start();
    [[nodiscard]] const std::string& peer(const std::string& name) const;
    [[nodiscard]] std::string request_text(const Command& c) const;
    void check_detail(const std::string& bytes, const Command::Detail& detail);

    std::unique_ptr<ModuleHost> host_ = std::make_unique<ModuleHost>();
    bool started_ = false;
    bool leaks_allowed_ = false;
    Ms now_{0};
    std::map<std::string, std::string> peers_{{"a", "192.0.2.1:5060"},
                                              {"b", "192.0.2.2:5060"},
                                              {"c", "192.0.2.3:5060"},
                                              {"a6", "[2001:db8::1]:5060"},
                                              {"b6", "[2001:db8::2]:5060"}};
    std::map<std::string, std::string> last_to_;    ///< by peer: the last message it was sent
    std::map<std::string, std::string> last_from_;  ///< by peer: the last request it sent
    std::map<std::string, std::string> saved_;      ///< by name: what `as NAME` captured
};

}  // namespace fairlead::test
