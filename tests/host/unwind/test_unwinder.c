// Walks its own stack, also out of a signal handler, and compares with the C library's backtrace.
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "unwind/unwinder.h"

#define COPY_MAX 65536

struct snapshot {
    struct tacho_registers registers;
    uint8_t bytes[COPY_MAX];
    size_t size;
    void *expected[64];
    int expected_count;
};

static struct snapshot snapshot;

static void registers_of(const ucontext_t *context, struct tacho_registers *registers)
{
    static const int order[TACHO_REGISTER_COUNT] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
        REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    for (unsigned i = 0; i < TACHO_REGISTER_COUNT; i++)
        registers->value[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
}

static uint64_t stack_end(void)
{
    pthread_attr_t attributes;
    void *begin;
    size_t size;
    assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
    assert_int_equal(pthread_attr_getstack(&attributes, &begin, &size), 0);
    pthread_attr_destroy(&attributes);
    return (uint64_t)(uintptr_t)begin + size;
}

// Keeps a copy of the stack from the stack pointer of `context` up.
static void __attribute__((noinline)) take(const ucontext_t *context)
{
    registers_of(context, &snapshot.registers);
    uint64_t from = snapshot.registers.value[TACHO_REGISTER_RSP], end = stack_end();
    snapshot.size = end - from < COPY_MAX ? (size_t)(end - from) : COPY_MAX;
    memcpy(snapshot.bytes, (const void *)(uintptr_t)from, snapshot.size);
}

static void __attribute__((noinline)) innermost(void)
{
    ucontext_t context;
    snapshot.expected_count = backtrace(snapshot.expected, 64);
    getcontext(&context);
    take(&context);
    __asm__ volatile("" ::: "memory");
}

static void __attribute__((noinline)) middle(unsigned depth)
{
    volatile char room[400];
    room[0] = (char)depth;
    if (depth == 0)
        innermost();
    else
        middle(depth - 1);
    __asm__ volatile("" ::"r"(room[0]) : "memory");
}

static size_t walk(enum tacho_unwind_mode mode, size_t size, uint64_t *addresses,
                   enum tacho_unwind_end *end)
{
    struct tacho_unwinder unwinder;
    struct tacho_space space = {.pid = getpid()};
    struct tacho_fail fail = {0};
    struct tacho_stack_copy copy = {snapshot.registers.value[TACHO_REGISTER_RSP], snapshot.bytes,
                                    size};
    assert_int_equal(tacho_unwinder_init(&unwinder, mode, &fail), 0);
    assert_int_equal(tacho_space_read(&space, &unwinder.modules, &fail), 0);
    size_t count = 0;
    for (unsigned again = 0; again < 2; again++) // the second walk takes the rows that were kept
        count = tacho_unwinder_walk(&unwinder, &space, &snapshot.registers, &copy, addresses, end);
    tacho_space_release(&space);
    tacho_unwinder_release(&unwinder);
    return count;
}

// The innermost address lies beside the one backtrace saw, in the same function; all others agree.
static void check_as_expected(const uint64_t *addresses, size_t count)
{
    assert_int_equal(count, snapshot.expected_count);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(addresses[i], (uint64_t)(uintptr_t)snapshot.expected[i]);
}

static void test_a_stack_is_walked_by_table_to_its_start(void **state)
{
    (void)state;
    static uint64_t addresses[TACHO_UNWIND_DEPTH_MAX];
    enum tacho_unwind_end end;
    middle(5);
    size_t count = walk(TACHO_UNWIND_TABLE, snapshot.size, addresses, &end);
    assert_int_equal(end, TACHO_UNWIND_COMPLETE);
    check_as_expected(addresses, count);
}

static void *in_a_thread(void *unused)
{
    middle(3);
    return unused;
}

static void test_a_threads_stack_is_walked_to_its_start(void **state)
{
    (void)state;
    static uint64_t addresses[TACHO_UNWIND_DEPTH_MAX];
    enum tacho_unwind_end end;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, in_a_thread, NULL), 0);
    pthread_join(thread, NULL);
    size_t count = walk(TACHO_UNWIND_AUTO, snapshot.size, addresses, &end);
    assert_int_equal(end, TACHO_UNWIND_COMPLETE);
    check_as_expected(addresses, count);
}

static void handle(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    middle(1);
}

static void test_a_signal_handlers_stack_is_walked_through_the_interrupted_code(void **state)
{
    (void)state;
    static uint64_t addresses[TACHO_UNWIND_DEPTH_MAX];
    enum tacho_unwind_end end;
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO}, before;
    assert_int_equal(sigaction(SIGUSR2, &action, &before), 0);
    raise(SIGUSR2);
    sigaction(SIGUSR2, &before, NULL);
    size_t count = walk(TACHO_UNWIND_AUTO, snapshot.size, addresses, &end);
    assert_int_equal(end, TACHO_UNWIND_COMPLETE);
    assert_int_equal(count, snapshot.expected_count);
    unsigned interrupted = 0;
    for (size_t i = 1; i < count; i++) {
        uint64_t expected = (uint64_t)(uintptr_t)snapshot.expected[i];
        interrupted += addresses[i] == expected + 1;
        assert_true(addresses[i] == expected || addresses[i] == expected + 1);
    }
    assert_int_equal(interrupted, 1);
}

static void test_a_copy_that_is_too_short_says_so(void **state)
{
    (void)state;
    static uint64_t addresses[TACHO_UNWIND_DEPTH_MAX];
    enum tacho_unwind_end end;
    middle(5);
    size_t whole = walk(TACHO_UNWIND_TABLE, snapshot.size, addresses, &end);
    size_t count = walk(TACHO_UNWIND_TABLE, 1800, addresses, &end);
    assert_int_equal(end, TACHO_UNWIND_STACK_END);
    assert_true(count > 1 && count < whole);
    count = walk(TACHO_UNWIND_TABLE, 0, addresses, &end);
    assert_int_equal(end, TACHO_UNWIND_STACK_END);
    assert_int_equal(count, 1);
}

static void test_frame_pointers_are_followed_while_they_last(void **state)
{
    (void)state;
    static uint64_t addresses[TACHO_UNWIND_DEPTH_MAX];
    enum tacho_unwind_end end;
    middle(5);
    size_t count = walk(TACHO_UNWIND_FP, snapshot.size, addresses, &end);
    assert_true(count >= 7); // innermost, six times middle; cmocka may have none
    for (size_t i = 1; i < 7; i++)
        assert_int_equal(addresses[i], (uint64_t)(uintptr_t)snapshot.expected[i]);
}

static void test_any_registers_and_stack_end_the_walk(void **state)
{
    (void)state;
    static uint64_t addresses[TACHO_UNWIND_DEPTH_MAX];
    struct tacho_unwinder unwinder;
    struct tacho_space space = {.pid = getpid()};
    struct tacho_fail fail = {0};
    uint64_t seed = 1;
    middle(5);
    assert_int_equal(tacho_unwinder_init(&unwinder, TACHO_UNWIND_AUTO, &fail), 0);
    assert_int_equal(tacho_space_read(&space, &unwinder.modules, &fail), 0);
    for (unsigned round = 0; round < 20000; round++) {
        struct tacho_registers registers = snapshot.registers;
        enum tacho_unwind_end end;
        struct tacho_stack_copy copy = {registers.value[TACHO_REGISTER_RSP], snapshot.bytes,
                                        snapshot.size};
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        snapshot.bytes[(seed >> 20) % snapshot.size] ^= (uint8_t)(seed >> 56);
        registers.value[(seed >> 40) % TACHO_REGISTER_COUNT] ^= seed >> (seed % 60);
        assert_true(tacho_unwinder_walk(&unwinder, &space, &registers, &copy, addresses, &end) <=
                    TACHO_UNWIND_DEPTH_MAX);
    }
    tacho_space_release(&space);
    tacho_unwinder_release(&unwinder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stack_is_walked_by_table_to_its_start),
        cmocka_unit_test(test_a_threads_stack_is_walked_to_its_start),
        cmocka_unit_test(test_a_signal_handlers_stack_is_walked_through_the_interrupted_code),
        cmocka_unit_test(test_a_copy_that_is_too_short_says_so),
        cmocka_unit_test(test_frame_pointers_are_followed_while_they_last),
        cmocka_unit_test(test_any_registers_and_stack_end_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
