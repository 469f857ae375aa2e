// Spends its CPU time 60 / 30 / 10 between three functions: split [SECONDS of CPU time].
#include "truth.h"

enum { ROUND_STEPS = 40000 };

struct share {
    const char *key;
    uint64_t (*work)(uint64_t state);
    double cpu_s;
};

// The three bodies differ in one constant, which keeps the linker from folding them into one.
#define SPLIT_WORK(name, parts, salt)                                                              \
    static TRUTH_OUTLINE uint64_t name(uint64_t state)                                             \
    {                                                                                              \
        for (int step = 0; step < (parts)*ROUND_STEPS; step++)                                     \
            state = truth_mix(state + (salt));                                                     \
        return state;                                                                              \
    }

SPLIT_WORK(split_heavy, 6, 1)
SPLIT_WORK(split_medium, 3, 2)
SPLIT_WORK(split_light, 1, 3)

static TRUTH_OUTLINE uint64_t split_round(struct share *shares, int count, uint64_t state)
{
    for (int i = 0; i < count; i++) {
        double before_s = truth_cpu_s();
        state = shares[i].work(state);
        shares[i].cpu_s += truth_cpu_s() - before_s;
    }
    return state;
}

int main(int argc, char **argv)
{
    double limit_s = truth_argument(argc, argv, 1, 0.001, 600, 1);
    struct share shares[] = {{"split_heavy", split_heavy, 0},
                             {"split_medium", split_medium, 0},
                             {"split_light", split_light, 0}};
    uint64_t state = 88172645463325252U;
    uint64_t rounds = 0;
    double total_s = 0;

    while (truth_cpu_s() < limit_s) {
        state = split_round(shares, 3, state);
        rounds++;
    }
    for (int i = 0; i < 3; i++)
        total_s += shares[i].cpu_s;
    truth_count("rounds", rounds);
    truth_count("checksum", state);
    truth_number("cpu_s", truth_cpu_s());
    for (int i = 0; i < 3; i++)
        truth_number(shares[i].key, total_s > 0 ? shares[i].cpu_s / total_s : 0);
    return 0;
}
