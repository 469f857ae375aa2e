// The template of a port records as it stands, so that a new port starts from something that works.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core.h"

uint64_t tacho_template_counter(void)
{
    static uint64_t ticks;
    return ticks += 10;
}

static void a_zone_is_recorded(void **state)
{
    (void)state;
    assert_int_equal(tacho_start(NULL), 0);
    for (int i = 0; i < 4; i++) {
        TACHO_ZONE("zone");
    }
    tacho_stop();
    const struct tacho_ring_slot *slot = tacho_at(tacho_core.header->slot_first);
    const uint32_t *blocks = tacho_at(slot->leaf[0]);
    const struct tacho_ring_block *block = tacho_at(blocks[1]);
    assert_int_equal(block->count, 4);
    assert_int_equal(block->total, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_zone_is_recorded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
