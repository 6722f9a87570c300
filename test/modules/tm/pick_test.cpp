// Which reply goes upstream. SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>
#include <initializer_list>

#include "modules/tm/reply_pick.h"

namespace fairlead::tm {
namespace {

struct Given {
    int status;
    std::uint16_t flags = 0;
};

struct Set {
    Cell cell;
    std::array<Branch, 8> branches;
    explicit Set(std::initializer_list<Given> given) {
        cell.method = sip::Method::invite;
        std::size_t n = 0;
        for (const Given& g : given) {
            Branch& b = branches.at(n);
            b.status = static_cast<std::uint16_t>(g.status);
            b.index = static_cast<std::uint8_t>(n);
            b.flags = static_cast<std::uint16_t>(g.flags | Branch::decided);
            (n == 0 ? cell.branches : branches.at(n - 1).next) = &b;
            ++n;
        }
        cell.branch_count = static_cast<std::uint8_t>(n);
    }
};

int winner(std::initializer_list<Given> given, const Policy& policy = {}) {
    const Set set(given);
    return pick(set.cell, policy).code;
}

}  // namespace

TEST_CASE("the lowest rank wins") {
    CHECK(winner({{404}, {486}}) == 404);
    CHECK(winner({{404}, {401}}) == 401);
    CHECK(winner({{500}, {486}}) == 486);
    CHECK(winner({{404}, {302}}) == 302);
    CHECK(winner({{302}, {603}}) == 603);
    CHECK(winner({{404}, {484}, {420}, {415}, {407}}) == 407);
    CHECK(winner({{503}, {500}}) == 500);
}

TEST_CASE("RFC 4320 4.2: of methods other than INVITE a 408 is the last choice") {
    Set set({{408}, {500}});
    set.cell.method = sip::Method::message;
    CHECK(pick(set.cell, {}).code == 500);
    Policy old;
    old.rfc4320 = false;
    CHECK(pick(set.cell, old).code == 408);
}

TEST_CASE("of equals the lower branch wins") {
    const Set set({{486}, {404}, {404}});
    CHECK(pick(set.cell, {}).branch->index == 1);
}

TEST_CASE("a penalty for replies made here, also when they complete the set") {
    Policy policy;
    policy.faked_reply_prio = 2000;
    CHECK(winner({{480}, {408, Branch::faked | Branch::timed_out}}, policy) == 480);
    CHECK(winner({{408, Branch::faked | Branch::timed_out}, {480}}) == 408);
}

TEST_CASE("what was never sent, earlier steps and 6xx without privilege") {
    CHECK(winner({{302, Branch::faked | Branch::unsent}, {503}}) == 503);
    CHECK(winner({{503, Branch::faked | Branch::unsent}}) == 503);
    CHECK(winner({{302, Branch::retired}, {408}}) == 408);
    Policy policy;
    policy.disable_6xx_block = true;
    CHECK(winner({{603}, {404}}, policy) == 404);
    const Set none({{404, Branch::retired}});
    CHECK(pick(none.cell, {}).branch == nullptr);
    CHECK(pick(none.cell, {}).code == 500);
}

}  // namespace fairlead::tm
