// metrics: every counter, statistic and histogram for Prometheus, over HTTP.
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/core.h"
#include "modules/http/api.h"
#include "modules/metrics/exposition.h"

namespace fairlead::metrics {
namespace {

std::string_view unit_of(std::string_view name) noexcept {
    for (const std::string_view unit : {std::string_view("bytes"), std::string_view("seconds")})
        if (name.ends_with(unit)) return unit;
    return {};
}

/// One answer, a part at a time: what was counted is read once, in the beginning.
class Report {
public:
    Report(Core& core, Format format, std::int64_t started)
        : core_(core), started_(started), values_(core.statistics()), text_(out_, format) {}

    http::Flow piece(std::string& out) {
        constexpr std::size_t kPart = std::size_t{16} * 1024;
        http::Flow flow = http::Flow::more;
        while (flow == http::Flow::more && out_.size() < kPart) flow = step();
        out += std::exchange(out_, {});
        return flow;
    }

private:
    http::Flow step() {
        if (next_ < values_.size()) return statistic(values_[next_++]);
        const auto& rows = core_.histograms().rows();
        if (next_histogram_ < rows.size()) return histogram(rows[next_histogram_++]);
        server();
        memory();
        workers();
        text_.end();
        return http::Flow::last;
    }

    http::Flow statistic(const StatisticValue& s) {
        if (s.group == "shmem") return http::Flow::more;  // memory() says it with units
        const std::string name = metric_name(s.group, s.name);
        const Type type = s.is_level ? Type::gauge : Type::counter;
        if (text_.begin(name, type, s.help, unit_of(name))) text_.sample(s.value);
        return http::Flow::more;
    }

    /// All histograms of one name stand together.
    http::Flow histogram(const shm::Histograms::Row& row) {
        if (row.index == 0) return http::Flow::more;
        const std::string name = metric_name(row.group, row.name) + "_seconds";
        if (!text_.begin(name, Type::histogram, row.help, "seconds")) return http::Flow::more;
        for (const auto& one : core_.histograms().rows())
            if (one.index != 0 && one.group == row.group && one.name == row.name)
                text_.histogram(one.label, one.label_value,
                                core_.histograms().sum(shm::Histogram(one.index)));
        return http::Flow::more;
    }

    void server() {
        if (text_.begin("fairlead_start_time_seconds", Type::gauge,
                        "When the server was started, in seconds since 1970.", "seconds"))
            text_.sample(started_);
    }

    void memory() {
        for (const StatisticValue& s : values_) {
            if (s.group != "shmem") continue;
            const bool is_size = s.name.ends_with("_size");
            const std::string_view name =
                is_size ? s.name.substr(0, s.name.size() - std::string_view("_size").size())
                        : "blocks";
            const std::string metric =
                metric_name("shared_memory", name) + (is_size ? "_bytes" : "");
            if (text_.begin(metric, Type::gauge, s.help, is_size ? "bytes" : ""))
                text_.sample(s.value);
        }
        const auto owners = core_.memory().top();
        if (text_.begin("fairlead_shared_memory_owner_bytes", Type::gauge,
                        "Bytes of shared memory in use, by module and kind.", "bytes"))
            each_owner(owners, &shm::Usage::bytes);
        if (text_.begin("fairlead_shared_memory_owner_blocks", Type::gauge,
                        "Blocks of shared memory in use, by module and kind."))
            each_owner(owners, &shm::Usage::blocks);
    }

    template <class Member>
    void each_owner(const std::vector<shm::Usage>& owners, Member what) {
        for (const shm::Usage& usage : owners) {
            const std::string_view tag = usage.tag;
            const std::size_t mark = tag.find_first_of(":./ ");
            const std::string_view kind = mark == tag.npos ? "" : tag.substr(mark + 1);
            text_.sample("module", tag.substr(0, mark), "kind", kind,
                         static_cast<std::int64_t>(usage.*what));
        }
    }

    /// What each worker received, so that one that gets more than others is seen.
    void workers() {
        for (const StatisticValue& s : values_) {
            if (s.group != "core" || (s.name != "rcv_requests" && s.name != "rcv_replies"))
                continue;
            const bool requests = s.name == "rcv_requests";
            if (!text_.begin(
                    requests ? "fairlead_worker_requests" : "fairlead_worker_replies",
                    Type::counter,
                    requests ? "Requests that a worker read." : "Replies that a worker read."))
                continue;
            for (std::size_t i = 0; i < core_.globals().workers; ++i)
                text_.sample(
                    "worker", std::to_string(i),
                    core_.counters().of_process(s.counter, static_cast<std::uint16_t>(i + 1)));
        }
    }

    Core& core_;
    std::int64_t started_;
    std::vector<StatisticValue> values_;
    std::string out_;
    Exposition text_;
    std::size_t next_ = 0, next_histogram_ = 0;
};

class Metrics final : public Module, http::Site {
public:
    std::string path = "/metrics";
    http::Api* http = nullptr;
    shm::Counter scrapes;

    Result<void> prepare(Core& core) override {
        core_ = &core;
        started_ = core.clock().unix_seconds();
        return http->serve(path, *this);
    }

private:
    void asked(std::shared_ptr<http::Request> request, const http::Caller&) override {
        const auto method = request->method();
        if (method != http::Method::get && method != http::Method::head) {
            request->add_header("Allow", "GET, HEAD");
            return request->reply(405, "text/plain", "Metrics are read with GET.\n");
        }
        scrapes.add();
        const Format format = accepted(request->header("Accept").value_or(""));
        const auto report = std::make_shared<Report>(*core_, format, started_);
        request->stream(200, content_type(format),
                        [report](std::string& out) { return report->piece(out); });
    }

    Core* core_ = nullptr;
    std::int64_t started_ = 0;
};

constexpr Param params[] = {
    param<&Metrics::path>("path", "Where Prometheus finds them."),
};
constexpr Statistic statistics[] = {
    statistic<&Metrics::scrapes>("scrapes", "Times at which they were read.")};
constexpr Need needed[] = {needs<&Metrics::http>()};
constexpr Descriptor descriptor{.name = "metrics",
                                .summary =
                                    "Every counter, statistic and histogram in the formats that "
                                    "Prometheus reads.",
                                .create = make_module<Metrics>,
                                .params = params,
                                .statistics = statistics,
                                .needs = needed};

}  // namespace
}  // namespace fairlead::metrics

FAIRLEAD_MODULE(fairlead::metrics::descriptor)
