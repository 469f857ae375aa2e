// A C++ program of several threads, with exceptions and inlined code: cpp_threads [SECONDS]
// [THREADS].
//
// SECONDS is the CPU time of each thread. A thread spends it in Ledger::settle, into which
// mix_amount is inlined, in std::sort with a lambda, and in Ledger::audit, which throws.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

#include "truth.h"

namespace shop
{

__attribute__((always_inline)) static inline std::uint64_t mix_amount(std::uint64_t amount)
{
    for (int turn = 0; turn < 8; turn++)
        amount = truth_mix(amount + 19);
    return amount;
}

class Ledger
{
  public:
    explicit Ledger(std::uint64_t seed) : state_(seed)
    {
    }

    __attribute__((noinline)) void settle()
    {
        for (auto &amount : amounts_) {
            state_ = mix_amount(state_);
            amount = state_;
        }
    }

    __attribute__((noinline)) void order()
    {
        std::sort(amounts_.begin(), amounts_.end(),
                  [](std::uint64_t left, std::uint64_t right) { return right < left; });
    }

    // Every fourth audit fails, and says so by an exception.
    __attribute__((noinline)) void audit()
    {
        by_customer_[static_cast<unsigned>(amounts_.front() % 97)] += 1;
        if (++audits_ % 4 == 0)
            throw std::runtime_error("audit " + std::to_string(audits_) + " does not balance");
    }

    std::uint64_t state() const
    {
        return state_;
    }

  private:
    std::uint64_t state_;
    std::uint64_t audits_ = 0;
    std::vector<std::uint64_t> amounts_ = std::vector<std::uint64_t>(8192);
    std::map<unsigned, std::uint64_t> by_customer_;
};

struct Clerk {
    std::uint64_t rounds = 0, caught = 0, state = 0;
    double cpu_s = 0;

    void work(unsigned number, double limit_s)
    {
        auto ledger = std::make_unique<Ledger>(number + 1U);
        while (truth_clock_s(CLOCK_THREAD_CPUTIME_ID) < limit_s) {
            ledger->settle();
            ledger->order();
            try {
                ledger->audit();
            } catch (const std::runtime_error &) {
                caught++;
            }
            rounds++;
        }
        state = ledger->state();
        cpu_s = truth_clock_s(CLOCK_THREAD_CPUTIME_ID);
    }
};

} // namespace shop

int main(int argc, char **argv)
{
    double limit_s = truth_argument(argc, argv, 1, 0.001, 600, 0.5);
    auto count = static_cast<unsigned>(truth_argument(argc, argv, 2, 1, 256, 3));
    std::vector<shop::Clerk> clerks(count);
    std::vector<std::thread> threads;

    for (unsigned i = 0; i < count; i++) {
        threads.emplace_back([&clerks, i, limit_s] { clerks[i].work(i, limit_s); });
        std::string name = "clerk-" + std::to_string(i);
        pthread_setname_np(threads.back().native_handle(), name.c_str());
    }
    for (auto &thread : threads)
        thread.join();

    shop::Clerk total;
    for (const auto &clerk : clerks) {
        total.rounds += clerk.rounds;
        total.caught += clerk.caught;
        total.state ^= clerk.state;
        total.cpu_s += clerk.cpu_s;
    }
    truth_count("threads", count);
    truth_count("rounds", total.rounds);
    truth_count("caught", total.caught);
    truth_count("checksum", total.state);
    truth_number("cpu_s", total.cpu_s);
    return 0;
}
