// The flight recorder's triggers: a zone over its limit, a signal, an exit status, each saves a
// snapshot.
#include "linux/linux.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "core/text.h"

#define SIGNALS 32

static struct sigaction earlier[SIGNALS];

// Copies what is used so far; uses system calls only.
static int save(const char *path)
{
    struct tacho_ring_header *header = tacho_core.header;
    if (!header || tacho_linux.new_image)
        return TACHO_ERR_EMPTY;
    uint64_t used = __atomic_load_n(&header->used_bytes, __ATOMIC_ACQUIRE);
    return tacho_shm_copy(&tacho_linux.shm, used, path);
}

static int snapshot(void)
{
    char path[TACHO_SHM_PATH_MAX];
    struct tacho_text text;
    struct tacho_ring_header *header = tacho_core.header;
    if (!header || tacho_linux.new_image)
        return TACHO_ERR_EMPTY;
    uint32_t number = __atomic_add_fetch(&tacho_linux.snapshots, 1, __ATOMIC_RELAXED);
    tacho_text_init(&text, path, sizeof path);
    tacho_text_add(&text, tacho_linux.settings.dump_dir);
    tacho_text_add(&text, "/tacho-");
    tacho_text_u64(&text, (uint64_t)getpid());
    tacho_text_add(&text, "-");
    tacho_text_u64(&text, number);
    tacho_text_add(&text, ".tacho");
    int code = number > tacho_linux.settings.snapshots_max ? TACHO_ERR_FULL
               : text.cut                                  ? TACHO_ERR_INVALID
                                                           : save(path);
    __atomic_fetch_add(code < 0 ? &header->snapshots_refused : &header->snapshots, 1,
                       __ATOMIC_RELAXED);
    return code;
}

int tacho_dump(const char *path)
{
    if (!path)
        return snapshot();
    if (!tacho_linux_lock())
        return TACHO_ERR_BUSY;
    int code = tacho_linux_ready();
    if (code == 0) {
        tacho_linux_clock_point();
        code = save(path);
    }
    tacho_linux_unlock();
    return code;
}

void tacho_linux_over_limit(uint32_t series)
{
    (void)series;
    snapshot();
}

// By the counter's rate so far: at program start that means a short wait, once.
static uint64_t to_ticks(uint64_t ns)
{
    return (uint64_t)((double)ns * tacho_linux_clock_hz() / 1e9);
}

void tacho_linux_series_added(uint32_t series)
{
    struct tacho_ring_series *entry = tacho_series_at(series);
    const struct tacho_settings *settings = &tacho_linux.settings;
    if (entry->kind != TACHO_SERIES_ZONE && entry->kind != TACHO_SERIES_FUNCTION)
        return;
    for (uint32_t i = 0; i < settings->limit_count; i++)
        if (entry->name && strcmp(tacho_at(entry->name), settings->limits[i].zone) == 0)
            entry->limit_ticks = to_ticks(settings->limits[i].limit_ns);
}

static struct tacho_limit *limit_place(const char *zone)
{
    struct tacho_settings *settings = &tacho_linux.settings;
    for (uint32_t i = 0; i < settings->limit_count; i++)
        if (strcmp(settings->limits[i].zone, zone) == 0)
            return &settings->limits[i];
    if (settings->limit_count == TACHO_TRIGGERS_MAX || strlen(zone) >= TACHO_ZONE_NAME_MAX)
        return NULL;
    struct tacho_limit *limit = &settings->limits[settings->limit_count++];
    struct tacho_text text;
    tacho_text_init(&text, limit->zone, sizeof limit->zone);
    tacho_text_add(&text, zone);
    return limit;
}

int tacho_zone_limit_set(const char *zone, uint64_t limit_ns)
{
    if (!tacho_linux_lock())
        return TACHO_ERR_BUSY;
    int code = tacho_linux_ready();
    struct tacho_limit *limit = code == 0 ? limit_place(zone) : NULL;
    if (limit) {
        uint64_t ticks = to_ticks(limit_ns);
        limit->limit_ns = limit_ns;
        for (uint32_t id = 1; id <= tacho_core.header->series_count; id++) {
            struct tacho_ring_series *entry = tacho_series_at(id);
            if (entry->name && strcmp(tacho_at(entry->name), zone) == 0)
                entry->limit_ticks = ticks;
        }
        __atomic_fetch_or(&tacho_control[TACHO_CONTROL_MODE],
                          tacho_mode() ? (uint32_t)TACHO_MODE_LIMITS : 0, __ATOMIC_RELAXED);
    }
    tacho_linux_unlock();
    return code < 0 ? code : limit ? 0 : TACHO_ERR_FULL;
}

// Saves, then does what would have happened without us, for signals that end the program.
static void on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    snapshot();
    const struct sigaction *before = &earlier[number];
    if ((before->sa_flags & SA_SIGINFO) && before->sa_sigaction) {
        before->sa_sigaction(number, info, context);
    } else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
        before->sa_handler(number);
    } else if (number != SIGUSR1 && number != SIGUSR2 && before->sa_handler == SIG_DFL) {
        sigaction(number, before, NULL);
        raise(number);
    }
    errno = saved;
}

static void on_end(int status, void *context)
{
    (void)context;
    const struct tacho_settings *settings = &tacho_linux.settings;
    status &= 0xff;
    if ((settings->exit_trigger == TACHO_EXIT_NONZERO && status != 0) ||
        (settings->exit_trigger == TACHO_EXIT_STATUS && status == settings->exit_status))
        snapshot();
}

void tacho_linux_triggers_install(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&action.sa_mask);
    for (int number = 1; number < SIGNALS; number++)
        if (tacho_linux.settings.signals >> number & 1)
            sigaction(number, &action, &earlier[number]);
    if (tacho_linux.settings.exit_trigger != TACHO_EXIT_NEVER)
        on_exit(on_end, NULL);
}

void tacho_linux_triggers_remove(void)
{
    for (int number = 1; number < SIGNALS; number++) {
        struct sigaction now;
        if ((tacho_linux.settings.signals >> number & 1) && sigaction(number, NULL, &now) == 0 &&
            now.sa_sigaction == on_signal)
            sigaction(number, &earlier[number], NULL);
    }
}
