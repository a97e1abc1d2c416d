/*
 * Raw system calls. The library must load under any glibc and under musl, and
 * nvidia-smi must run in an image that has no libc at all, so neither may need a libc symbol.
 */
#ifndef GPUSIM_SYSCALLS_H
#define GPUSIM_SYSCALLS_H

#if !defined(__x86_64__) || !defined(__linux__)
#error "gpusim's driver is written for x86_64 Linux only"
#endif

/* Numbers: arch/x86/entry/syscalls/syscall_64.tbl of the kernel. */
enum {
    SYS_READ = 0,
    SYS_WRITE = 1,
    SYS_CLOSE = 3,
    SYS_NANOSLEEP = 35,
    SYS_CLOCK_GETTIME = 228,
    SYS_EXIT_GROUP = 231,
    SYS_OPENAT = 257,
};

/* Error numbers that tell apart why a device node cannot be opened. */
enum {
    ERRNO_PERM = 1,
    ERRNO_NOENT = 2,
    ERRNO_NXIO = 6,
    ERRNO_ACCES = 13,
    ERRNO_NODEV = 19,
};

enum { OPEN_READ_ONLY = 0, OPEN_READ_WRITE = 2, OPEN_CLOEXEC = 02000000 };

struct timespec64 {
    long seconds;
    long nanoseconds;
};

static inline long system_call(long number, long a, long b, long c, long d)
{
    long result;
    register long fourth __asm__("r10") = d;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

/* A descriptor, or the negative error number. */
static inline int open_file(const char *path, int flags)
{
    const int at_current_directory = -100;

    return (int)system_call(SYS_OPENAT, at_current_directory, (long)path, flags | OPEN_CLOEXEC, 0);
}

static inline void close_file(int descriptor)
{
    system_call(SYS_CLOSE, descriptor, 0, 0, 0);
}

static inline void sleep_milliseconds(unsigned int milliseconds)
{
    struct timespec64 pause = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};

    if (milliseconds)
        system_call(SYS_NANOSLEEP, (long)&pause, 0, 0, 0);
}

static inline struct timespec64 wall_clock(void)
{
    struct timespec64 now = {0, 0};

    system_call(SYS_CLOCK_GETTIME, 0, (long)&now, 0, 0);
    return now;
}

#endif
