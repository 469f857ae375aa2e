// What the environment asks for: the words of TACHO, TACHO_DIR and TACHO_DUMP_DIR.
#ifndef TACHO_PORTS_LINUX_CONFIG_H
#define TACHO_PORTS_LINUX_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define TACHO_TRIGGERS_MAX  16
#define TACHO_PATH_MAX      400
#define TACHO_ZONE_NAME_MAX 96

enum tacho_exit_trigger { TACHO_EXIT_NEVER = 0, TACHO_EXIT_NONZERO = 1, TACHO_EXIT_STATUS = 2 };

struct tacho_limit {
    char zone[TACHO_ZONE_NAME_MAX];
    uint64_t limit_ns;
};

struct tacho_settings {
    uint32_t mode;
    uint32_t sample_one_in, process_one_in;
    uint64_t ring_bytes, memory_bytes_max;
    bool keep, refused; // refused: TACHO=off, not even a file
    uint32_t snapshots_max;
    char dir[TACHO_PATH_MAX], dump_dir[TACHO_PATH_MAX];
    uint32_t limit_count;
    struct tacho_limit limits[TACHO_TRIGGERS_MAX];
    uint64_t signals; // bit n: signal n
    enum tacho_exit_trigger exit_trigger;
    int exit_status;
    char unknown[64]; // the first word that was not understood, "" if none
};

// Reads the settings from the values of the three variables (each may be NULL) and the user's id.
void tacho_settings_read(struct tacho_settings *settings, const char *words, const char *dir,
                         const char *dump_dir, uint32_t user);

#endif
