// The words of the environment variable TACHO.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "linux/config.h"
#include "tacho/control.h"

static struct tacho_settings parse(const char *words)
{
    struct tacho_settings settings;
    tacho_settings_read(&settings, words, NULL, NULL, 1000);
    return settings;
}

static void nothing_said_is_off_with_defaults(void **state)
{
    (void)state;
    struct tacho_settings settings = parse(NULL);
    assert_int_equal(settings.mode, 0);
    assert_false(settings.refused);
    assert_int_equal(settings.ring_bytes, 1 << 20);
    assert_int_equal(settings.memory_bytes_max, 256 << 20);
    assert_string_equal(settings.dir, "/dev/shm/tacho-1000");
    assert_string_equal(settings.dump_dir, ".");
    tacho_settings_read(&settings, NULL, "/there", "/dumps", 1000);
    assert_string_equal(settings.dir, "/there");
    assert_string_equal(settings.dump_dir, "/dumps");
}

static void modes_and_options_are_read(void **state)
{
    (void)state;
    assert_int_equal(parse("trace").mode, TACHO_MODE_TRACE);
    assert_int_equal(parse("statistics,trace").mode, TACHO_MODE_DETAILED);
    struct tacho_settings settings = parse("production");
    assert_int_equal(settings.mode, TACHO_MODE_PRODUCTION);
    assert_int_equal(settings.sample_one_in, 100);
    settings = parse("detailed,sample=7,process=100,ring=64k,memory=2G,keep,dir=/d,dump=/e");
    assert_int_equal(settings.mode, TACHO_MODE_DETAILED | TACHO_MODE_SAMPLED);
    assert_int_equal(settings.sample_one_in, 7);
    assert_int_equal(settings.process_one_in, 100);
    assert_int_equal(settings.ring_bytes, 65536);
    assert_int_equal(settings.memory_bytes_max, UINT64_C(2) << 30);
    assert_true(settings.keep);
    assert_string_equal(settings.dir, "/d");
    assert_string_equal(settings.dump_dir, "/e");
    assert_string_equal(settings.unknown, "");
    assert_true(parse("off").refused);
}

static void triggers_are_read(void **state)
{
    (void)state;
    struct tacho_settings settings =
        parse("trace,trigger=risk check>5ms,trigger=db>250us,trigger=signal:USR2,trigger=exit:3");
    assert_int_equal(settings.limit_count, 2);
    assert_string_equal(settings.limits[0].zone, "risk check");
    assert_int_equal(settings.limits[0].limit_ns, 5000000);
    assert_int_equal(settings.limits[1].limit_ns, 250000);
    assert_int_equal(settings.signals, UINT64_C(1) << SIGUSR2);
    assert_int_equal(settings.exit_trigger, TACHO_EXIT_STATUS);
    assert_int_equal(settings.exit_status, 3);
    assert_true(settings.mode & TACHO_MODE_LIMITS);
    assert_int_equal(parse("trace,trigger=exit:nonzero").exit_trigger, TACHO_EXIT_NONZERO);
}

static void what_is_not_understood_is_kept_and_the_rest_holds(void **state)
{
    static const char *const wrong[] = {
        "tarce",
        "ring=",
        "ring=5X",
        "ring=99999999999G",
        "sample=0",
        "sample=-3",
        "sample=3x",
        "trigger=zone",
        "trigger=>5ms",
        "trigger=z>5",
        "trigger=z>ms",
        "trigger=signal:KILL",
        "trigger=exit:256",
        "dir=",
        "process=0",
        "memory=12Q",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char words[128] = "";
        strcat(strcat(strcat(words, "keep,"), wrong[i]), ",trace");
        struct tacho_settings settings = parse(words);
        assert_string_equal(settings.unknown, wrong[i]);
        assert_true(settings.keep);
        assert_int_equal(settings.mode, TACHO_MODE_TRACE);
        assert_int_equal(settings.ring_bytes, 1 << 20);
        assert_int_equal(settings.limit_count, 0);
    }
}

static void words_of_any_length_stay_inside_their_places(void **state)
{
    char words[5000];
    (void)state;
    for (size_t length = 1; length < sizeof words; length += 61) {
        memset(words, 'a', sizeof words);
        words[length] = 0;
        parse(words);
        memcpy(words, "dir=", length < 4 ? length : 4);
        parse(words);
        memcpy(words, "trigger=", length < 8 ? length : 8);
        words[length - 1] = '>';
        parse(words);
    }
    parse(",,,,");
    parse("trigger=a>1s,trigger=b>1s,trigger=c>1s,trigger=d>1s,trigger=e>1s,trigger=f>1s,"
          "trigger=g>1s,trigger=h>1s,trigger=i>1s,trigger=j>1s,trigger=k>1s,trigger=l>1s,"
          "trigger=m>1s,trigger=n>1s,trigger=o>1s,trigger=p>1s,trigger=q>1s,trigger=r>1s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_off_with_defaults),
        cmocka_unit_test(modes_and_options_are_read),
        cmocka_unit_test(triggers_are_read),
        cmocka_unit_test(what_is_not_understood_is_kept_and_the_rest_holds),
        cmocka_unit_test(words_of_any_length_stay_inside_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
