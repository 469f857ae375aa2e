// Works at the bottom of a recursion of known shape: recursion [SECONDS of CPU time] [DEPTH].
//
// Every stack is main > recursion_start > (recursion_even > recursion_odd > ...) DEPTH times >
// recursion_leaf, and all the CPU time but a trace is in recursion_leaf.
#include "truth.h"

enum { LEAF_STEPS = 400000 };

static uint64_t recursion_odd(int left, uint64_t state);

static TRUTH_OUTLINE uint64_t recursion_leaf(uint64_t state)
{
    for (int step = 0; step < LEAF_STEPS; step++)
        state = truth_mix(state + 5);
    return state;
}

// The addition after the call keeps the compiler from turning the recursion into a jump.
static TRUTH_OUTLINE uint64_t recursion_even(int left, uint64_t state)
{
    if (left == 0)
        return recursion_leaf(state);
    return recursion_odd(left - 1, state) + 2;
}

static TRUTH_OUTLINE uint64_t recursion_odd(int left, uint64_t state)
{
    if (left == 0)
        return recursion_leaf(state);
    return recursion_even(left - 1, state) + 3;
}

static TRUTH_OUTLINE uint64_t recursion_start(int depth, uint64_t state)
{
    return recursion_even(depth - 1, state) + 1;
}

int main(int argc, char **argv)
{
    double limit_s = truth_argument(argc, argv, 1, 0.001, 600, 1);
    int depth = (int)truth_argument(argc, argv, 2, 1, 100000, 60);
    uint64_t state = 88172645463325252U;
    uint64_t rounds = 0;

    while (truth_cpu_s() < limit_s) {
        state = recursion_start(depth, state);
        rounds++;
    }
    truth_count("rounds", rounds);
    truth_count("checksum", state);
    truth_count("depth", (uint64_t)depth);
    truth_number("cpu_s", truth_cpu_s());
    return 0;
}
