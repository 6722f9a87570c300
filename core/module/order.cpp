// Start order and connect(): who gets whose interface, and which counter. SPDX-License-Identifier:
// Apache-2.0
#include "core/module/order.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "core/module/registry.h"

namespace fairlead::module {

namespace {

/// Depth first; `path` is the chain of needs that led here.
class Sorter {
public:
    explicit Sorter(std::span<const OrderItem> items) : items_(items), done_(items.size()) {}

    Result<void> visit(std::size_t item) {
        if (done_[item]) return {};
        if (const auto at = std::ranges::find(path_, item); at != path_.end()) {
            std::string cycle;
            for (auto step = at; step != path_.end(); ++step) {
                cycle += fmt::format("{} -> ", items_[*step].name);
            }
            return fail(
                fmt::format("modules need each other in a circle: {}{}", cycle, items_[item].name));
        }
        path_.push_back(item);
        for (const std::size_t before : items_[item].after) {
            TRY(visit(before));
        }
        path_.pop_back();
        done_[item] = true;
        order_.push_back(item);
        return {};
    }
    std::vector<std::size_t> take() { return std::move(order_); }

private:
    std::span<const OrderItem> items_;
    std::vector<bool> done_;
    std::vector<std::size_t> path_, order_;
};

struct Offered {
    std::size_t module = 0;
    const Offer* row = nullptr;
};
using Offers = std::map<std::string_view, Offered>;

Result<Offers> collect_offers(std::span<const std::unique_ptr<Loaded>> modules) {
    Offers all;
    for (std::size_t i = 0; i < modules.size(); ++i) {
        for (const Offer& row : modules[i]->descriptor->offers) {
            const auto [at, is_new] = all.emplace(row.id.name, Offered{i, &row});
            if (!is_new) {
                return fail(fmt::format("modules {} and {} both offer the interface \"{}\"",
                                        modules[at->second.module]->name, modules[i]->name,
                                        row.id.name));
            }
        }
    }
    return all;
}

/// Binds one need; returns the index of the module that offers it, or nullopt when an optional one
/// is not there.
Result<std::optional<std::size_t>> bind(std::span<const std::unique_ptr<Loaded>> modules,
                                        const Offers& offers, const Loaded& m, const Need& need) {
    const auto at = offers.find(need.id.name);
    if (at == offers.end()) {
        if (!need.optional) {
            return fail(
                fmt::format("module {} needs the interface \"{}\" (version {}), which no "
                            "loaded module offers: add a loadmodule line",
                            m.name, need.id.name, need.id.version));
        }
        need.bind(*m.object, nullptr);
        return std::nullopt;
    }
    const auto& [index, row] = at->second;
    if (row->id.version != need.id.version) {
        return fail(fmt::format(
            "module {} needs version {} of the interface \"{}\", module {} "
            "offers version {}: rebuild the older one",
            m.name, need.id.version, need.id.name, modules[index]->name, row->id.version));
    }
    need.bind(*m.object, row->as(*modules[index]->object));
    return index;
}

}  // namespace

Result<std::vector<std::size_t>> start_order(std::span<const OrderItem> items) {
    Sorter sorter(items);
    for (std::size_t i = 0; i < items.size(); ++i) {
        TRY(sorter.visit(i));
    }
    return sorter.take();
}

Result<std::vector<Loaded*>> Registry::connect(shm::Counters& counters) {
    const Offers offers = TRY(collect_offers(modules_));
    std::vector<OrderItem> items;
    for (const auto& m : modules_) {
        OrderItem item{m->name, {}};
        for (const Need& need : m->descriptor->needs) {
            const auto before = TRY(bind(modules_, offers, *m, need));
            if (before) item.after.push_back(*before);
        }
        for (const Statistic& row : m->descriptor->statistics) {
            if (row.bind != nullptr) {
                row.bind(*m->object, counters.add(m->name, row.name, row.doc, row.is_level));
            }
        }
        for (const HistogramRow& row : m->descriptor->histograms)
            row.bind(*m->object, counters.histograms().add(m->name, row.name, row.doc));
        items.push_back(std::move(item));
    }
    std::vector<Loaded*> order;
    for (const std::size_t i : TRY(start_order(items))) order.push_back(modules_[i].get());
    return order;
}

}  // namespace fairlead::module
