// Switching on the cycle counter of a Cortex-M, and finding out whether it really counts.
#include "tacho_cpu.h"

#include <stdbool.h>

uint64_t tacho_cpu_extended;

#if !defined(__ARM_ARCH_6M__) && !defined(__ARM_ARCH_8M_BASE__)
#define REGISTER(address) (*(volatile uint32_t *)(address))
#define DEMCR             REGISTER(0xE000EDFCu)
#define DEMCR_TRCENA      (1u << 24)
#define DWT_CTRL          REGISTER(0xE0001000u)
#define DWT_CYCCNTENA     (1u << 0)
#define DWT_CYCCNT        REGISTER(0xE0001004u)
#define DWT_LAR           REGISTER(0xE0001FB0u)
#define DWT_LSR           REGISTER(0xE0001FB4u)
#define LAR_KEY           0xC5ACCE55u

bool tacho_cpu_begin(void)
{
    DEMCR |= DEMCR_TRCENA;
    if ((DEMCR & DEMCR_TRCENA) == 0)
        return false;
    if ((DWT_LSR & 3u) == 3u) // there is a lock, and it is locked (Cortex-M7)
        DWT_LAR = LAR_KEY;
    DWT_CTRL |= DWT_CYCCNTENA;
    DWT_CYCCNT = 0;
    for (int i = 0; i < 16; i++)
        __asm__ volatile("nop");
    return DWT_CYCCNT != 0; // emulators and locked cores read 0 for ever
}
#else
bool tacho_cpu_begin(void)
{
    return true; // the board's counter is the board's to start
}
#endif
