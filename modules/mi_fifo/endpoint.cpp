// FIFOs, local sockets and reply files, made so that nobody else can open or replace them.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/mi_fifo/api.h"

namespace fairlead::mi_fifo {
namespace {

std::unexpected<Error> system_error(const std::string& what) {
    const int number = errno;
    return fail(what + ": " + std::strerror(number), {}, number);
}

/// Something of an earlier server: a file of the type that comes in its place.
Result<void> clear_place(const std::string& path, mode_t type) {
    struct stat found{};
    if (lstat(path.c_str(), &found) != 0)
        return errno == ENOENT ? Result<void>{} : system_error(path);
    if ((found.st_mode & S_IFMT) != type)
        return fail(path + " exists and is something else: it is left alone");
    if (unlink(path.c_str()) != 0) return system_error("cannot remove " + path);
    return {};
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(path + " is too long for a socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}
const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

std::string caller_text(const ucred& who) {
    return "uid " + std::to_string(who.uid) + ", pid " + std::to_string(who.pid);
}

}  // namespace

Result<Access> find_access(const Globals& globals, int mode, const std::string& user,
                           const std::string& group) {
    Access access{static_cast<unsigned>(mode), globals.user, globals.group};
    if (!user.empty()) {
        const auto number = text::parse_uint(user, UINT32_MAX - 1);
        const passwd* const entry = number ? nullptr : getpwnam(user.c_str());
        if (!number && entry == nullptr) return fail("there is no user " + user);
        access.user = number ? static_cast<std::int64_t>(*number) : entry->pw_uid;
    }
    if (!group.empty()) {
        const auto number = text::parse_uint(group, UINT32_MAX - 1);
        const ::group* const entry = number ? nullptr : getgrnam(group.c_str());
        if (!number && entry == nullptr) return fail("there is no group " + group);
        access.group = number ? static_cast<std::int64_t>(*number) : entry->gr_gid;
    }
    return access;
}

Result<void> Endpoint::make_fifo(const std::string& path, const Access& access) {
    path_ = path;
    TRY(clear_place(path, S_IFIFO));
    if (mkfifo(path.c_str(), 0600) != 0) return system_error("cannot make " + path);
    fd_.reset(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    if (!fd_) return system_error("cannot open " + path);
    struct stat opened{};
    if (fstat(fd_.get(), &opened) != 0 || !S_ISFIFO(opened.st_mode))
        return fail(path + " was replaced while it was made");
    TRY(settle(access));
    if (fchmod(fd_.get(), access.mode) != 0) return system_error("cannot set the mode of " + path);
    return {};
}

Result<void> Endpoint::make_socket(const std::string& path, int type, const Access& access) {
    path_ = path;
    const sockaddr_un address = TRY(address_of(path));
    TRY(clear_place(path, S_IFSOCK));
    fd_.reset(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_) return system_error("cannot make a socket");
    constexpr int on = 1;  // who asks is logged
    if (type == SOCK_DGRAM && setsockopt(fd_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return system_error("cannot ask for the credentials of " + path);
    // The mode is in force from the moment at which the name is there.
    const mode_t before = umask(0177);
    const int bound = bind(fd_.get(), generic(address), sizeof address);
    umask(before);
    if (bound != 0) return system_error("cannot bind " + path);
    TRY(settle(access));
    // The descriptor's mode is not the name's. Only our user can write to the directory.
    if (chmod(path.c_str(), access.mode) != 0)
        return system_error("cannot set the mode of " + path);
    if (type == SOCK_STREAM && listen(fd_.get(), 64) != 0) return system_error("cannot listen");
    return {};
}

Result<void> Endpoint::settle(const Access& access) {
    struct stat made{};
    if (lstat(path_.c_str(), &made) != 0) return system_error(path_);
    device_ = made.st_dev;
    inode_ = made.st_ino;
    const auto user = static_cast<uid_t>(access.user), group = static_cast<gid_t>(access.group);
    if ((access.user >= 0 || access.group >= 0) && lchown(path_.c_str(), user, group) != 0)
        return system_error("cannot change the owner of " + path_);
    return {};
}

void Endpoint::remove() noexcept {
    struct stat found{};
    const bool ours = inode_ != 0 && lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
                      found.st_ino == inode_;
    if (ours) unlink(path_.c_str());
    inode_ = 0;
    fd_.reset();
}

Result<void> ReplyDirectory::open(const std::string& path, bool creates) {
    creates_ = creates;
    directory_.reset(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory_) return system_error("cannot open the directory " + path);
    return {};
}

bool ReplyDirectory::is_allowed(std::string_view name) noexcept {
    constexpr std::size_t kLongest = 128;
    if (name.empty() || name.size() > kLongest) return false;
    for (const char c : name)
        if (c == '.' || c == '/' || c == '\\' || static_cast<unsigned char>(c) <= ' ' ||
            c == '\x7f')
            return false;
    return true;
}

Result<Fd> ReplyDirectory::open_reply(std::string_view name, bool append) const {
    if (!is_allowed(name)) return fail("a reply file's name has no '.', '/', '\\' or blanks");
    const std::string path(name);
    constexpr int how = O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    Fd fd(openat(directory_.get(), path.c_str(), how));
    if (!fd && errno == ENOENT && creates_)
        fd.reset(openat(directory_.get(), path.c_str(), how | O_CREAT | O_EXCL, 0600));
    if (!fd) return system_error("cannot open the reply file " + path);
    struct stat opened{}, named{};
    if (fstat(fd.get(), &opened) != 0) return system_error(path);
    if (fstatat(directory_.get(), path.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 ||
        named.st_ino != opened.st_ino || named.st_dev != opened.st_dev || opened.st_nlink != 1)
        return fail("the reply file " + path + " has another name or was replaced");
    if (S_ISFIFO(opened.st_mode)) return fd;
    constexpr mode_t others = S_IWGRP | S_IWOTH;
    if (!S_ISREG(opened.st_mode) || opened.st_uid != geteuid() || (opened.st_mode & others) != 0)
        return fail("the reply file " + path + " is neither a FIFO nor a file of the server's own");
    if (append ? lseek(fd.get(), 0, SEEK_END) < 0 : ftruncate(fd.get(), 0) != 0)
        return system_error(path);
    return fd;
}

std::string caller_of(int fd) {
    ucred who{};
    socklen_t size = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return {};
    return caller_text(who);
}

std::optional<Datagram> take_datagram(int fd) {
    constexpr std::size_t kLongest = 64 * 1024;
    Datagram got;
    got.bytes.resize(kLongest);
    sockaddr_un from{};
    iovec part{.iov_base = got.bytes.data(), .iov_len = kLongest};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    msghdr message{.msg_name = &from,
                   .msg_namelen = sizeof from,
                   .msg_iov = &part,
                   .msg_iovlen = 1,
                   .msg_control = control.data(),
                   .msg_controllen = control.size(),
                   .msg_flags = 0};
    const ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) return std::nullopt;
    got.bytes.resize(static_cast<std::size_t>(n));
    if (message.msg_namelen > offsetof(sockaddr_un, sun_path)) {
        const std::size_t longest = message.msg_namelen - offsetof(sockaddr_un, sun_path);
        // Without a place in the file system the name begins with a NUL, and is all of it.
        const bool is_abstract = from.sun_path[0] == '\0';
        got.sender.assign(from.sun_path, is_abstract ? longest : strnlen(from.sun_path, longest));
    }
    for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
         c = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(c))) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
        ucred who{};
        std::memcpy(&who, CMSG_DATA(c), sizeof who);
        got.caller = caller_text(who);
    }
    return got;
}

ssize_t send_datagram(int fd, const std::string& peer, std::string_view bytes) {
    const auto address = address_of(peer);
    if (!address) return -1;
    const auto whole = static_cast<socklen_t>(sizeof *address);
    const auto named = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + peer.size());
    return sendto(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, generic(*address),
                  peer.starts_with('\0') ? named : whole);
}

}  // namespace fairlead::mi_fifo
