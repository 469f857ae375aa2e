// A hostile ring file: cut off, bytes changed, references and counts made up. The reader must come
// to an end without reading outside the file, whatever it says; run it under the sanitizers.
//
// usage: test_fuzz_ring_file [ROUNDS [SEED]]
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "decode/ring_file.h"
#include "tacho/tacho.h"

static uint8_t *original;
static size_t original_size;
static long rounds = 3000;
static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

TACHO_COUNTER(counter, "counter", "count");
TACHO_HISTOGRAM(histogram, "histogram", "bytes");
TACHO_GAUGE_DOUBLE(gauge, "gauge", "ratio");

static void *record(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 200; i++) {
        TACHO_ZONE("outer");
        TACHO_ZONE_BEGIN(in, "inner");
        tacho_counter_add(&counter, 1);
        tacho_histogram_add(&histogram, i);
        tacho_gauge_set_double(&gauge, 0.5);
        if (i % 7 == 0)
            tacho_event("event", i);
        TACHO_ZONE_END(in);
    }
    return NULL;
}

// A real file: two threads, every kind of series, zones that are open.
static int make_original(void **state)
{
    char path[] = "/tmp/tacho-fuzz-XXXXXX";
    struct stat status;
    pthread_t thread;
    (void)state;
    int fd = mkstemp(path);
    if (fd < 0 ||
        tacho_start(&(struct tacho_config){.mode = TACHO_MODE_DETAILED, .ring_bytes = 8192}) < 0)
        return -1;
    TACHO_ZONE("open");
    record(NULL);
    pthread_create(&thread, NULL, record, NULL);
    pthread_join(thread, NULL);
    int code = tacho_dump(path);
    close(fd);
    fd = open(path, O_RDONLY);
    unlink(path);
    if (code < 0 || fd < 0 || fstat(fd, &status) != 0)
        return -1;
    original_size = (size_t)status.st_size;
    original = malloc(original_size);
    ssize_t got = original ? read(fd, original, original_size) : -1;
    close(fd);
    return got == (ssize_t)original_size ? 0 : -1;
}

static int free_original(void **state)
{
    (void)state;
    free(original);
    return 0;
}

// Looks at everything a sink would: texts to their ends, histograms to their last bucket.
static uint64_t looked;

static void look_at(const char *text)
{
    if (text)
        looked += strlen(text);
}

static int look(struct tacho_sink *sink, const struct tacho_record *record, struct tacho_fail *fail)
{
    (void)sink;
    (void)fail;
    looked += record->kind;
    if (record->kind == TACHO_RECORD_ZONE) {
        look_at(record->zone.name);
        look_at(record->zone.file);
        look_at(record->zone.function);
    } else if (record->kind == TACHO_RECORD_METRIC) {
        look_at(record->metric.name);
        look_at(record->metric.unit);
    } else if (record->kind == TACHO_RECORD_THREAD) {
        look_at(record->thread.name);
    } else if (record->kind == TACHO_RECORD_EVENT) {
        look_at(record->event.name);
    } else if (record->kind == TACHO_RECORD_MAP) {
        look_at(record->map.path);
        for (uint32_t i = 0; i < record->map.build_id_size; i++)
            looked += record->map.build_id[i];
    } else if (record->kind == TACHO_RECORD_ZONE_STATS) {
        for (uint32_t i = 0; i < record->zone_stats.bucket_count; i++)
            looked += record->zone_stats.buckets[i].count;
    }
    return 0;
}

static void look_open(void *context, const struct tacho_ring_open_zones *open)
{
    (void)context;
    for (uint32_t i = 0; i < open->count; i++)
        looked += open->zones[i];
}

// Reads `size` bytes that are exactly as long as said, so that a sanitizer sees a step outside.
static int read_bytes(const uint8_t *bytes, size_t size, struct tacho_fail *fail)
{
    struct tacho_ring_memory memory;
    struct tacho_ring_reader *reader;
    struct tacho_sink sink = {.put = look};
    memset(fail, 0, sizeof *fail);
    int code = tacho_ring_reader_open(&reader, tacho_ring_memory_init(&memory, bytes, size), fail);
    if (code < 0)
        return code;
    code = tacho_ring_reader_drain(reader, &sink, fail);
    if (code == 0)
        code = tacho_ring_reader_open_zones(reader, look_open, NULL, fail);
    if (code == 0)
        code = tacho_ring_reader_finish(reader, &sink, fail);
    tacho_ring_reader_free(reader);
    if (code < 0)
        assert_true(fail->text[0] != 0); // a clear sentence each time
    return code;
}

static void put_word(uint8_t *bytes, size_t size)
{
    static const uint64_t nasty[] = {0,          1,          2,          63,         64,
                                     0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX, INT64_MAX,
                                     16384,      16385,      65535,      1u << 20,   1u << 26};
    uint64_t value = random_u64() % 3 ? nasty[random_u64() % (sizeof nasty / sizeof nasty[0])]
                                      : random_u64() % (original_size / 32);
    size_t width = random_u64() % 2 ? 4 : 8, at = random_u64() % (size - 8) & ~(size_t)3;
    if (random_u64() % 2) // most of what matters is in the head
        at %= 1100;
    memcpy(bytes + at, &value, width);
}

static void made_up_words_bring_no_harm(void **state)
{
    struct tacho_fail fail;
    (void)state;
    long read_well = 0;
    for (long round = 0; round < rounds; round++) {
        size_t size = random_u64() % 8 ? original_size : 4096 + random_u64() % original_size;
        if (size > original_size)
            size = original_size;
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        memcpy(bytes, original, size);
        for (uint64_t i = 1 + random_u64() % 4; i > 0; i--)
            put_word(bytes, size);
        read_well += read_bytes(bytes, size, &fail) == 0;
        free(bytes);
    }
    assert_true(read_well > 0); // otherwise nothing behind the head was tried
}

static void a_file_cut_off_anywhere_is_refused_or_read_as_far_as_it_goes(void **state)
{
    struct tacho_fail fail;
    (void)state;
    size_t step = original_size / 400 + 1;
    for (size_t size = 0; size < original_size; size += size < 5000 ? 97 : step) {
        uint8_t *bytes = malloc(size + 1);
        assert_non_null(bytes);
        memcpy(bytes, original, size);
        uint8_t *exact = realloc(bytes, size ? size : 1);
        read_bytes(exact, size, &fail);
        free(exact);
    }
}

static int read_changed(size_t at, uint64_t value, size_t width, struct tacho_fail *fail)
{
    uint8_t *bytes = malloc(original_size);
    assert_non_null(bytes);
    memcpy(bytes, original, original_size);
    memcpy(bytes + at, &value, width);
    int code = read_bytes(bytes, original_size, fail);
    free(bytes);
    return code;
}

static void what_is_wrong_is_said(void **state)
{
    struct tacho_fail fail;
    (void)state;
    assert_int_equal(read_bytes(original, original_size, &fail), 0);
    size_t version = offsetof(struct tacho_ring_header, version);
    assert_int_equal(read_changed(version, TACHO_RING_VERSION + 1, 4, &fail), TACHO_ERR_VERSION);
    assert_non_null(strstr(fail.text, "version"));
    assert_int_equal(read_changed(version, 0, 4, &fail), TACHO_ERR_FORMAT);
    assert_int_equal(read_changed(0, 0, 8, &fail), TACHO_ERR_EMPTY);
    assert_int_equal(read_changed(0, UINT64_C(0x4141414141414141), 8, &fail), TACHO_ERR_FORMAT);
    assert_int_equal(
        read_changed(offsetof(struct tacho_ring_header, byte_order), 0x04030201, 4, &fail),
        TACHO_ERR_UNSUPPORTED);
    assert_int_equal(read_bytes((const uint8_t *)"short", 5, &fail), TACHO_ERR_FORMAT);
}

static void a_list_that_bites_its_tail_comes_to_an_end(void **state)
{
    struct tacho_fail fail;
    const struct tacho_ring_header *header = (const void *)original;
    size_t slot = (size_t)header->slot_first * TACHO_RING_UNIT;
    (void)state;
    assert_int_equal(
        read_changed(slot + offsetof(struct tacho_ring_slot, next), header->slot_first, 4, &fail),
        TACHO_ERR_FORMAT);
    assert_true(read_changed(slot + offsetof(struct tacho_ring_slot, head), UINT64_MAX, 8, &fail) <=
                0);
    assert_int_equal(
        read_changed(slot + offsetof(struct tacho_ring_slot, depth), UINT32_MAX, 4, &fail), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_list_that_bites_its_tail_comes_to_an_end),
        cmocka_unit_test(a_file_cut_off_anywhere_is_refused_or_read_as_far_as_it_goes),
        cmocka_unit_test(made_up_words_bring_no_harm),
    };
    if (argc > 1)
        rounds = atol(argv[1]);
    if (argc > 2)
        random_state ^= strtoull(argv[2], NULL, 10) * 0x2545f4914f6cdd1du;
    return cmocka_run_group_tests(tests, make_original, free_original);
}
