// Certificates, keys and lists as bytes in shared memory. SPDX-License-Identifier: Apache-2.0
#include "modules/tls/files.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <system_error>
#include <vector>

#include "core/api/log.h"

namespace fairlead::tls {
namespace {

constexpr std::size_t kLargest = std::size_t{8} << 20;

using Size = std::array<char, sizeof(std::size_t)>;

void put_size(std::string& out, std::size_t size) {
    const auto bytes = std::bit_cast<Size>(size);
    out.append(bytes.data(), bytes.size());
}
std::size_t size_of(const char* block) noexcept {
    std::size_t size = 0;
    std::memcpy(&size, block, sizeof size);
    return size;
}
std::string_view take_piece(std::string_view& from) noexcept {
    const auto piece = from.substr(sizeof(Size), size_of(from.data()));
    from.remove_prefix(sizeof(Size) + piece.size());
    return piece;
}

}  // namespace

std::string Folders::path(std::string_view name) const {
    const std::filesystem::path given(name);
    if (given.is_absolute()) return given.string();
    return (std::filesystem::path(name.starts_with('.') ? work : config) / given)
        .lexically_normal()
        .string();
}

Result<std::string> read_file(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return fail(path + " is a folder, not a file");
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail("cannot read " + path + ": " + std::strerror(errno));
    std::string text(kLargest + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > kLargest) return fail(path + " is larger than 8 MB");
    return text;
}

Result<std::string> read_folder(const std::string& path) {
    std::error_code error;
    std::string all;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
         at.increment(error))
        if (at->is_regular_file()) names.push_back(at->path().string());
    if (error) return fail("cannot read " + path + ": " + error.message());
    std::ranges::sort(names);
    for (const auto& name : names) {
        all += TRY(read_file(name)) + "\n";
        if (all.size() > kLargest) return fail("what is in " + path + " is more than 8 MB");
    }
    return all;
}

bool Shelf::prepare(Core& core) {
    core_ = &core;
    tag_ = core.memory().tag("tls", "files");
    store_ = core.memory().make<Store>(tag_);
    if (store_ == nullptr) return false;
    store_->mutex.init(shm::Rank::table);
    return true;
}

bool Shelf::put(const Files& files) noexcept {
    std::string all(sizeof(Size), '\0');
    for (const auto& [name, bytes] : files) {
        put_size(all, name.size());
        all += name;
        put_size(all, bytes.size());
        all += bytes;
    }
    std::ranges::copy(std::bit_cast<Size>(all.size()), all.begin());
    shm::Segment& memory = core_->memory();
    char* const made = memory.copy(all, tag_, shm::Hold::in_hand);
    OPENSSL_cleanse(all.data(), all.size());  // there are keys in it
    if (made == nullptr) return false;
    char* before = nullptr;
    {
        const shm::Guard guard(*store_);
        before = store_->block;
        store_->block = made;
        memory.publish(made);
        store_->number.fetch_add(1, std::memory_order_release);
    }
    if (before != nullptr) OPENSSL_cleanse(before, size_of(before));
    memory.free(before);
    return true;
}

std::uint64_t Shelf::take(Files& files) const {
    std::string all;
    std::uint64_t number = 0;
    {
        const shm::Guard guard(*store_);
        number = store_->number.load(std::memory_order_relaxed);
        if (store_->block != nullptr) all.assign(store_->block, size_of(store_->block));
    }
    files.clear();
    for (std::string_view rest = std::string_view(all).substr(all.empty() ? 0 : sizeof(Size));
         !rest.empty();) {
        const auto name = take_piece(rest);
        files.emplace(name, take_piece(rest));
    }
    OPENSSL_cleanse(all.data(), all.size());
    return number;
}

}  // namespace fairlead::tls
