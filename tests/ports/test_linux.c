// The recorder on Linux: what is left of a program that was killed, forked, interrupted, short of
// memory.
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "link/ring_link.h"
#include "observe/observe.h"

#define SUBJECT SUBJECT_PATH

static void a_killed_program_leaves_its_spans_and_open_zones(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    struct tacho_ring_identity identity;
    char paths[4][256];
    observe_run(observe, "detailed", SUBJECT, "die");
    assert_true(WIFSIGNALED(observe->status));
    assert_int_equal(observe_files(observe, paths, 4), 1);
    observe_read(paths[0], &collect, &identity);
    assert_int_equal(identity.pid, observe->pid);
    assert_false(tacho_ring_is_alive(&identity));
    assert_string_equal(strrchr(identity.executable, '/'), "/subject");
    assert_int_equal(collect_spans(&collect, "inside", TACHO_SPAN_OK), 1000);
    assert_int_equal(collect_spans(&collect, "outside", TACHO_SPAN_OPEN), 1);
    assert_int_equal(collect_spans(&collect, "never ended", TACHO_SPAN_OPEN), 1);
    assert_int_equal(collect_stats(&collect, "inside").count, 1000);
    assert_true(collect.lost == 0);
    collect_release(&collect);
}

static void a_finished_program_leaves_a_file_only_when_asked(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    char paths[4][256];
    observe_run(observe, "statistics", SUBJECT, "finish");
    assert_int_equal(observe->status, 0);
    assert_int_equal(observe_files(observe, paths, 4), 0);
    observe_run(observe, "off", SUBJECT, "finish");
    assert_int_equal(observe_files(observe, paths, 4), 0);
    observe_run(observe, NULL, SUBJECT, "finish");
    assert_int_equal(observe_files(observe, paths, 4), 0);
    observe_run(observe, "statistics,keep", SUBJECT, "finish");
    observe_read_only(observe, &collect);
    assert_int_equal(collect_stats(&collect, "inside").count, 10);
    assert_int_equal(collect.spans.count, 0);
    collect_release(&collect);
}

static void nothing_is_recorded_unless_somebody_asks(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    observe_run(observe, "keep", SUBJECT, "finish");
    observe_read_only(observe, &collect);
    assert_int_equal(collect.zones.count, 0);
    collect_release(&collect);
}

static void one_process_in_n_is_recorded(void **state)
{
    struct observe *observe = *state;
    int recorded = 0;
    for (int i = 0; i < 60; i++) {
        struct collect collect;
        struct tacho_ring_identity identity;
        char paths[4][256];
        observe_run(observe, "statistics,keep,process=3", SUBJECT, "finish");
        assert_int_equal(observe_files(observe, paths, 4), 1);
        observe_read(paths[0], &collect, &identity);
        int left_out = (identity.flags & TACHO_RING_FLAG_SAMPLED_OUT) != 0;
        assert_int_equal(collect_stats(&collect, "inside").count, left_out ? 0 : 10);
        recorded += !left_out;
        collect_release(&collect);
        unlink(paths[0]);
    }
    // 20 on average; outside 3..45 once in ten million runs of this test.
    assert_in_range(recorded, 3, 45);
}

static void a_forked_child_has_a_file_of_its_own(void **state)
{
    struct observe *observe = *state;
    char paths[4][256];
    observe_run(observe, "detailed,keep", SUBJECT, "fork");
    assert_int_equal(observe_files(observe, paths, 4), 2);
    for (int i = 0; i < 2; i++) {
        struct collect collect;
        struct tacho_ring_identity identity;
        observe_read(paths[i], &collect, &identity);
        int is_parent = identity.pid == (uint32_t)observe->pid;
        assert_true(is_parent || identity.parent_pid == (uint32_t)observe->pid);
        assert_non_null(strstr(observe->output, paths[i]));
        assert_int_equal(collect_spans(&collect, "after", TACHO_SPAN_OK), is_parent ? 3 : 5);
        assert_int_equal(collect_stats(&collect, "after").count, is_parent ? 3 : 5);
        assert_int_equal(collect_spans(&collect, "warm", TACHO_SPAN_OK), is_parent ? 1 : 0);
        // The child was killed inside the zone that was open when it was made.
        assert_int_equal(
            collect_spans(&collect, "before", is_parent ? TACHO_SPAN_OK : TACHO_SPAN_OPEN), 1);
        collect_release(&collect);
    }
}

static void zones_in_signal_handlers_lose_nothing(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    observe_run(observe, "detailed,keep,ring=16M,memory=2G", SUBJECT, "interrupt");
    assert_int_equal(observe->status, 0);
    size_t handled = strtoul(observe->output, NULL, 10);
    observe_read_only(observe, &collect);
    assert_true(handled > 10);
    assert_true(collect.lost == 0);
    assert_int_equal(collect_spans(&collect, "interrupted", TACHO_SPAN_OK), 200000);
    assert_int_equal(collect_spans(&collect, "in interrupted", TACHO_SPAN_OK), 200000);
    assert_int_equal(collect_spans(&collect, "handler", TACHO_SPAN_OK), handled);
    assert_int_equal(collect_spans(&collect, "in handler", TACHO_SPAN_OK), handled);
    assert_int_equal(collect_stats(&collect, "interrupted").count, 200000);
    assert_int_equal(collect_stats(&collect, "in handler").count, handled);
    for (size_t i = 0; i < collect.spans.count; i++)
        assert_true(collect.spans.items[i].span.duration_ticks >= 0);
    collect_release(&collect);
}

static void a_library_that_was_unloaded_keeps_its_names(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    setenv("SUBJECT_PLUGIN", PLUGIN_PATH, 1);
    observe_run(observe, "detailed,keep", SUBJECT, "load");
    assert_int_equal(observe->status, 0);
    observe_read_only(observe, &collect);
    assert_int_equal(collect.zones.count, 2); // found again at each load, not added
    assert_int_equal(collect_spans(&collect, "of a plugin", TACHO_SPAN_OK), 3);
    assert_int_equal(collect_stats(&collect, "inside a plugin").count, 3);
    collect_release(&collect);
}

static void a_plugin_with_a_copy_of_its_own_leaves_without_a_trace(void **state)
{
    struct observe *observe = *state;
    char paths[4][256];
    observe_run(observe, "statistics,trigger=signal:USR2", LOADER_PATH, STATIC_PLUGIN_PATH);
    assert_int_equal(observe->status, 0);
    assert_int_equal(observe_files(observe, paths, 4), 0);
}

static void threads_in_waves_are_all_counted(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    observe_run(observe, "statistics,keep", SUBJECT, "threads");
    assert_int_equal(observe->status, 0);
    observe_read_only(observe, &collect);
    assert_int_equal(collect_stats(&collect, "of a thread").count, 4 * 100 * 50);
    collect_release(&collect);
}

static void too_little_memory_is_counted_and_harms_nothing(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    observe_run(observe, "detailed,keep,memory=256k,ring=64k", SUBJECT, "threads");
    assert_int_equal(observe->status, 0);
    observe_read_only(observe, &collect);
    assert_true(collect_stats(&collect, "of a thread").count > 0);
    assert_true(collect.lost > 0);
    collect_release(&collect);
}

static void a_limit_on_file_sizes_is_respected(void **state)
{
    struct observe *observe = *state;
    struct rlimit before, small = {65536, RLIM_INFINITY};
    char paths[4][256];
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    observe_run(observe, "detailed,keep", SUBJECT, "finish");
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(observe->status, 0); // SIGXFSZ would have ended it
    assert_int_equal(observe_files(observe, paths, 4), 1);
}

static void a_folder_that_cannot_be_used_harms_nothing(void **state)
{
    struct observe *observe = *state;
    observe_run(observe, "statistics,dir=/proc/nowhere", SUBJECT, "report");
    assert_int_equal(observe->status, 0);
    assert_non_null(strstr(observe->output, "reported"));
}

static void a_program_that_closes_all_descriptors_keeps_its_own_files(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    char path[128], text[16] = "";
    snprintf(path, sizeof path, "%s/own", observe->folder);
    setenv("SUBJECT_FILE", path, 1);
    observe_run(observe, "trace,keep", SUBJECT, "close");
    assert_int_equal(observe->status, 0);
    FILE *own = fopen(path, "r");
    assert_non_null(own);
    assert_int_equal(fread(text, 1, sizeof text, own), 4);
    fclose(own);
    assert_string_equal(text, "mine");
    observe_read_only(observe, &collect);
    assert_true(collect_spans(&collect, "after closing", TACHO_SPAN_OK) > 1000);
    collect_release(&collect);
}

static void zones_left_by_longjmp_are_closed_by_the_one_around(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    observe_run(observe, "detailed,keep", SUBJECT, "jump");
    assert_int_equal(observe->status, 0);
    observe_read_only(observe, &collect);
    assert_int_equal(collect_spans(&collect, "stayed", TACHO_SPAN_OK), 10);
    assert_int_equal(collect_spans(&collect, "after", TACHO_SPAN_OK), 10);
    assert_int_equal(collect_stats(&collect, "stayed").count, 10);
    // None of the ten took part in another one, so the total is that of all.
    assert_true(collect_stats(&collect, "stayed").total_ns >=
                collect_stats(&collect, "after").total_ns);
    collect_release(&collect);
}

static void a_program_that_execs_leaves_the_new_images_file(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    observe_run(observe, "detailed", SUBJECT, "exec");
    assert_int_equal(observe->status, 0);
    char paths[4][256];
    assert_int_equal(observe_files(observe, paths, 4), 0);
    observe_run(observe, "detailed,keep", SUBJECT, "exec");
    assert_int_equal(observe_files(observe, paths, 4), 2);
    observe_read(paths[0], &collect, NULL);
    assert_int_equal(collect_spans(&collect, "inside", TACHO_SPAN_OK), 10);
    collect_release(&collect);
    observe_read(paths[1], &collect, NULL);
    assert_int_equal(collect_spans(&collect, "first image", TACHO_SPAN_OPEN), 1);
    collect_release(&collect);
}

static void triggers_save_snapshots(void **state)
{
    static const struct {
        const char *words, *argument, *zone;
        int snapshots, status;
    } cases[] = {
        {"detailed,trigger=sometimes slow>5ms", "slow", "sometimes slow", 1, 3},
        {"detailed,trigger=sometimes slow>5s", "slow", "sometimes slow", 0, 3},
        {"detailed,trigger=signal:USR2", "signal", "inside", 2, 0},
        {"detailed,trigger=signal:USR2,snapshots=1", "signal", "inside", 1, 0},
        {"detailed,trigger=exit:nonzero", "slow", "sometimes slow", 1, 3},
        {"detailed,trigger=exit:3", "slow", "sometimes slow", 1, 3},
        {"detailed,trigger=exit:4", "slow", "sometimes slow", 0, 3},
    };
    struct observe *observe = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char paths[8][256];
        observe_run(observe, cases[i].words, SUBJECT, cases[i].argument);
        assert_true(WIFEXITED(observe->status));
        assert_int_equal(WEXITSTATUS(observe->status), cases[i].status);
        int count = observe_files(observe, paths, 8);
        assert_int_equal(count, cases[i].snapshots);
        for (int k = 0; k < count; k++) {
            struct collect collect;
            struct tacho_ring_identity identity;
            observe_read(paths[k], &collect, &identity);
            assert_true(identity.flags & TACHO_RING_FLAG_SNAPSHOT);
            assert_true(collect_spans(&collect, cases[i].zone, TACHO_SPAN_OK) > 0);
            collect_release(&collect);
            unlink(paths[k]);
        }
    }
}

static void a_crash_saves_a_snapshot_and_is_still_a_crash(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    char paths[4][256];
    observe_run(observe, "detailed,trigger=signal:ABRT", SUBJECT, "crash");
    assert_true(WIFSIGNALED(observe->status));
    assert_int_equal(WTERMSIG(observe->status), SIGABRT);
    assert_int_equal(observe_files(observe, paths, 4), 2); // the ring file, too: it died
    observe_read(paths[1], &collect, NULL);
    assert_int_equal(collect_spans(&collect, "inside", TACHO_SPAN_OK), 1);
    assert_int_equal(collect_spans(&collect, "crashing", TACHO_SPAN_OPEN), 1);
    collect_release(&collect);
}

static void a_limit_that_the_program_sets_saves_snapshots(void **state)
{
    struct observe *observe = *state;
    char paths[8][256];
    observe_run(observe, "detailed", SUBJECT, "limit");
    assert_int_equal(observe->status, 0);
    assert_int_equal(observe_files(observe, paths, 8), 2);
}

static void functions_are_timed_by_the_compilers_hooks(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    observe_run(observe, "detailed,keep", FUNCTIONS_PATH, NULL);
    assert_int_equal(observe->status, 0);
    observe_read_only(observe, &collect);
    // The program prints "address calls" of each of its functions.
    char *line = strtok(observe->output, "\n");
    int checked = 0;
    for (; line; line = strtok(NULL, "\n"), checked++) {
        unsigned long long address, calls;
        assert_int_equal(sscanf(line, "%llx %llu", &address, &calls), 2);
        uint64_t counted = 0;
        uint32_t zone = 0;
        for (size_t i = 0; i < collect.zones.count; i++)
            if (collect.zones.items[i].address == address)
                zone = collect.zones.items[i].id;
        for (size_t i = 0; i < collect.stats.count; i++)
            if (collect.stats.items[i].zone == zone)
                counted += collect.stats.items[i].count;
        assert_true(zone != 0);
        assert_int_equal(counted, calls);
    }
    assert_int_equal(checked, 3);
    assert_true(collect.maps.count > 0);
    assert_non_null(strstr(collect.maps.items[0].name, "functions_subject"));
    collect_release(&collect);
}

static void zones_of_cxx_end_on_exceptions(void **state)
{
    struct observe *observe = *state;
    struct collect collect;
    observe_run(observe, "detailed,keep", CXX_PATH, NULL);
    assert_int_equal(observe->status, 0);
    observe_read_only(observe, &collect);
    assert_int_equal(collect_spans(&collect, "throws", TACHO_SPAN_OK), 10);
    assert_int_equal(collect_spans(&collect, "catches", TACHO_SPAN_ERROR), 10);
    assert_true(collect_value(&collect, "thrown") == 10);
    collect_release(&collect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, observe_begin, observe_end)
        IN_FOLDER(a_killed_program_leaves_its_spans_and_open_zones),
        IN_FOLDER(a_finished_program_leaves_a_file_only_when_asked),
        IN_FOLDER(nothing_is_recorded_unless_somebody_asks),
        IN_FOLDER(one_process_in_n_is_recorded),
        IN_FOLDER(a_forked_child_has_a_file_of_its_own),
        IN_FOLDER(zones_in_signal_handlers_lose_nothing),
        IN_FOLDER(a_library_that_was_unloaded_keeps_its_names),
        IN_FOLDER(a_plugin_with_a_copy_of_its_own_leaves_without_a_trace),
        IN_FOLDER(threads_in_waves_are_all_counted),
        IN_FOLDER(too_little_memory_is_counted_and_harms_nothing),
        IN_FOLDER(a_limit_on_file_sizes_is_respected),
        IN_FOLDER(a_folder_that_cannot_be_used_harms_nothing),
        IN_FOLDER(a_program_that_closes_all_descriptors_keeps_its_own_files),
        IN_FOLDER(zones_left_by_longjmp_are_closed_by_the_one_around),
        IN_FOLDER(a_program_that_execs_leaves_the_new_images_file),
        IN_FOLDER(triggers_save_snapshots),
        IN_FOLDER(a_crash_saves_a_snapshot_and_is_still_a_crash),
        IN_FOLDER(a_limit_that_the_program_sets_saves_snapshots),
        IN_FOLDER(functions_are_timed_by_the_compilers_hooks),
        IN_FOLDER(zones_of_cxx_end_on_exceptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
