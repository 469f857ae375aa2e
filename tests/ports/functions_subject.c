// A program whose functions the compiler instruments; prints the address and number of calls of
// each.
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#define PLAIN    __attribute__((no_instrument_function, noinline))
#define NOINLINE __attribute__((noinline))

static jmp_buf back;
static volatile int sink;

NOINLINE static void leaf(int n)
{
    sink = n;
}

NOINLINE static int fibonacci(int n)
{
    if (n < 2)
        return n;
    return fibonacci(n - 1) + fibonacci(n - 2);
}

NOINLINE static void around(int n)
{
    leaf(n);
    if (n == 5)
        longjmp(back, 1);
}

PLAIN int main(void)
{
    for (volatile int i = 0; i < 10; i++)
        if (setjmp(back) == 0)
            around(i);
    for (int i = 0; i < 100; i++)
        leaf(i);
    sink = fibonacci(10);
    printf("%llx 110\n", (unsigned long long)(uintptr_t)leaf);
    printf("%llx 177\n", (unsigned long long)(uintptr_t)fibonacci);
    // The one that was left by longjmp never ended.
    printf("%llx 9\n", (unsigned long long)(uintptr_t)around);
    return 0;
}
