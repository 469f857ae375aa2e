// Loads a library while it runs and works half in it: plugin_host [SECONDS of CPU time] [LOADS].
//
// The library is loaded LOADS times and let go again in between, so its symbols come and go.
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "truth.h"

enum { HOST_STEPS = 400000 };

typedef uint64_t plugin_function(uint64_t state);

static TRUTH_OUTLINE uint64_t host_work(uint64_t state)
{
    for (int step = 0; step < HOST_STEPS; step++)
        state = truth_mix(state + 17);
    return state;
}

// The library lies beside the program, wherever that is.
static void *plugin_load(plugin_function **function)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    strcpy(slash != NULL ? slash + 1 : path, "libplugin.so");

    void *library = dlopen(path, RTLD_NOW);
    void *symbol = library != NULL ? dlsym(library, "plugin_work") : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "plugin_host: %s\n", dlerror());
        exit(1);
    }
    memcpy(function, &symbol, sizeof(symbol));
    return library;
}

int main(int argc, char **argv)
{
    double limit_s = truth_argument(argc, argv, 1, 0.001, 600, 1);
    int loads = (int)truth_argument(argc, argv, 2, 1, 1000, 3);
    uint64_t state = 88172645463325252U;
    double host_s = 0, plugin_s = 0;

    for (int load = 1; load <= loads; load++) {
        plugin_function *plugin_work;
        void *library = plugin_load(&plugin_work);
        do {
            double begin_s = truth_cpu_s();
            state = host_work(state);
            double middle_s = truth_cpu_s();
            state = plugin_work(state);
            host_s += middle_s - begin_s;
            plugin_s += truth_cpu_s() - middle_s;
        } while (truth_cpu_s() < limit_s * load / loads);
        dlclose(library);
    }
    truth_count("loads", (uint64_t)loads);
    truth_count("checksum", state);
    truth_number("cpu_s", truth_cpu_s());
    truth_number("host_work", host_s / (host_s + plugin_s));
    truth_number("plugin_work", plugin_s / (host_s + plugin_s));
    return 0;
}
