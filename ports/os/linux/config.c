// Reads the environment variable TACHO; its words are described in include/tacho/control.h.
#include "linux/config.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "core/text.h"
#include "tacho/control.h"

#define RING_BYTES_DEFAULT   (UINT64_C(1) << 20)
#define RING_BYTES_MIN       UINT64_C(4096)
#define MEMORY_BYTES_DEFAULT (UINT64_C(256) << 20)
#define MEMORY_BYTES_MIN     (UINT64_C(1) << 18)
#define MEMORY_BYTES_LIMIT   (UINT64_C(16) << 30)
#define SAMPLE_DEFAULT       100u
#define SNAPSHOTS_DEFAULT    8u

struct word {
    const char *text;
    size_t size;
};

static bool is(struct word word, const char *text)
{
    return strlen(text) == word.size && memcmp(word.text, text, word.size) == 0;
}

// Digits at the start of `word`; moves it behind them. False: none, or too many.
static bool take_number(struct word *word, uint64_t *number)
{
    size_t at = 0;
    *number = 0;
    while (at < word->size && word->text[at] >= '0' && word->text[at] <= '9' && at < 18)
        *number = *number * 10 + (uint64_t)(word->text[at++] - '0');
    word->text += at;
    word->size -= at;
    return at > 0;
}

static bool read_count(struct word word, uint32_t *count)
{
    uint64_t number;
    if (!take_number(&word, &number) || word.size != 0 || number == 0 || number > 1000000000)
        return false;
    *count = (uint32_t)number;
    return true;
}

static bool read_bytes(struct word word, uint64_t *bytes)
{
    uint64_t number;
    unsigned shift = 0;
    if (!take_number(&word, &number) || number > MEMORY_BYTES_LIMIT)
        return false;
    if (is(word, "k") || is(word, "K"))
        shift = 10;
    else if (is(word, "M"))
        shift = 20;
    else if (is(word, "G"))
        shift = 30;
    else if (word.size != 0)
        return false;
    if (number > MEMORY_BYTES_LIMIT >> shift)
        return false;
    *bytes = number << shift;
    return true;
}

static bool read_duration(struct word word, uint64_t *ns)
{
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    uint64_t number;
    if (!take_number(&word, &number) || number > 1000000000)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (is(word, units[i].unit)) {
            *ns = number * units[i].ns;
            return true;
        }
    return false;
}

static bool read_signal(struct word word, uint64_t *signals)
{
    static const struct {
        const char *name;
        int number;
    } names[] = {{"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"HUP", SIGHUP},   {"QUIT", SIGQUIT},
                 {"TERM", SIGTERM}, {"INT", SIGINT},   {"SEGV", SIGSEGV}, {"ABRT", SIGABRT},
                 {"BUS", SIGBUS},   {"FPE", SIGFPE},   {"ILL", SIGILL}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is(word, names[i].name)) {
            *signals |= UINT64_C(1) << names[i].number;
            return true;
        }
    return false;
}

static bool read_exit(struct word word, struct tacho_settings *settings)
{
    uint64_t number;
    if (is(word, "nonzero")) {
        settings->exit_trigger = TACHO_EXIT_NONZERO;
        return true;
    }
    if (!take_number(&word, &number) || word.size != 0 || number > 255)
        return false;
    settings->exit_trigger = TACHO_EXIT_STATUS;
    settings->exit_status = (int)number;
    return true;
}

static struct word after(struct word word, size_t count)
{
    struct word rest = {word.text + count, word.size - count};
    return rest;
}

static bool starts(struct word word, const char *text, struct word *rest)
{
    size_t size = strlen(text);
    if (word.size < size || memcmp(word.text, text, size) != 0)
        return false;
    *rest = after(word, size);
    return true;
}

static bool read_trigger(struct word word, struct tacho_settings *settings)
{
    struct word rest;
    if (starts(word, "signal:", &rest))
        return read_signal(rest, &settings->signals);
    if (starts(word, "exit:", &rest))
        return read_exit(rest, settings);
    const char *mark = memchr(word.text, '>', word.size);
    if (!mark || settings->limit_count == TACHO_TRIGGERS_MAX)
        return false;
    size_t size = (size_t)(mark - word.text);
    struct tacho_limit *limit = &settings->limits[settings->limit_count];
    if (size == 0 || size >= sizeof limit->zone ||
        !read_duration(after(word, size + 1), &limit->limit_ns))
        return false;
    memcpy(limit->zone, word.text, size);
    limit->zone[size] = 0;
    settings->limit_count++;
    return true;
}

static bool read_path(struct word word, char *path)
{
    if (word.size == 0 || word.size >= TACHO_PATH_MAX)
        return false;
    memcpy(path, word.text, word.size);
    path[word.size] = 0;
    return true;
}

static bool read_mode(struct word word, struct tacho_settings *settings)
{
    if (is(word, "statistics"))
        settings->mode |= TACHO_MODE_STATISTICS;
    else if (is(word, "trace"))
        settings->mode |= TACHO_MODE_TRACE;
    else if (is(word, "detailed"))
        settings->mode |= TACHO_MODE_DETAILED;
    else if (is(word, "production"))
        settings->mode |= TACHO_MODE_PRODUCTION;
    else if (is(word, "off"))
        settings->refused = true;
    else if (is(word, "wait")) // a file, but nothing recorded until an observer asks
        settings->mode |= TACHO_MODE_OFF;
    else if (is(word, "keep"))
        settings->keep = true;
    else
        return false;
    return true;
}

static bool read_word(struct word word, struct tacho_settings *settings)
{
    struct word rest;
    if (starts(word, "ring=", &rest))
        return read_bytes(rest, &settings->ring_bytes);
    if (starts(word, "memory=", &rest))
        return read_bytes(rest, &settings->memory_bytes_max);
    if (starts(word, "sample=", &rest))
        return read_count(rest, &settings->sample_one_in);
    if (starts(word, "process=", &rest))
        return read_count(rest, &settings->process_one_in);
    if (starts(word, "snapshots=", &rest))
        return read_count(rest, &settings->snapshots_max);
    if (starts(word, "dir=", &rest))
        return read_path(rest, settings->dir);
    if (starts(word, "dump=", &rest))
        return read_path(rest, settings->dump_dir);
    if (starts(word, "trigger=", &rest))
        return read_trigger(rest, settings);
    return read_mode(word, settings);
}

static void read_words(struct tacho_settings *settings, const char *words)
{
    while (*words) {
        struct word word = {words, strcspn(words, ",")};
        words += word.size;
        words += *words == ',';
        if (word.size == 0 || read_word(word, settings) || settings->unknown[0])
            continue;
        struct tacho_text text;
        tacho_text_init(&text, settings->unknown, sizeof settings->unknown);
        tacho_text_add_n(&text, word.text, word.size);
    }
}

static void complete(struct tacho_settings *settings)
{
    if (settings->ring_bytes < RING_BYTES_MIN)
        settings->ring_bytes = settings->ring_bytes ? RING_BYTES_MIN : RING_BYTES_DEFAULT;
    if (settings->memory_bytes_max < MEMORY_BYTES_MIN)
        settings->memory_bytes_max =
            settings->memory_bytes_max ? MEMORY_BYTES_MIN : MEMORY_BYTES_DEFAULT;
    if (settings->sample_one_in > 1)
        settings->mode |= settings->mode ? TACHO_MODE_SAMPLED : 0;
    if (settings->sample_one_in == 0)
        settings->sample_one_in = (settings->mode & TACHO_MODE_SAMPLED) ? SAMPLE_DEFAULT : 1;
    if (settings->limit_count > 0 && settings->mode)
        settings->mode |= TACHO_MODE_LIMITS;
}

void tacho_settings_read(struct tacho_settings *settings, const char *words, const char *dir,
                         const char *dump_dir, uint32_t user)
{
    struct tacho_text text;
    memset(settings, 0, sizeof *settings);
    settings->snapshots_max = SNAPSHOTS_DEFAULT;
    tacho_text_init(&text, settings->dir, sizeof settings->dir);
    if (dir && dir[0]) {
        tacho_text_add(&text, dir);
    } else {
        tacho_text_add(&text, "/dev/shm/tacho-");
        tacho_text_u64(&text, user);
    }
    tacho_text_init(&text, settings->dump_dir, sizeof settings->dump_dir);
    tacho_text_add(&text, dump_dir && dump_dir[0] ? dump_dir : ".");
    if (words)
        read_words(settings, words);
    complete(settings);
}
