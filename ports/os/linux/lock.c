// The lock of the slow paths: no signal handler can meet its holder, because the holder blocks
// signals.
#include "linux/linux.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

static int held;
static sigset_t saved; // of the holder

bool tacho_linux_lock(void)
{
    sigset_t all, old;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &old) != 0)
        return false;
    while (__atomic_exchange_n(&held, 1, __ATOMIC_ACQUIRE) != 0)
        sched_yield();
    saved = old;
    return true;
}

void tacho_linux_unlock(void)
{
    sigset_t old = saved;
    __atomic_store_n(&held, 0, __ATOMIC_RELEASE);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}
