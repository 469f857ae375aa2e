// The adaptive period (T18) and the allowance of expensive readings.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "capture/adaptive.h"

#define BASE_NS INT64_C(100000000)

static void period_follows_cpu_and_temperature(void **state)
{
    (void)state;
    static const struct {
        double cpu_ratio, celsius;
        int64_t period_ns;
    } cases[] = {
        {0.50, 60, BASE_NS},     {0.81, 40, BASE_NS / 2},  {0.50, 75.1, BASE_NS / 2},
        {0.19, 49, BASE_NS * 2}, {0.19, 50.1, BASE_NS},    {0.80, 75, BASE_NS},
        {0.20, 40, BASE_NS},     {0.10, NAN, BASE_NS * 2}, {0.90, NAN, BASE_NS / 2},
        {NAN, NAN, BASE_NS},     {NAN, 80, BASE_NS / 2},   {NAN, 30, BASE_NS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tacho_adaptive adaptive;
        tacho_adaptive_init(&adaptive, BASE_NS);
        assert_int_equal(tacho_adaptive_period_ns(&adaptive, cases[i].cpu_ratio, cases[i].celsius),
                         cases[i].period_ns);
    }
}

static void a_wavering_load_does_not_make_the_period_waver(void **state)
{
    struct tacho_adaptive adaptive;
    (void)state;
    tacho_adaptive_init(&adaptive, BASE_NS);
    for (int i = 0; i < 100; i++)
        tacho_adaptive_period_ns(&adaptive, i % 2 ? 0.79 : 0.82, NAN);
    assert_int_equal(adaptive.changes, 1);
    assert_int_equal(tacho_adaptive_period_ns(&adaptive, 0.76, NAN), BASE_NS / 2);
    assert_int_equal(tacho_adaptive_period_ns(&adaptive, 0.74, NAN), BASE_NS);
    for (int i = 0; i < 100; i++)
        tacho_adaptive_period_ns(&adaptive, i % 2 ? 0.18 : 0.23, 52 - i % 2 * 3);
    assert_int_equal(adaptive.changes, 3);
    assert_int_equal(adaptive.rate, TACHO_ADAPTIVE_HALF);
}

static void an_allowance_keeps_to_its_share(void **state)
{
    struct tacho_allowance allowance;
    int64_t now_ns = 1, cost_ns = 3000000;
    int readings = 0;
    (void)state;
    tacho_allowance_init(&allowance, 0.001, 1000);
    for (; now_ns < INT64_C(100000000000); now_ns += 10000000)
        if (tacho_allowance_ready(&allowance, now_ns)) {
            tacho_allowance_spend(&allowance, cost_ns);
            readings++;
        }
    // 100 s at a thousandth are 100 ms: 33 readings of 3 ms, and the first that was free.
    assert_in_range(readings, 33, 34);
    assert_int_equal(allowance.spent_ns, readings * cost_ns);
}

static void an_unused_allowance_does_not_pile_up(void **state)
{
    struct tacho_allowance allowance;
    (void)state;
    tacho_allowance_init(&allowance, 0.001, 1000);
    tacho_allowance_ready(&allowance, 1);
    tacho_allowance_ready(&allowance, INT64_C(3600000000000));
    assert_int_equal(allowance.balance_ns, 10000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(period_follows_cpu_and_temperature),
        cmocka_unit_test(a_wavering_load_does_not_make_the_period_waver),
        cmocka_unit_test(an_allowance_keeps_to_its_share),
        cmocka_unit_test(an_unused_allowance_does_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
