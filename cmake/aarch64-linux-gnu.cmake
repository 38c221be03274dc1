# Toolchain: Debian's g++-aarch64-linux-gnu; programs are static and run by qemu-aarch64. QEMU_CPU in the environment
# chooses the processor: max has the dot product and int8 matrix extensions, cortex-a53 has neither.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
