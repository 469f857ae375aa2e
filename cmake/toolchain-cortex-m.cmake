# Cross-compiles for ARM Cortex-M; TACHO_CORE names the core (cortex-m0, cortex-m4, cortex-m7).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TACHO_CORE)
set(CMAKE_C_FLAGS_INIT "-mcpu=${TACHO_CORE} -mthumb -ffreestanding -ffunction-sections -fdata-sections")
