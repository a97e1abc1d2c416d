/* What the calls of CUDA's driver library share. Numbers: cuda.h of NVIDIA's CUDA toolkit. */
#ifndef GPUSIM_CUDA_H
#define GPUSIM_CUDA_H

#include "state.h"

#define API __attribute__((visibility("default")))

typedef enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_NOT_INITIALIZED = 3,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_INVALID_DEVICE = 101,
    CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803,
    CUDA_ERROR_UNKNOWN = 999,
} cuda_result;

typedef int cuda_device;

struct cuda_uuid {
    char bytes[16];
};

/* As with the real library, what a process sees is decided by its first successful cuInit. */
struct cuda_session {
    int ready;
    int visible_count;
    int visible[MAX_GPUS]; /* CUDA's ordinal to place in hardware.gpus */
};

extern struct cuda_session cuda_session;

/* CUDA_SUCCESS and the GPU behind an ordinal, or why there is none. */
cuda_result find_gpu(cuda_device device, const struct gpu **gpu);

#endif
