// Starting and ending on Linux: the ring file of this process, threads, fork, exit.
#include "linux/linux.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "core/core.h"
#include "core/text.h"

// The switch. The head of the ring file is mapped over it, so it is a whole page.
_Alignas(TACHO_RING_HEADER_SIZE) uint32_t tacho_control[TACHO_RING_HEADER_SIZE / sizeof(uint32_t)];

struct tacho_linux tacho_linux;

static pthread_key_t thread_key;
static bool has_thread_key;
static struct tacho_ring_slot spare; // of the one thread that a forked child has

static void thread_started(struct tacho_ring_slot *slot)
{
    slot->tid = tacho_linux_tid();
    tacho_linux_thread_name(slot->name, sizeof slot->name);
    if (has_thread_key)
        pthread_setspecific(thread_key, slot);
    tacho_linux_clock_point();
}

static void thread_ended(void *slot)
{
    if (!tacho_linux_lock())
        return;
    if (slot == (void *)tacho_local.slot && tacho_local.ready != 0) {
        tacho_slot_release(slot);
        tacho_linux_clock_point();
        memset(&tacho_local, 0, sizeof tacho_local);
    }
    tacho_linux_unlock();
}

static int grow(uint64_t from, uint64_t to, uint64_t size)
{
    int code = tacho_shm_grow(&tacho_linux.shm, from, to, size);
    if (code == 0)
        __atomic_store_n(&tacho_core.header->size_bytes, tacho_linux.shm.size, __ATOMIC_RELEASE);
    return code;
}

static struct tacho_port port = {
    .lock = tacho_linux_lock,
    .unlock = tacho_linux_unlock,
    .grow = grow,
    .ready = tacho_linux_ready,
    .thread_started = thread_started,
    .series_added = tacho_linux_series_added,
    .over_limit = tacho_linux_over_limit,
};

static uint32_t executable_text(void)
{
    char path[1024];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    path[size > 0 ? size : 0] = 0;
    return tacho_region_text(path);
}

static void describe_process(struct tacho_ring_header *header)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    header->pid = (uint32_t)getpid();
    header->parent_pid = (uint32_t)getppid();
    header->process_start = tacho_linux_process_start();
    header->start_unix_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    memcpy(header->image, tacho_linux.image, sizeof header->image);
    tacho_linux_boot_id(header->boot_id, sizeof header->boot_id);
#if !defined(__x86_64__) && !defined(__aarch64__)
    header->flags |= TACHO_RING_FLAG_TICKS_ARE_NS;
#endif
    header->executable = executable_text();
    tacho_linux_clock_point();
}

// Lays out the region in a fresh file and switches over to it.
static int make_region(uint32_t mode, uint32_t sample_one_in)
{
    struct tacho_settings *settings = &tacho_linux.settings;
    tacho_linux_image(tacho_linux.image);
    const char *dir = tacho_linux.refused ? NULL : settings->dir;
    int code = tacho_shm_open(&tacho_linux.shm, dir, settings->memory_bytes_max, tacho_linux.image);
    if (code < 0)
        return code;
    tacho_region_init(tacho_linux.shm.base, tacho_linux.shm.size, tacho_linux.shm.bytes);
    struct tacho_ring_header *header = tacho_core.header;
    describe_process(header);
    header->mode = mode;
    header->sample_one_in = sample_one_in;
    header->keep = settings->keep ? TACHO_RING_KEEP : 0;
    if (tacho_shm_overlay(&tacho_linux.shm, tacho_control) < 0)
        tacho_control[TACHO_CONTROL_MODE] = mode; // no remote control here
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy(header->magic, TACHO_RING_MAGIC, sizeof header->magic);
    tacho_linux.new_image = false;
    return 0;
}

// The directory of the parent, so that the ids that the zones hold stay right.
static void copy_series(const struct tacho_shm *from)
{
    const struct tacho_ring_header *header = (const void *)from->base;
    uint32_t count = __atomic_load_n(&header->series_count, __ATOMIC_ACQUIRE);
    for (uint32_t id = 1; id <= count; id++) {
        const struct tacho_ring_series *entry =
            (const void *)(from->base +
                           (uint64_t)header->directory[(id - 1) / TACHO_RING_DIRECTORY_CHUNK] *
                               TACHO_RING_UNIT);
        entry += (id - 1) % TACHO_RING_DIRECTORY_CHUNK;
        const char *texts[4];
        const uint32_t references[4] = {entry->name, entry->unit, entry->file, entry->function};
        for (int i = 0; i < 4; i++)
            texts[i] = references[i] ? from->base + (uint64_t)references[i] * TACHO_RING_UNIT : "";
        const struct tacho_series series = {texts[0],    texts[1],    texts[2], texts[3],
                                            entry->line, entry->kind, 0,        0};
        if (tacho_series_add(&series, entry->address) != 0)
            tacho_series_at(id)->limit_ticks = entry->limit_ticks;
    }
}

static int make_child_region(void)
{
    struct tacho_shm parent = tacho_linux.shm;
    const struct tacho_ring_header *head = (const void *)parent.base;
    int code = make_region(head->mode, head->sample_one_in);
    if (code < 0) {
        tacho_linux.shm = parent;
        return code;
    }
    copy_series(&parent);
    tacho_linux_modules_copy(parent.base);
    parent.has_path = false; // it is the parent's to unlink
    tacho_shm_close(&parent);
    return 0;
}

int tacho_linux_ready(void)
{
    if (!tacho_linux.new_image)
        return tacho_core.base ? 0 : TACHO_ERR_MEMORY;
    return tacho_core.base
               ? make_child_region()
               : make_region(tacho_linux.settings.mode, tacho_linux.settings.sample_one_in);
}

static void fork_prepare(void)
{
    tacho_linux_lock();
}

static void fork_parent(void)
{
    tacho_linux_unlock();
}

// The child still has its parent's memory mapped. It gets a file of its own at its first zone, so a
// fork that is followed by exec costs nothing.
static void fork_child(void)
{
    tacho_slot_park(&spare);
    tacho_linux.new_image = true;
    tacho_linux.snapshots = 0;
    tacho_linux_unlock();
}

// One process of N records; the others keep their file, so that an observer can still ask.
static bool chosen(uint32_t one_in)
{
    return one_in <= 1 || (tacho_linux.image[1] ^ tacho_linux.image[0] >> 17) % one_in == 0;
}

// The one thing this library says by itself: a mistyped word would otherwise switch nothing on,
// silently.
static void warn_unknown(const char *word)
{
    char line[128];
    struct tacho_text text;
    if (!word[0])
        return;
    tacho_text_init(&text, line, sizeof line);
    tacho_text_add(&text, "libtacho: the variable TACHO has a word that means nothing: ");
    tacho_text_add(&text, word);
    tacho_text_add(&text, "\n");
    (void)!write(STDERR_FILENO, line, text.size);
}

__attribute__((constructor(200))) static void begin(void)
{
    struct tacho_settings *settings = &tacho_linux.settings;
    bool trusted = getauxval(AT_SECURE) == 0; // a set-uid program takes no orders from its caller
    tacho_settings_read(settings, trusted ? getenv("TACHO") : "off",
                        trusted ? getenv("TACHO_DIR") : NULL,
                        trusted ? getenv("TACHO_DUMP_DIR") : NULL, (uint32_t)geteuid());
    port.ring_bytes = settings->ring_bytes;
    tacho_core.port = &port;
    tacho_linux.shm.fd = -1;
    tacho_linux.refused = settings->refused;
    tacho_linux.new_image = true;
    has_thread_key = pthread_key_create(&thread_key, thread_ended) == 0;
    pthread_atfork(fork_prepare, fork_parent, fork_child);
    tacho_linux_image(tacho_linux.image);
    uint32_t mode = chosen(settings->process_one_in) && !settings->refused ? settings->mode : 0;
    if (!settings->refused && make_region(mode, settings->sample_one_in) == 0 &&
        mode != settings->mode)
        tacho_core.header->flags |= TACHO_RING_FLAG_SAMPLED_OUT;
    tacho_linux_triggers_install();
    warn_unknown(settings->unknown);
}

__attribute__((destructor(200))) static void end(void)
{
    // This code may be unloaded now, and threads and signals go on.
    if (has_thread_key)
        pthread_key_delete(thread_key);
    has_thread_key = false;
    tacho_linux_triggers_remove();
    if (tacho_linux.new_image || !tacho_core.base || !tacho_linux_lock())
        return;
    tacho_linux_clock_point();
    tacho_core.header->flags |= TACHO_RING_FLAG_ENDED;
    if ((__atomic_load_n(&tacho_core.header->keep, __ATOMIC_ACQUIRE) & TACHO_RING_KEEP) == 0)
        tacho_shm_unlink(&tacho_linux.shm);
    tacho_linux_unlock();
}

int tacho_start(const struct tacho_config *config)
{
    uint32_t mode = config && config->mode ? config->mode : TACHO_MODE_STATISTICS;
    uint32_t one_in = config ? config->sample_one_in : 0;
    if (one_in > 1)
        mode |= TACHO_MODE_SAMPLED;
    if (one_in == 0)
        one_in = (mode & TACHO_MODE_SAMPLED) ? 100 : 1;
    if (tacho_linux.settings.limit_count > 0)
        mode |= TACHO_MODE_LIMITS;
    if (!tacho_linux_lock())
        return TACHO_ERR_BUSY;
    if (config && config->ring_bytes)
        port.ring_bytes = config->ring_bytes;
    if (config && config->memory_bytes_max && !tacho_core.base)
        tacho_linux.settings.memory_bytes_max = config->memory_bytes_max;
    int code = tacho_linux_ready();
    if (code == 0) {
        tacho_core.header->sample_one_in = one_in;
        __atomic_store_n(&tacho_control[TACHO_CONTROL_MODE], mode, __ATOMIC_RELEASE);
    }
    tacho_linux_unlock();
    return code;
}

void tacho_stop(void)
{
    __atomic_store_n(&tacho_control[TACHO_CONTROL_MODE], 0, __ATOMIC_RELEASE);
}

const char *tacho_ring_path(void)
{
    return tacho_linux.shm.has_path && !tacho_linux.new_image ? tacho_linux.shm.path : "";
}
