/* What the NVML calls share. Numbers and struct layouts: nvml.h of NVIDIA's CUDA toolkit. */
#ifndef GPUSIM_NVML_H
#define GPUSIM_NVML_H

#include "state.h"

#define API __attribute__((visibility("default")))

typedef enum {
    NVML_SUCCESS = 0,
    NVML_ERROR_UNINITIALIZED = 1,
    NVML_ERROR_INVALID_ARGUMENT = 2,
    NVML_ERROR_NOT_SUPPORTED = 3,
    NVML_ERROR_NO_PERMISSION = 4,
    NVML_ERROR_NOT_FOUND = 6,
    NVML_ERROR_INSUFFICIENT_SIZE = 7,
    NVML_ERROR_DRIVER_NOT_LOADED = 9,
    NVML_ERROR_TIMEOUT = 10,
    NVML_ERROR_GPU_IS_LOST = 15,
    NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18,
    NVML_ERROR_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_ERROR_UNKNOWN = 999,
} nvml_return;

typedef void *nvml_device;

struct nvml_memory_v2 {
    u32 version;
    u64 total, reserved, free, used;
};

struct nvml_process_v1 {
    u32 pid;
    u64 bytes;
};

struct nvml_process_v2 {
    u32 pid;
    u64 bytes;
    u32 gpu_instance, compute_instance;
};

/* What a process sees was decided when it called nvmlInit, as with the real driver: one that runs
   already keeps its GPUs when the device cgroup changes. */
struct session {
    u32 users; /* nvmlInit calls not yet matched by nvmlShutdown */
    u32 visible_count;
    int visible[MAX_GPUS]; /* NVML index to place in hardware.gpus */
};

extern struct session session;

void lock_session(void);
void unlock_session(void);

/* Handles are addresses into one array, so a stray pointer is recognised. */
nvml_device device_handle(int gpu_index);
int device_gpu_index(nvml_device device); /* -1 when it is no handle */

/*
 * Every call stands between enter and leave: enter takes the lock and reads the state again,
 * leave gives the lock back and passes the result through.
 */
nvml_return enter_system(void);
nvml_return enter_device(nvml_device device, struct gpu **gpu);
nvml_return leave(nvml_return result);

nvml_return fill_text(char *target, u32 size, const char *text);

/* A call that hands out one number of a GPU. */
#define DEVICE_NUMBER(function, type, expression)                       \
    API nvml_return function(nvml_device device, type *result);         \
    API nvml_return function(nvml_device device, type *result)          \
    {                                                                   \
        struct gpu *gpu;                                                \
        nvml_return status;                                             \
                                                                        \
        if (!result)                                                    \
            return NVML_ERROR_INVALID_ARGUMENT;                         \
        status = enter_device(device, &gpu);                            \
        if (status == NVML_SUCCESS)                                     \
            *result = (type)(expression);                               \
        return leave(status);                                           \
    }

/* Those that nvidia-smi uses too. */
API const char *nvmlErrorString(nvml_return result);
API nvml_return nvmlInit_v2(void);
API nvml_return nvmlDeviceGetHandleByIndex_v2(u32 index, nvml_device *device);

#endif
