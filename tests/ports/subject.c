// A program to be observed: each case is one way in which programs treat their recorder.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tacho/tacho.h>

static int die(void)
{
    TACHO_ZONE("outside");
    for (int i = 0; i < 1000; i++) {
        TACHO_ZONE("inside");
    }
    TACHO_ZONE_BEGIN(last, "never ended");
    raise(SIGKILL);
    TACHO_ZONE_END(last);
    return 1;
}

static int finish(void)
{
    for (int i = 0; i < 10; i++) {
        TACHO_ZONE("inside");
    }
    return 0;
}

// Both halves record; each must have its own file, and the zone that was open belongs to both.
static int fork_once(void)
{
    TACHO_ZONE("before");
    {
        TACHO_ZONE("warm");
    }
    pid_t child = fork();
    for (int i = 0; i < (child ? 3 : 5); i++) {
        TACHO_ZONE("after");
    }
    printf("%s\n", tacho_ring_path());
    fflush(stdout);
    if (child == 0)
        raise(SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

static volatile sig_atomic_t handled;

static void on_timer(int signal)
{
    TACHO_ZONE("handler");
    (void)signal;
    handled++;
    {
        TACHO_ZONE("in handler");
    }
}

// Zones in a handler that interrupts zones, at any instruction. Prints how often it ran.
static int interrupt(void)
{
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    signal(SIGALRM, on_timer);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 200000; i++) {
        TACHO_ZONE("interrupted");
        TACHO_ZONE_BEGIN(in, "in interrupted");
        TACHO_ZONE_END(in);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%d\n", (int)handled);
    return 0;
}

static int load(void)
{
    for (int i = 0; i < 3; i++) {
        void *plugin = dlopen(getenv("SUBJECT_PLUGIN"), RTLD_NOW);
        if (!plugin)
            return puts(dlerror()), 1;
        void (*run)(void);
        *(void **)&run = dlsym(plugin, "plugin_run");
        run();
        dlclose(plugin);
    }
    return 0;
}

static pthread_barrier_t together;

static void *live(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&together);
    for (int i = 0; i < 50; i++) {
        TACHO_ZONE("of a thread");
    }
    return NULL;
}

// Two hundred threads at once, in waves.
static int threads(void)
{
    enum { AT_ONCE = 100, WAVES = 4 };
    pthread_t all[AT_ONCE];
    for (int wave = 0; wave < WAVES; wave++) {
        pthread_barrier_init(&together, NULL, AT_ONCE);
        for (int i = 0; i < AT_ONCE; i++)
            if (pthread_create(&all[i], NULL, live, NULL) != 0)
                return 1;
        for (int i = 0; i < AT_ONCE; i++)
            pthread_join(all[i], NULL);
    }
    return 0;
}

static int slow(void)
{
    for (int i = 0; i < 3; i++) {
        TACHO_ZONE("sometimes slow");
        if (i == 1)
            usleep(20000);
    }
    return 3;
}

// A limit that the program sets itself, before and after the zone is known.
static int limit(void)
{
    if (tacho_zone_limit_set("limited", 5000000) < 0)
        return 1;
    for (int i = 0; i < 4; i++) {
        TACHO_ZONE("limited");
        if (i >= 2)
            usleep(20000);
    }
    if (tacho_zone_limit_set("limited", 0) < 0)
        return 1;
    TACHO_ZONE("limited");
    usleep(20000);
    return 0;
}

static int crash(void)
{
    TACHO_ZONE("crashing");
    {
        TACHO_ZONE("inside");
    }
    abort();
}

static int by_signal(void)
{
    {
        TACHO_ZONE("inside");
    }
    raise(SIGUSR2);
    raise(SIGUSR2);
    return 0;
}

// A daemon that closes what it did not open, then uses the numbers for its own file.
static int close_all(void)
{
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    int own = -1;
    do
        own = open(getenv("SUBJECT_FILE"), O_RDWR | O_CREAT, 0600);
    while (own >= 0 && own < 120);
    if (own < 0 || write(own, "mine", 4) != 4)
        return 1;
    for (int i = 0; i < 100000; i++) { // makes the ring, so the file has to grow
        TACHO_ZONE("after closing");
    }
    return 0;
}

static jmp_buf back;

static void leap(int depth)
{
    TACHO_ZONE("left");
    if (depth == 0)
        longjmp(back, 1);
    leap(depth - 1);
}

static int jump(void)
{
    for (int i = 0; i < 10; i++) {
        TACHO_ZONE("stayed");
        if (setjmp(back) == 0)
            leap(3);
        TACHO_ZONE_BEGIN(after, "after");
        TACHO_ZONE_END(after);
    }
    return 0;
}

static int again(void)
{
    TACHO_ZONE("first image");
    execl("/proc/self/exe", "subject", "finish", (char *)NULL);
    return 1;
}

static int report(void)
{
    for (int i = 0; i < 100; i++) {
        TACHO_ZONE("reported");
    }
    return tacho_report(1) < 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } cases[] = {{"die", die},         {"finish", finish},       {"fork", fork_once},
                 {"jump", jump},       {"interrupt", interrupt}, {"load", load},
                 {"threads", threads}, {"slow", slow},           {"signal", by_signal},
                 {"exec", again},      {"close", close_all},     {"report", report},
                 {"limit", limit},     {"crash", crash}};
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            return cases[i].run();
    return 2;
}
