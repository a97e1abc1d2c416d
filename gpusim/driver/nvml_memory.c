/* Memory, and whether it can be trusted: ECC and retired pages. */
#include "nvml.h"

enum { ERROR_UNCORRECTED = 1, LOCATION_DEVICE_MEMORY = 2 };

struct nvml_memory_v1 {
    u64 total, free, used;
};

struct nvml_bar1_memory {
    u64 total, free, used;
};

struct nvml_ecc_counts {
    u64 l1_cache, l2_cache, device_memory, register_file;
};

/* The first version of this call counts reserved memory as used, the second does not: pynvml's
   default and nvidia-smi differ by it on real cards too. */
API nvml_return nvmlDeviceGetMemoryInfo(nvml_device device, struct nvml_memory_v1 *memory);
API nvml_return nvmlDeviceGetMemoryInfo(nvml_device device, struct nvml_memory_v1 *memory)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS) {
        memory->total = gpu->memory_total;
        memory->used = memory_used(gpu) + gpu->memory_reserved;
        memory->free = memory->total - memory->used;
    }
    return leave(status);
}

API nvml_return nvmlDeviceGetMemoryInfo_v2(nvml_device device, struct nvml_memory_v2 *memory);
API nvml_return nvmlDeviceGetMemoryInfo_v2(nvml_device device, struct nvml_memory_v2 *memory)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS && memory->version >> 24 != 2)
        status = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    if (status == NVML_SUCCESS) {
        memory->total = gpu->memory_total;
        memory->reserved = gpu->memory_reserved;
        memory->used = memory_used(gpu);
        memory->free = memory->total - memory->reserved - memory->used;
    }
    return leave(status);
}

API nvml_return nvmlDeviceGetBAR1MemoryInfo(nvml_device device, struct nvml_bar1_memory *memory);
API nvml_return nvmlDeviceGetBAR1MemoryInfo(nvml_device device, struct nvml_bar1_memory *memory)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS) {
        memory->total = gpu->bar1_total;
        memory->used = gpu->bar1_used;
        memory->free = gpu->bar1_total - gpu->bar1_used;
    }
    return leave(status);
}

API nvml_return nvmlDeviceGetEccMode(nvml_device device, u32 *current, u32 *pending);
API nvml_return nvmlDeviceGetEccMode(nvml_device device, u32 *current, u32 *pending)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS)
        *current = *pending = gpu->ecc;
    return leave(status);
}

/* Since boot and since ever are the same here: the simulated card is as old as its state. */
static nvml_return enter_ecc(nvml_device device, u32 type, u64 *errors)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS && !gpu->ecc)
        status = NVML_ERROR_NOT_SUPPORTED;
    if (status == NVML_SUCCESS)
        *errors = type == ERROR_UNCORRECTED ? gpu->ecc_uncorrected : 0;
    return status;
}

API nvml_return nvmlDeviceGetTotalEccErrors(nvml_device device, u32 type, u32 counter, u64 *errors);
API nvml_return nvmlDeviceGetTotalEccErrors(nvml_device device, u32 type, u32 counter, u64 *errors)
{
    (void)counter;
    return leave(enter_ecc(device, type, errors));
}

API nvml_return nvmlDeviceGetMemoryErrorCounter(nvml_device device, u32 type, u32 counter,
                                                u32 location, u64 *errors);
API nvml_return nvmlDeviceGetMemoryErrorCounter(nvml_device device, u32 type, u32 counter,
                                                u32 location, u64 *errors)
{
    nvml_return status = enter_ecc(device, type, errors);

    (void)counter;
    if (status == NVML_SUCCESS && location != LOCATION_DEVICE_MEMORY)
        *errors = 0;
    return leave(status);
}

API nvml_return nvmlDeviceGetDetailedEccErrors(nvml_device device, u32 type, u32 counter,
                                               struct nvml_ecc_counts *counts);
API nvml_return nvmlDeviceGetDetailedEccErrors(nvml_device device, u32 type, u32 counter,
                                               struct nvml_ecc_counts *counts)
{
    u64 errors;
    nvml_return status = enter_ecc(device, type, &errors);

    (void)counter;
    if (status == NVML_SUCCESS) {
        memset(counts, 0, sizeof *counts);
        counts->device_memory = errors;
    }
    return leave(status);
}

DEVICE_NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, u32, 0)

API nvml_return nvmlDeviceGetRetiredPages(nvml_device device, u32 cause, u32 *count, u64 *addresses);
API nvml_return nvmlDeviceGetRetiredPages(nvml_device device, u32 cause, u32 *count, u64 *addresses)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    (void)cause;
    (void)addresses;
    if (status == NVML_SUCCESS)
        *count = 0;
    return leave(status);
}
