// Registrations that a test makes up, in the place of usrloc. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"
#include "modules/usrloc/api.h"

namespace fairlead::cpl::test {

/// Registrations that a test makes up.
class FakeUsrloc final : public Module, public usrloc::Api {
public:
    std::vector<usrloc::Contact> found;
    std::string asked;

    usrloc::DomainId domain(std::string_view) override { return usrloc::DomainId{}; }
    usrloc::DomainId find_domain(std::string_view) const noexcept override {
        return usrloc::DomainId{};
    }
    std::string_view name(usrloc::DomainId) const noexcept override { return "location"; }
    bool use_domain() const noexcept override { return false; }
    std::uint32_t nat_flag() const noexcept override { return 0; }
    void on_change(usrloc::Watcher&, std::uint8_t) override {}
    void on_stored(usrloc::StoreListener&) override {}
    std::vector<usrloc::Contact> contacts(usrloc::DomainId, std::string_view aor, Arena&,
                                          bool) override {
        asked = aor;
        return found;
    }
    usrloc::SaveResult save(usrloc::DomainId, std::string_view, std::span<const usrloc::Change>,
                            const usrloc::SavePolicy&) override {
        return {};
    }
    std::size_t remove(usrloc::DomainId, std::string_view, std::string_view) override { return 0; }
    std::string_view aor_of(usrloc::DomainId, std::string_view, Arena&) override { return {}; }
    std::uint32_t hash(std::string_view) const noexcept override { return 0; }
    std::string_view contact_xavp() const noexcept override { return {}; }
};
inline constexpr Offer offered[] = {offers<FakeUsrloc, usrloc::Api>()};
inline constexpr Descriptor fake_usrloc{
    .name = "usrloc", .summary = "made up", .create = make_module<FakeUsrloc>, .offers = offered};

}  // namespace fairlead::cpl::test
