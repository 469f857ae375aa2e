// The first program with zones: counts words of a text it makes up, and reports on itself.
//
//   first_zones                       the report is on standard error
//   tacho run -- first_zones          the same zones beside the CPU profile and the metrics
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tacho/tacho.h>

enum { TEXT_BYTES = 1 << 20, ROUNDS = 20 };

TACHO_COUNTER(bytes_read, "bytes_read", "bytes");

static void text_make(char *text, unsigned seed)
{
    TACHO_FUNCTION();
    for (int i = 0; i < TEXT_BYTES; i++) {
        seed = seed * 1103515245u + 12345u;
        text[i] = "etaoin shrdlu    "[(seed >> 16) % 17];
    }
}

static long words_count(const char *text)
{
    TACHO_FUNCTION();
    long words = 0;
    for (int i = 1; i < TEXT_BYTES; i++)
        words += isspace((unsigned char)text[i - 1]) && !isspace((unsigned char)text[i]);
    tacho_counter_add(&bytes_read, TEXT_BYTES);
    return words;
}

int main(void)
{
    struct tacho_summary top[3];
    char *text = malloc(TEXT_BYTES);
    long words = 0;

    if (text == NULL)
        return 1;
    tacho_start(NULL);
    for (unsigned round = 0; round < ROUNDS; round++) {
        TACHO_ZONE("round");
        text_make(text, round);
        words += words_count(text);
    }
    free(text);
    printf("%ld words\n", words);

    int count = tacho_zones_hotspots(top, 3, TACHO_BY_SELF);
    for (int i = 0; i < count; i++)
        printf("%s: %.1f ms in %llu calls\n", top[i].name, top[i].self * 1e-6,
               (unsigned long long)top[i].calls);
    return tacho_report(STDERR_FILENO) < 0;
}
