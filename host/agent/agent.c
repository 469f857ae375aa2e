// The agent: samples the CPU time of a program from inside, where perf_event_open is refused.
//
// It is loaded by LD_PRELOAD into a program that tacho starts. Each thread gets a timer of its own
// CPU time; the timer's signal copies registers and the top of the stack into shared memory
// (agent_ring.h), and tacho walks them outside. The handler takes no lock, allocates nothing, and
// calls nothing but clock_gettime, getpid and timer_settime.
//
// What it changes in the program: one real-time signal is taken (SIGRTMAX - 4, never blocked),
// pthread_create, pthread_sigmask and sigprocmask go through here, and a system call that waits may
// return EINTR a little more often, as with every profiler by signals. SIGPROF and the interval
// timers stay the program's own. Threads that are made around pthread_create are not sampled.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "agent/agent_ring.h"

#define EXPORTED __attribute__((visibility("default")))
#define PAGE     4096u

#define STACK_SIZE_MAX (64u << 20)

// In the handler only memory that is there from the start of the thread may be touched.
#define THREAD_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
typedef int mask_function(int, const sigset_t *, sigset_t *);

static struct tacho_agent_ring *ring; // NULL: nobody watches
static create_function *real_create;
static mask_function *real_thread_mask, *real_process_mask;
static pthread_key_t thread_key;

THREAD_LOCAL uintptr_t stack_top; // the end of what may be copied; 0: the thread is not sampled
THREAD_LOCAL uintptr_t stack_low; // the lowest address that can belong to the thread's stack
THREAD_LOCAL timer_t timer;
THREAD_LOCAL bool has_timer;
THREAD_LOCAL uint32_t thread_id;

struct thread_start {
    void *(*routine)(void *);
    void *argument;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// --- the queue; all of it may run in a signal handler ---

static struct tacho_agent_slot *slot_take(uint64_t *position)
{
    uint64_t at = atomic_load_explicit(&ring->next, memory_order_relaxed);
    for (;;) {
        struct tacho_agent_slot *slot = &ring->slots[at % TACHO_AGENT_SLOTS];
        uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
        if (sequence == at) {
            if (atomic_compare_exchange_weak_explicit(&ring->next, &at, at + 1,
                                                      memory_order_relaxed, memory_order_relaxed)) {
                *position = at;
                return slot;
            }
        } else if ((int64_t)(sequence - at) < 0) {
            atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
            return NULL;
        } else {
            at = atomic_load_explicit(&ring->next, memory_order_relaxed);
        }
    }
}

// The exchange fails when the reader has given the slot up in the meantime.
static void slot_publish(struct tacho_agent_slot *slot, uint64_t position)
{
    uint64_t expected = position;
    atomic_compare_exchange_strong_explicit(&slot->sequence, &expected, position + 1,
                                            memory_order_release, memory_order_relaxed);
}

static void slot_head(struct tacho_agent_slot *slot, enum tacho_agent_kind kind)
{
    slot->kind = kind;
    slot->pid = (uint32_t)getpid();
    slot->tid = thread_id;
    slot->parent = (uint32_t)getppid();
    slot->time_ns = now_ns();
    slot->value = 0;
    slot->size = 0;
}

static void put_number(enum tacho_agent_kind kind, uint64_t value)
{
    uint64_t position;
    struct tacho_agent_slot *slot = slot_take(&position);
    if (!slot)
        return;
    slot_head(slot, kind);
    slot->value = value;
    slot_publish(slot, position);
}

// --- sampling ---

static void timer_stop(void)
{
    static const struct itimerspec never;
    if (has_timer)
        timer_settime(timer, 0, &never, NULL);
}

static void copy_registers(const ucontext_t *context, uint64_t *registers)
{
    static const int order[TACHO_AGENT_REGISTERS] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
        REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    for (unsigned i = 0; i < TACHO_AGENT_REGISTERS; i++)
        registers[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
}

// A stack pointer on another stack (a coroutine's, a signal stack) is outside the bounds that are
// known to be readable: then only the registers are kept.
static uint32_t copy_stack(uintptr_t from, uint8_t *bytes)
{
    size_t size = stack_top - from;
    if (from >= stack_top || from < stack_low)
        return 0;
    if (size > TACHO_AGENT_STACK_BYTES)
        size = TACHO_AGENT_STACK_BYTES;
    memcpy(bytes, (const void *)from, size);
    return (uint32_t)size;
}

static void on_timer(int number, siginfo_t *info, void *context)
{
    int error = errno;
    uint64_t position;
    struct tacho_agent_slot *slot;
    (void)number;
    if (!ring || !stack_top || info->si_code != SI_TIMER)
        return;
    if (atomic_load_explicit(&ring->stopped, memory_order_relaxed)) {
        timer_stop();
    } else if ((slot = slot_take(&position))) {
        slot_head(slot, TACHO_AGENT_SAMPLE);
        slot->value = 1 + (uint64_t)(info->si_overrun > 0 ? info->si_overrun : 0);
        copy_registers(context, slot->registers);
        slot->size = copy_stack((uintptr_t)slot->registers[7], slot->bytes);
        slot_publish(slot, position);
    } else if (now_ns() - atomic_load_explicit(&ring->reader_ns, memory_order_relaxed) >
               TACHO_AGENT_SILENCE_NS) {
        timer_stop();
    }
    errno = error;
}

// The first sample of a thread comes after a random part of a period, so that many threads that
// each live for less than one are not all missed.
static struct timespec first_span(struct timespec period)
{
    uint64_t mixed =
        ((uint64_t)now_ns() ^ (uint64_t)thread_id << 32) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t period_ns = (uint64_t)period.tv_sec * 1000000000 + (uint64_t)period.tv_nsec;
    uint64_t span_ns = 1 + (mixed >> 20) % period_ns;
    return (struct timespec){(time_t)(span_ns / 1000000000), (long)(span_ns % 1000000000)};
}

static void timer_begin(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = ring->signal_number};
    struct itimerspec interval;
    thread_id = (uint32_t)syscall(SYS_gettid);
    event._sigev_un._tid = (pid_t)thread_id;
    interval.it_interval.tv_sec = (time_t)(ring->period_ns / 1000000000);
    interval.it_interval.tv_nsec = (long)(ring->period_ns % 1000000000);
    interval.it_value = first_span(interval.it_interval);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0) {
        has_timer = true;
        if (timer_settime(timer, 0, &interval, NULL) == 0)
            return;
    }
    put_number(TACHO_AGENT_FAILED, (uint64_t)errno);
}

// --- threads, masks, forks ---

static void thread_end(void *unused)
{
    (void)unused;
    stack_top = 0;
    if (has_timer)
        timer_delete(timer);
    has_timer = false;
}

// The C library puts a thread's descriptor at the top of its stack, above all frames.
static bool stack_find(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return false;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    stack_low = (uintptr_t)low;
    stack_top = (uintptr_t)low + size;
    if ((uintptr_t)pthread_self() > stack_low && (uintptr_t)pthread_self() < stack_top)
        stack_top = (uintptr_t)pthread_self();
    return size > 0;
}

static void *tacho_agent_thread(void *argument)
{
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
    if (stack_find()) {
        pthread_setspecific(thread_key, &thread_key);
        timer_begin();
    }
    return start.routine(start.argument);
}

// What the next library in line defines under `name`.
static void real_find(void *place, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(place, &found, sizeof found);
}

EXPORTED int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                            void *(*routine)(void *), void *argument)
{
    struct thread_start *start;
    int result;
    if (!real_create)
        real_find(&real_create, "pthread_create");
    start = ring ? malloc(sizeof *start) : NULL;
    if (!start)
        return real_create(thread, attributes, routine, argument);
    *start = (struct thread_start){routine, argument};
    result = real_create(thread, attributes, tacho_agent_thread, start);
    if (result != 0)
        free(start);
    return result;
}

// A program that blocks all signals does not mean this one.
static int mask_without(mask_function *real, int how, const sigset_t *set, sigset_t *old)
{
    sigset_t changed;
    if (!ring || !set || how == SIG_UNBLOCK)
        return real(how, set, old);
    changed = *set;
    sigdelset(&changed, ring->signal_number);
    return real(how, &changed, old);
}

EXPORTED int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    if (!real_thread_mask)
        real_find(&real_thread_mask, "pthread_sigmask");
    return mask_without(real_thread_mask, how, set, old);
}

EXPORTED int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    if (!real_process_mask)
        real_find(&real_process_mask, "sigprocmask");
    return mask_without(real_process_mask, how, set, old);
}

// Timers are not inherited.
static void after_fork(void)
{
    has_timer = false;
    if (!stack_top)
        return;
    timer_begin();
}

// --- the start ---

struct description {
    struct tacho_agent_slot *slot;
    char program[PATH_MAX];
};

static void add_line(struct tacho_agent_slot *slot, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof slot->bytes - slot->size;
    va_start(arguments, format);
    int size = vsnprintf((char *)slot->bytes + slot->size, room, format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size < room) // what does not fit is left out
        slot->size += (uint32_t)size;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *argument)
{
    const struct description *description = argument;
    const char *path = info->dlpi_name;
    (void)size;
    if (!path || !path[0])
        path = description->program;
    if (strncmp(path, "linux-vdso", 10) == 0)
        path = "[vdso]";
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *entry = &info->dlpi_phdr[i];
        uint64_t mask = ~(uint64_t)(PAGE - 1), from = info->dlpi_addr + entry->p_vaddr;
        if (entry->p_type == PT_LOAD && (entry->p_flags & PF_X))
            add_line(description->slot, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %s\n", from & mask,
                     (from + entry->p_memsz + PAGE - 1) & mask, entry->p_offset & mask, path);
    }
    return 0;
}

static void describe_program(void)
{
    char name[16] = "";
    uint64_t position;
    struct description description = {.slot = slot_take(&position)};
    if (!description.slot)
        return;
    slot_head(description.slot, TACHO_AGENT_START);
    prctl(PR_GET_NAME, name);
    add_line(description.slot, "%s\n", name);
    if (readlink("/proc/self/exe", description.program, sizeof description.program - 1) < 0)
        description.program[0] = 0;
    dl_iterate_phdr(add_object, &description);
    slot_publish(description.slot, position);
}

static struct tacho_agent_ring *ring_open(const char *path)
{
    struct tacho_agent_ring *opened;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) != 0 || status.st_size != (off_t)sizeof *opened) {
        close(fd);
        return NULL;
    }
    opened = mmap(NULL, sizeof *opened, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (opened == MAP_FAILED)
        return NULL;
    if (opened->magic != TACHO_AGENT_MAGIC || opened->size != sizeof *opened ||
        opened->slot_count != TACHO_AGENT_SLOTS || opened->period_ns < 100000 ||
        opened->signal_number < SIGRTMIN || opened->signal_number > SIGRTMAX ||
        atomic_load(&opened->stopped)) {
        munmap(opened, sizeof *opened);
        return NULL;
    }
    return opened;
}

static bool handler_install(int number)
{
    struct sigaction action = {.sa_sigaction = on_timer,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    struct sigaction before;
    sigset_t set;
    if (sigaction(number, NULL, &before) != 0 || before.sa_handler != SIG_DFL)
        return false;
    sigfillset(&action.sa_mask);
    sigemptyset(&set);
    sigaddset(&set, number);
    return sigaction(number, &action, NULL) == 0 && pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0;
}

// The loader hands constructors the arguments of main; argv lies right above the first frame.
__attribute__((constructor)) static void agent_start(int count, char **arguments)
{
    const char *path = getenv(TACHO_AGENT_VARIABLE);
    struct tacho_agent_ring *opened = path ? ring_open(path) : NULL;
    struct rlimit limit;
    (void)count;
    if (!opened || pthread_key_create(&thread_key, thread_end) != 0 ||
        !handler_install(opened->signal_number))
        return;
    // Nothing else can be mapped as near below the first thread's stack as its limit reaches.
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur > STACK_SIZE_MAX)
        limit.rlim_cur = STACK_SIZE_MAX;
    ring = opened;
    stack_top = (uintptr_t)arguments;
    stack_low = stack_top - limit.rlim_cur;
    thread_id = (uint32_t)syscall(SYS_gettid);
    describe_program();
    pthread_atfork(NULL, NULL, after_fork);
    timer_begin();
}
