// Reads what agents in the watched programs put into shared memory.
#include "capture/sampler_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/time.h"
#include "capture/sampler_state.h"

#define POLL_NS    (200 * TACHO_NS_PER_MS)
#define HURRY_NS   (20 * TACHO_NS_PER_MS)
#define STUCK_NS   TACHO_NS_PER_S          // then a taken slot is given up: its writer was killed
#define REFRESH_NS (200 * TACHO_NS_PER_MS) // how often the maps of one process are read at most

// --- making ---

static const char *agent_find(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    static const char *const places[] = {"libtacho-agent.so", "../agent/libtacho-agent.so",
                                         "../lib/tacho/libtacho-agent.so",
                                         "../lib/libtacho-agent.so"};
    struct tacho_arena *arena = &sampler->agent.arena;
    char self[PATH_MAX], real[PATH_MAX];
    const char *wanted = sampler->config.agent_path;
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (wanted && realpath(wanted, real))
        return tacho_arena_text(arena, real);
    if (wanted) {
        tacho_fail_errno(fail, "cannot open the agent %s", wanted);
        return NULL;
    }
    self[size > 0 ? size : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (realpath(tacho_arena_printf(arena, "%s/%s", self, places[i]), real))
            return tacho_arena_text(arena, real);
    tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "libtacho-agent.so is not beside %s", self);
    return NULL;
}

static int ring_make(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    struct tacho_sampler_agent *agent = &sampler->agent;
    struct tacho_agent_ring *ring;
    agent->fd = memfd_create("tacho-agent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (agent->fd < 0 || ftruncate(agent->fd, sizeof *ring) < 0 ||
        fcntl(agent->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return tacho_fail_errno(fail, "no shared memory for the agent");
    ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED, agent->fd, 0);
    if (ring == MAP_FAILED)
        return tacho_fail_errno(fail, "no shared memory for the agent");
    ring->magic = TACHO_AGENT_MAGIC;
    ring->size = sizeof *ring;
    ring->period_ns = agent->period_ns = (int64_t)(1e9 / sampler->config.rate_hz + 0.5);
    ring->signal_number = SIGRTMAX - 4;
    ring->slot_count = TACHO_AGENT_SLOTS;
    atomic_store(&ring->reader_ns, tacho_time_monotonic_ns());
    for (uint64_t i = 0; i < TACHO_AGENT_SLOTS; i++)
        atomic_store(&ring->slots[i].sequence, i);
    agent->ring = ring;
    return 0;
}

int tacho_sampler_agent_open(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    struct tacho_sampler_agent *agent = &sampler->agent;
    const char *before = getenv("LD_PRELOAD");
    const char *path = agent_find(sampler, fail);
    if (!path)
        return fail->code;
    if (strpbrk(path, " :"))
        return tacho_fail_set(fail, TACHO_ERR_UNSUPPORTED,
                              "the loader cannot preload from a path with a blank or colon: %s",
                              path);
    if (ring_make(sampler, fail) < 0)
        return fail->code;
    agent->environment[0] = tacho_arena_printf(&agent->arena, "LD_PRELOAD=%s%s%s", path,
                                               before && *before ? ":" : "", before ? before : "");
    agent->environment[1] = tacho_arena_printf(&agent->arena, "%s=/proc/%d/fd/%d",
                                               TACHO_AGENT_VARIABLE, getpid(), agent->fd);
    return 0;
}

void tacho_sampler_agent_close(struct tacho_sampler *sampler)
{
    struct tacho_sampler_agent *agent = &sampler->agent;
    tacho_sampler_agent_stop(sampler);
    if (agent->ring)
        munmap(agent->ring, sizeof *agent->ring);
    if (agent->fd >= 0)
        close(agent->fd);
    tacho_map_release(&agent->refreshed);
    tacho_arena_release(&agent->arena);
}

void tacho_sampler_agent_stop(struct tacho_sampler *sampler)
{
    if (sampler->agent.ring)
        atomic_store(&sampler->agent.ring->stopped, 1);
}

// --- reading: a slot is memory that others can write, so every field is checked ---

// Code that was mapped since the program began (a plugin, a JIT's) is found in /proc, as long as
// the process lives.
static int refresh_maps(struct tacho_sampler *sampler, struct tacho_sampled_process *process,
                        uint64_t address, struct tacho_fail *fail)
{
    pid_t pid = process->space.pid;
    int64_t now_ns = tacho_time_monotonic_ns();
    struct tacho_fail gone = {0};
    if (tacho_space_find(&process->space, &sampler->unwinder.modules, address))
        return 0;
    uint64_t *last = tacho_map_put(&sampler->agent.refreshed, (uint64_t)pid, NULL);
    if (now_ns - (int64_t)*last < REFRESH_NS)
        return 0;
    *last = (uint64_t)now_ns;
    if (tacho_sampler_table_read_maps(&sampler->table, pid, &gone) < 0)
        return 0;
    return tacho_sampler_table_push_maps(&sampler->table, process, fail);
}

static int take_sample(struct tacho_sampler *sampler, const struct tacho_agent_slot *slot,
                       struct tacho_fail *fail)
{
    struct tacho_registers registers;
    struct tacho_stack stack;
    uint64_t periods = slot->value < 1000000 ? slot->value : 1;
    pid_t pid = (pid_t)slot->pid, tid = (pid_t)slot->tid;
    if (slot->size > TACHO_AGENT_STACK_BYTES)
        return 0;
    // A process that has not said that it began was forked by one that has.
    if (!tacho_sampler_table_find(&sampler->table, tid) &&
        tacho_sampler_table_fork(&sampler->table, pid, (pid_t)slot->parent, tid, slot->time_ns,
                                 fail) < 0)
        return fail->code;
    memcpy(registers.value, slot->registers, sizeof registers.value);
    struct tacho_sampler_taken taken = {.registers = &registers,
                                        .stack = {.address = registers.value[TACHO_REGISTER_RSP],
                                                  .bytes = slot->bytes,
                                                  .size = slot->size},
                                        .time_ns = slot->time_ns,
                                        .interrupted = registers.value[TACHO_REGISTER_RIP],
                                        .thread = tacho_sampler_table_find(&sampler->table, tid)};
    if (!taken.thread || taken.thread->pid != pid)
        return 0;
    if (refresh_maps(sampler, taken.thread->process, taken.interrupted, fail) < 0)
        return fail->code;
    (void)tacho_sampler_walk(sampler, &taken, &stack);
    sampler->agent.periods += periods;
    stack.profile = sampler->profile.id;
    stack.weight = (int64_t)periods * sampler->agent.period_ns;
    return tacho_sampler_push(sampler, taken.thread, &stack, slot->time_ns, fail);
}

static int take_line(struct tacho_sampler *sampler, pid_t pid, const char *line,
                     struct tacho_fail *fail)
{
    struct tacho_space_map map = {0};
    int path_at = 0;
    if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64 " %n", &map.start, &map.end, &map.offset,
               &path_at) < 3 ||
        !path_at || map.start >= map.end)
        return 0;
    map.path = tacho_strings_keep(&sampler->unwinder.modules.strings, line + path_at);
    return tacho_sampler_table_map(&sampler->table, pid, &map, fail);
}

// The program's name, then its code, line by line.
static int take_start(struct tacho_sampler *sampler, const struct tacho_agent_slot *slot,
                      struct tacho_fail *fail)
{
    pid_t pid = (pid_t)slot->pid, tid = (pid_t)slot->tid;
    char *text, *next = NULL;
    int result;
    sampler->agent.programs++;
    if (slot->size > TACHO_AGENT_STACK_BYTES ||
        !tacho_sampler_table_thread(&sampler->table, pid, tid, (pid_t)slot->parent, slot->time_ns,
                                    fail))
        return fail->code;
    text = strndup((const char *)slot->bytes, slot->size);
    if (!text)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for a program's maps");
    const char *line = strtok_r(text, "\n", &next);
    result = tacho_sampler_table_name(&sampler->table, pid, tid, line ? line : "", true, fail);
    while (result == 0 && (line = strtok_r(NULL, "\n", &next)))
        result = take_line(sampler, pid, line, fail);
    free(text);
    return result;
}

static int take_slot(struct tacho_sampler *sampler, const struct tacho_agent_slot *slot,
                     struct tacho_fail *fail)
{
    if ((pid_t)slot->pid <= 0 || (pid_t)slot->tid <= 0)
        return 0;
    switch (slot->kind) {
    case TACHO_AGENT_START:
        return take_start(sampler, slot, fail);
    case TACHO_AGENT_SAMPLE:
        return take_sample(sampler, slot, fail);
    case TACHO_AGENT_FAILED:
        sampler->agent.failed_errno = (int)slot->value;
        return 0;
    default:
        return 0;
    }
}

// A slot whose writer was killed in the middle would hold up all behind it.
static bool give_up(struct tacho_sampler_agent *agent, struct tacho_agent_slot *slot,
                    int64_t now_ns)
{
    uint64_t expected = agent->position;
    if (atomic_load(&agent->ring->next) <= agent->position)
        return false; // nobody has taken it
    if (!agent->stuck_since_ns)
        agent->stuck_since_ns = now_ns;
    if (now_ns - agent->stuck_since_ns < STUCK_NS ||
        !atomic_compare_exchange_strong(&slot->sequence, &expected,
                                        agent->position + TACHO_AGENT_SLOTS))
        return false;
    agent->given_up++;
    agent->position++;
    agent->stuck_since_ns = 0;
    return true;
}

int tacho_sampler_agent_drain(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    struct tacho_sampler_agent *agent = &sampler->agent;
    uint64_t before = agent->position;
    int64_t now_ns = tacho_time_monotonic_ns();
    atomic_store(&agent->ring->reader_ns, now_ns);
    // At most one round, so that a program that writes faster than this reads cannot keep it here.
    for (unsigned i = 0; i < TACHO_AGENT_SLOTS; i++) {
        struct tacho_agent_slot *slot = &agent->ring->slots[agent->position % TACHO_AGENT_SLOTS];
        uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
        if (sequence != agent->position + 1) {
            if (give_up(agent, slot, now_ns))
                continue;
            break;
        }
        int result = take_slot(sampler, slot, fail);
        atomic_store_explicit(&slot->sequence, agent->position + TACHO_AGENT_SLOTS,
                              memory_order_release);
        agent->position++;
        agent->stuck_since_ns = 0;
        if (result < 0)
            return result;
    }
    int64_t longest_ns = agent->position - before > TACHO_AGENT_SLOTS / 8 ? HURRY_NS : POLL_NS;
    if (sampler->source.due_ns > now_ns + longest_ns) // a queue that fills fast is read again soon
        sampler->source.due_ns = now_ns + longest_ns;
    sampler->counts.lost = atomic_load(&agent->ring->lost) + agent->given_up;
    return 0;
}
