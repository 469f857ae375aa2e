// What the files of the Linux port share.
#ifndef TACHO_PORTS_LINUX_LINUX_H
#define TACHO_PORTS_LINUX_LINUX_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/config.h"
#include "shm/shm.h"

struct tacho_linux {
    struct tacho_settings settings;
    struct tacho_shm shm;
    bool refused;   // TACHO=off
    bool new_image; // a region must be made before anything is recorded
    uint64_t image[2];
    uint32_t snapshots; // made so far
};
extern struct tacho_linux tacho_linux;

// lock.c: signals blocked, then a spin lock.
bool tacho_linux_lock(void);
void tacho_linux_unlock(void);

// identity.c: who this process is.
uint64_t tacho_linux_process_start(void);
void tacho_linux_image(uint64_t image[2]);
void tacho_linux_boot_id(char *text, uint64_t size);
uint32_t tacho_linux_tid(void);
void tacho_linux_thread_name(char *text, uint64_t size);

// clock.c: notes one instant on both clocks, in `first` too if that is empty. Lock held.
void tacho_linux_clock_point(void);
// Ticks per second by the two points and now; 0: not known yet.
double tacho_linux_clock_hz(void);

// summary.c: the summary of series `id` and all others of its name; false: it is not the first of
// them.
struct tacho_summary;
bool tacho_linux_summary(uint32_t id, double ns_per_tick, struct tacho_summary *summary);

// start.c: a region that belongs to this process. Lock held.
int tacho_linux_ready(void);

// modules.c: notes where the code at `address` is mapped, unless that is known. No lock held.
void tacho_linux_module_note(uint64_t address);
// The parent's list for a forked child, whose region is new. Lock held.
struct tacho_ring_header;
void tacho_linux_modules_copy(const char *from);

// trigger.c: installs what the settings ask for.
void tacho_linux_triggers_install(void);
void tacho_linux_triggers_remove(void);
void tacho_linux_series_added(uint32_t series);
void tacho_linux_over_limit(uint32_t series);

#endif
