// The socket filter that lets the kernel deliver a datagram to the worker that owns its call.
//
// Classic BPF has no loops and jumps forward only, so the search is unrolled. It loads every fourth
// 4-byte word and folds its case. However the pattern is aligned, exactly one of the words that
// begin at its bytes 2 to 5 is loaded:
//
//     \n C a l l - I D :
//      0 1 2 3 4 5 6 7 8     2 "all-"   3 "ll-I"   4 "l-ID"   5 "-ID:"
//
// A word that looks like one of them is looked at again in its group's check, which needs the whole
// pattern; when that fails the search goes on in the next group.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/steer_program.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/net/call_id.h"

namespace fairlead::net {
namespace {

constexpr std::uint32_t kFold = 0x20202020;    // makes ASCII letters small, leaves '-' and ':'
constexpr std::uint32_t kByFlow = 0xffffffff;  // no such socket: the kernel takes the flow's
constexpr std::size_t kWordsInGroup = 16;
constexpr std::size_t kFirst = 16;       // no header can begin earlier
constexpr std::size_t kCheckAhead = 16;  // the check reads this far behind a word
constexpr std::uint32_t kHashCell = 0, kBaseCell = 1;

constexpr std::uint32_t word(const char (&text)[5]) {
    return static_cast<std::uint32_t>(text[0]) << 24 | static_cast<std::uint32_t>(text[1]) << 16 |
           static_cast<std::uint32_t>(text[2]) << 8 | static_cast<std::uint32_t>(text[3]);
}
struct Part {
    std::uint32_t word;
    std::uint32_t offset;  ///< in the pattern
};
constexpr std::array<Part, 4> kParts{
    {{word("-id:"), 5}, {word("all-"), 2}, {word("ll-i"), 3}, {word("l-id"), 4}}};

class Writer {
public:
    void put(std::uint16_t code, std::uint32_t k, std::size_t yes = 0, std::size_t no = 0) {
        code_.push_back({code, static_cast<std::uint8_t>(yes), static_cast<std::uint8_t>(no), k});
    }
    [[nodiscard]] std::size_t at() const { return code_.size(); }
    /// An unconditional jump whose target is set later.
    std::size_t jump() {
        put(BPF_JMP | BPF_JA, 0);
        return at() - 1;
    }
    void land(std::size_t jump) { code_[jump].k = static_cast<std::uint32_t>(at() - jump - 1); }
    /// Lets a conditional jump go to where the next instruction will be when it is true.
    void land_true(std::size_t conditional) {
        code_[conditional].jt = static_cast<std::uint8_t>(at() - conditional - 1);
    }
    std::vector<sock_filter> take() { return std::move(code_); }

private:
    std::vector<sock_filter> code_;
};

class Builder {
public:
    Builder(std::size_t workers, std::size_t reach) : workers_(workers), reach_(reach) {}

    std::vector<sock_filter> build() {
        for (std::size_t base = kFirst; base < reach_; base += kWordsInGroup * 4) group(base);
        w_.put(BPF_RET | BPF_K, kByFlow);
        for (const std::size_t jump : found_) w_.land(jump);
        hash();
        return w_.take();
    }

private:
    /// Sixteen words, then where each hit goes, then the check.
    void group(std::size_t base) {
        const auto end = static_cast<std::uint32_t>(base + kWordsInGroup * 4 + kCheckAhead);
        w_.put(BPF_LD | BPF_W | BPF_LEN, 0);
        w_.put(BPF_JMP | BPF_JGE | BPF_K, end, 1, 0);
        w_.put(BPF_RET | BPF_K, kByFlow);  // a load behind the end would choose socket 0

        std::array<std::array<std::size_t, kParts.size()>, kWordsInGroup> hits{};
        for (std::size_t i = 0; i < kWordsInGroup; ++i) {
            w_.put(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(base + i * 4));
            w_.put(BPF_ALU | BPF_OR | BPF_K, kFold);
            for (std::size_t p = 0; p < kParts.size(); ++p) {
                hits[i][p] = w_.at();
                w_.put(BPF_JMP | BPF_JEQ | BPF_K, kParts[p].word);
            }
        }
        const std::size_t nothing = w_.jump();
        std::array<std::size_t, kWordsInGroup> to_check{};
        for (std::size_t i = 0; i < kWordsInGroup; ++i) {
            for (const std::size_t hit : hits[i]) w_.land_true(hit);
            // NOLINTNEXTLINE(misc-redundant-expression): both names are 0
            w_.put(BPF_LDX | BPF_W | BPF_IMM, static_cast<std::uint32_t>(base + i * 4));
            to_check[i] = w_.jump();
        }
        for (const std::size_t jump : to_check) w_.land(jump);
        check();
        w_.land(nothing);
    }

    /// X is where a word of the pattern stands. Falls through when the rest does not fit.
    void check() {
        w_.put(BPF_LD | BPF_W | BPF_IND, 0);
        w_.put(BPF_ALU | BPF_OR | BPF_K, kFold);
        std::array<std::size_t, kParts.size()> is_part{};
        for (std::size_t p = 0; p < kParts.size(); ++p) {
            is_part[p] = w_.at();
            w_.put(BPF_JMP | BPF_JEQ | BPF_K, kParts[p].word);
        }
        w_.put(BPF_RET | BPF_K, kByFlow);  // not reached: one of the four brought us here
        std::array<std::size_t, kParts.size()> joined{};
        for (std::size_t p = 0; p < kParts.size(); ++p) {
            w_.land_true(is_part[p]);
            w_.put(BPF_MISC | BPF_TXA, 0);
            w_.put(BPF_ALU | BPF_SUB | BPF_K, kParts[p].offset);
            joined[p] = w_.jump();
        }
        for (const std::size_t jump : joined) w_.land(jump);
        w_.put(BPF_MISC | BPF_TAX, 0);  // X: the line feed before the name

        w_.put(BPF_LD | BPF_B | BPF_IND, 0);
        w_.put(BPF_JMP | BPF_JEQ | BPF_K, '\n', 0, 7);
        w_.put(BPF_LD | BPF_W | BPF_IND, 1);
        w_.put(BPF_ALU | BPF_OR | BPF_K, kFold);
        w_.put(BPF_JMP | BPF_JEQ | BPF_K, word("call"), 0, 4);
        w_.put(BPF_LD | BPF_W | BPF_IND, 5);
        w_.put(BPF_ALU | BPF_OR | BPF_K, kFold);
        w_.put(BPF_JMP | BPF_JEQ | BPF_K, word("-id:"), 0, 1);
        found_.push_back(w_.jump());
    }

    /// X is the line feed before "Call-ID:". A value behind more than one space, or on the next
    /// line, is left to the receiving process.
    void hash() {
        constexpr std::uint32_t kValue = 9;
        w_.put(BPF_LD | BPF_B | BPF_IND, kValue);
        w_.put(BPF_JMP | BPF_JEQ | BPF_K, ' ', 0, 3);
        w_.put(BPF_MISC | BPF_TXA, 0);
        // NOLINTNEXTLINE(misc-redundant-expression): both names are 0
        w_.put(BPF_ALU | BPF_ADD | BPF_K, 1);
        w_.put(BPF_MISC | BPF_TAX, 0);
        w_.put(BPF_LD | BPF_B | BPF_IND, kValue);
        w_.put(BPF_JMP | BPF_JGT | BPF_K, ' ', 1, 0);
        w_.put(BPF_RET | BPF_K, kByFlow);
        w_.put(BPF_STX, kBaseCell);
        w_.put(BPF_LD | BPF_W | BPF_IMM, kHashSeed);
        w_.put(BPF_ST, kHashCell);
        std::array<std::size_t, kHashedBytes> ends{};
        for (std::size_t i = 0; i < kHashedBytes; ++i) {
            w_.put(BPF_LD | BPF_B | BPF_IND, static_cast<std::uint32_t>(kValue + i));
            w_.put(BPF_JMP | BPF_JGT | BPF_K, ' ', 1, 0);
            ends[i] = w_.jump();
            w_.put(BPF_LDX | BPF_W | BPF_MEM, kHashCell);
            w_.put(BPF_ALU | BPF_XOR | BPF_X, 0);
            w_.put(BPF_ALU | BPF_MUL | BPF_K, kHashFactor);
            w_.put(BPF_ST, kHashCell);
            w_.put(BPF_LDX | BPF_W | BPF_MEM, kBaseCell);
        }
        for (const std::size_t jump : ends) w_.land(jump);
        w_.put(BPF_LD | BPF_W | BPF_MEM, kHashCell);
        fold_right(16);
        w_.put(BPF_ALU | BPF_MUL | BPF_K, kHashMix);
        fold_right(15);
        w_.put(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(workers_));
        w_.put(BPF_RET | BPF_A, 0);
    }
    /// A ^= A >> bits.
    void fold_right(std::uint32_t bits) {
        w_.put(BPF_MISC | BPF_TAX, 0);
        w_.put(BPF_ALU | BPF_RSH | BPF_K, bits);
        w_.put(BPF_ALU | BPF_XOR | BPF_X, 0);
    }

    std::size_t workers_, reach_;
    Writer w_;
    std::vector<std::size_t> found_;
};

}  // namespace

std::vector<sock_filter> steering_program(std::size_t workers, std::size_t reach) {
    return Builder(workers, reach).build();
}

Result<std::size_t> attach_steering(int descriptor, std::size_t workers) {
    // Kernels bound the size of the translated program (net.core.optmem_max).
    for (const std::size_t reach : {1280, 1024, 768, 512, 384, 256}) {
        auto code = steering_program(workers, reach);
        if (code.size() > BPF_MAXINSNS) continue;
        const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
        if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
                       sizeof program) == 0)
            return reach;
        if (errno != ENOMEM && errno != EINVAL) break;
    }
    return fail(std::string("the kernel refuses the socket filter: ") + std::strerror(errno), {},
                errno);
}

}  // namespace fairlead::net
