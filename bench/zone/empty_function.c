// A function with nothing in it, for the compiler's hooks to be measured.
void empty_function(void);

__attribute__((noinline)) void empty_function(void)
{
    __asm__ volatile("");
}
