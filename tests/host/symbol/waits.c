// Says that it runs, and waits to be ended: the subject of tests with a program that is deleted.
#include <unistd.h>

__attribute__((noinline)) static int wait_here(void)
{
    return pause();
}

int main(void)
{
    if (write(1, "x", 1) != 1)
        return 1;
    alarm(60); // should nobody end it
    return wait_here();
}
