// Leaving the terminal, process id files, users and directories: what a daemon does at its start.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/base/result.h"
#include "core/event/fd.h"

namespace fairlead::server {

/// Forks into the background. The original process stays until the daemon reports, and exits with
/// what it says; only the daemon returns from here.
class Detached {
public:
    /// `keep_stderr`: the log goes there.
    [[nodiscard]] static Result<Detached> detach(bool keep_stderr);
    Detached() = default;  ///< not detached: report() does nothing
    /// 0: the start succeeded. Without a report, the original process exits with 255.
    void report(unsigned char status) noexcept;

private:
    Fd pipe_;
};

/// A file with this process's id, removed at the end by the process that wrote it.
class PidFile {
public:
    PidFile() = default;
    PidFile(PidFile&& other) noexcept { *this = std::move(other); }
    PidFile& operator=(PidFile&& other) noexcept;
    ~PidFile();

    /// An error when the file names a process that lives.
    [[nodiscard]] static Result<void> check(const std::string& path);
    /// Mode 0644, one line. `id` is the process's or its group's.
    [[nodiscard]] static Result<PidFile> write(const std::string& path, int id);
    /// Lets a user that this process becomes later remove it.
    void give_to(unsigned user, unsigned group) const noexcept;

private:
    std::string path_;
    int writer_ = 0;
};

/// Numeric ids from names or numbers; `none` leaves what is.
struct Identity {
    static constexpr unsigned none = static_cast<unsigned>(-1);
    unsigned user = none, group = none;
    std::string user_name;  ///< for supplementary groups; "" when the user has no name
};
[[nodiscard]] Result<Identity> find_identity(const std::string& user, const std::string& group);
/// Becomes that user and group for good.
[[nodiscard]] Result<void> become(const Identity& identity);

/// Makes the runtime directory (0700) when it is missing, owned by `owner`.
[[nodiscard]] Result<void> make_directory(const std::string& path, const Identity& owner);

}  // namespace fairlead::server
