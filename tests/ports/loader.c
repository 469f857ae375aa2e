// A program without libtacho that loads and unloads a plugin which has a static copy of it, on
// threads that live longer than the plugin, and then forks.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *load(void *path)
{
    void *plugin = dlopen(path, RTLD_NOW);
    if (!plugin)
        return dlerror();
    void (*run)(void);
    *(void **)&run = dlsym(plugin, "plugin_run");
    run();
    dlclose(plugin);
    return NULL;
}

int main(int argc, char **argv)
{
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        void *error = NULL;
        if (argc < 2 || pthread_create(&thread, NULL, load, argv[1]) != 0)
            return 2;
        pthread_join(thread, &error);
        if (error)
            return puts(error), 1;
    }
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    int status = 1;
    waitpid(child, &status, 0);
    return signal(SIGUSR2, SIG_IGN) == SIG_DFL ? status : 3; // a handler that is gone would crash
}
