// Opens performance events: perf_event_open(2).
#include "capture/perf_event.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "unwind/registers.h"

// All general registers: hand-written code also keeps its frame in those that calls may change.
#define REGISTERS UINT64_C(0xff01ff)

const uint8_t tacho_perf_register_order[TACHO_PERF_REGISTER_COUNT] = {
    TACHO_REGISTER_RAX,     TACHO_REGISTER_RBX, TACHO_REGISTER_RCX,    TACHO_REGISTER_RDX,
    TACHO_REGISTER_RSI,     TACHO_REGISTER_RDI, TACHO_REGISTER_RBP,    TACHO_REGISTER_RSP,
    TACHO_REGISTER_RIP,     TACHO_REGISTER_R8,  TACHO_REGISTER_R8 + 1, TACHO_REGISTER_R10,
    TACHO_REGISTER_R10 + 1, TACHO_REGISTER_R12, TACHO_REGISTER_R13,    TACHO_REGISTER_R14,
    TACHO_REGISTER_R15,
};

_Static_assert(REGISTERS ==
                   ((1u << PERF_REG_X86_AX) | (1u << PERF_REG_X86_BX) | (1u << PERF_REG_X86_CX) |
                    (1u << PERF_REG_X86_DX) | (1u << PERF_REG_X86_SI) | (1u << PERF_REG_X86_DI) |
                    (1u << PERF_REG_X86_BP) | (1u << PERF_REG_X86_SP) | (1u << PERF_REG_X86_IP) |
                    (255u << PERF_REG_X86_R8)),
               "the order above is that of the bits");

static int event_open(struct perf_event_attr *attributes, pid_t tid, int cpu)
{
    attributes->size = sizeof *attributes;
    return (int)syscall(SYS_perf_event_open, attributes, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void attributes_of(struct perf_event_attr *attributes, enum tacho_perf_purpose purpose,
                          const struct tacho_perf_config *config)
{
    bool cycles = config->cycles && purpose == TACHO_PERF_CPU;
    memset(attributes, 0, sizeof *attributes);
    attributes->type = cycles ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE;
    attributes->sample_type = TACHO_PERF_SAMPLE_ID | PERF_SAMPLE_IP | PERF_SAMPLE_PERIOD |
                              PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
    if (purpose == TACHO_PERF_OFF_CPU) {
        attributes->config = PERF_COUNT_SW_CONTEXT_SWITCHES;
        attributes->sample_period = 1;
        attributes->context_switch = 1;
    } else if (cycles) {
        attributes->config = PERF_COUNT_HW_CPU_CYCLES;
        attributes->freq = 1;
        attributes->sample_freq = (uint64_t)(config->rate_hz + 0.5);
    } else {
        attributes->config = PERF_COUNT_SW_CPU_CLOCK;
        attributes->sample_period = (uint64_t)(1e9 / config->rate_hz + 0.5);
    }
    if (config->kernel && config->kernel_stacks)
        attributes->sample_type |= PERF_SAMPLE_CALLCHAIN;
    attributes->exclude_callchain_user = 1;
    attributes->exclude_kernel = !config->kernel;
    attributes->exclude_hv = 1;
    attributes->sample_regs_user = REGISTERS;
    attributes->sample_stack_user = config->stack_bytes;
    attributes->sample_id_all = 1;
    attributes->use_clockid = 1;
    attributes->clockid = CLOCK_MONOTONIC;
    attributes->inherit = 1;
    attributes->read_format = PERF_FORMAT_TOTAL_TIME_RUNNING;
    attributes->watermark = 1;
    attributes->wakeup_watermark = 1u << 30; // the ring's own watermark counts
    // Not build_id: a mapping that several tools watch gets the flag of whoever asked for it in the
    // records of all (seen with Linux 6.18), and perf 6.1 crashes over that.
    if (purpose == TACHO_PERF_CPU) {
        attributes->mmap = attributes->mmap2 = 1;
        attributes->comm = attributes->comm_exec = attributes->task = 1;
    }
}

static bool try_event(enum tacho_perf_purpose purpose, const struct tacho_perf_config *config)
{
    struct perf_event_attr attributes;
    attributes_of(&attributes, purpose, config);
    attributes.disabled = 1;
    int fd = event_open(&attributes, 0, -1);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int read_paranoid(void)
{
    struct tacho_buffer text = {0};
    struct tacho_fail ignored;
    int value = INT_MIN;
    if (tacho_file_read("/proc/sys/kernel/perf_event_paranoid", &text, 64, &ignored) == 0 &&
        text.size)
        value = (int)strtol(text.data, NULL, 10);
    tacho_buffer_release(&text);
    return value;
}

void tacho_perf_support_probe(struct tacho_perf_support *support)
{
    struct tacho_perf_config config = {
        .kernel = true, .kernel_stacks = true, .rate_hz = 99, .stack_bytes = 4096};
    memset(support, 0, sizeof *support);
    support->paranoid = read_paranoid();
    support->kernel = try_event(TACHO_PERF_CPU, &config);
    config.kernel = support->kernel;
    support->permitted = support->kernel || try_event(TACHO_PERF_CPU, &config);
    if (!support->permitted) {
        support->error = errno;
        return;
    }
    config.cycles = true;
    support->cycles = try_event(TACHO_PERF_CPU, &config);
    // A context switch happens in the kernel, so with the kernel excluded it is never sampled.
    config.cycles = false;
    support->off_cpu = support->kernel && try_event(TACHO_PERF_OFF_CPU, &config);
}

int tacho_perf_events_add(struct tacho_perf_events *events, const struct tacho_perf_rings *rings,
                          pid_t tid, bool on_exec, struct tacho_map *ids, uint64_t mark,
                          struct tacho_fail *fail)
{
    const struct tacho_perf_ring *set = &rings->items.items[events->ring_set * rings->set_size];
    for (size_t i = 0; i < rings->set_size; i++) {
        struct perf_event_attr attributes;
        uint64_t id = 0;
        attributes_of(&attributes, events->purpose, &events->config);
        attributes.disabled = attributes.enable_on_exec = on_exec;
        int fd = event_open(&attributes, tid, set[i].cpu);
        if (fd < 0 && errno == ESRCH)
            return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "thread %d is gone", tid);
        if (fd < 0)
            return tacho_fail_errno(fail, "perf_event_open for thread %d", tid);
        tacho_array_push(&events->fds, fd);
        if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, set[i].fd) < 0 ||
            ioctl(fd, PERF_EVENT_IOC_ID, &id) < 0)
            return tacho_fail_errno(fail, "cannot lead the samples of thread %d to the ring", tid);
        *tacho_map_put(ids, id, NULL) = mark;
    }
    return 0;
}

uint64_t tacho_perf_events_running_ns(const struct tacho_perf_events *events)
{
    uint64_t sum = 0, values[2]; // the count, and for how long it was counted
    for (size_t i = 0; i < events->fds.count; i++)
        if (read(events->fds.items[i], values, sizeof values) == sizeof values)
            sum += values[1];
    return sum;
}

void tacho_perf_events_close(struct tacho_perf_events *events)
{
    for (size_t i = 0; i < events->fds.count; i++)
        close(events->fds.items[i]);
    tacho_array_release(&events->fds);
}
