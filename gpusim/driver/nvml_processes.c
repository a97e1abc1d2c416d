/* Who is on the GPU. NVML knows no PID namespaces: it reports host PIDs, inside containers too. */
#include "nvml.h"
#include "syscalls.h"

enum { NO_INSTANCE = 0xffffffff };

struct nvml_process_sample {
    u32 pid;
    u64 timestamp_us;
    u32 sm_utilization, memory_utilization, encoder_utilization, decoder_utilization;
};

static void put_process(void *list, u32 place, int version, const struct gpu_process *process)
{
    struct nvml_process_v1 *first = list;
    struct nvml_process_v2 *second = list;

    if (version == 1)
        first[place] = (struct nvml_process_v1){process->pid, process->bytes};
    else
        second[place] = (struct nvml_process_v2){process->pid, process->bytes, NO_INSTANCE, NO_INSTANCE};
}

/* As documented: with too small a list the caller learns how large it has to be. */
static nvml_return list_processes(nvml_device device, char type, int version, u32 *count, void *list)
{
    struct gpu *gpu;
    u32 capacity, found = 0;
    nvml_return status;

    if (!count)
        return NVML_ERROR_INVALID_ARGUMENT;
    capacity = list ? *count : 0;
    status = enter_device(device, &gpu);
    if (status != NVML_SUCCESS)
        return leave(status);
    for (int i = 0; i < gpu->process_count; i++) {
        if (gpu->processes[i].type != type)
            continue;
        if (found < capacity)
            put_process(list, found, version, &gpu->processes[i]);
        found++;
    }
    *count = found;
    return leave(found > capacity ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS);
}

#define PROCESS_LIST(function, type, version)                                       \
    API nvml_return function(nvml_device device, u32 *count, void *list);           \
    API nvml_return function(nvml_device device, u32 *count, void *list)            \
    {                                                                               \
        return list_processes(device, type, version, count, list);                  \
    }

PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses, 'C', 1)
PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses_v2, 'C', 2)
PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses_v3, 'C', 2)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses, 'G', 1)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, 'G', 2)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, 'G', 2)
PROCESS_LIST(nvmlDeviceGetMPSComputeRunningProcesses, 'M', 1)
PROCESS_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, 'M', 2)
PROCESS_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, 'M', 2)

API nvml_return nvmlSystemGetProcessName(u32 pid, char *name, u32 size);
API nvml_return nvmlSystemGetProcessName(u32 pid, char *name, u32 size)
{
    nvml_return status = enter_system();

    if (status != NVML_SUCCESS)
        return leave(status);
    for (int i = 0; i < MAX_GPUS; i++)
        for (int j = 0; j < hardware.gpus[i].process_count; j++)
            if (hardware.gpus[i].processes[j].pid == pid) {
                text_copy(name, hardware.gpus[i].processes[j].name, size);
                return leave(NVML_SUCCESS);
            }
    return leave(NVML_ERROR_NOT_FOUND);
}

API nvml_return nvmlDeviceGetProcessUtilization(nvml_device device,
                                                struct nvml_process_sample *samples, u32 *count,
                                                u64 since_us);
API nvml_return nvmlDeviceGetProcessUtilization(nvml_device device,
                                                struct nvml_process_sample *samples, u32 *count,
                                                u64 since_us)
{
    struct gpu *gpu;
    struct timespec64 now = wall_clock();
    nvml_return status = enter_device(device, &gpu);
    u32 capacity = samples && count ? *count : 0;

    (void)since_us;
    if (status != NVML_SUCCESS)
        return leave(status);
    *count = (u32)gpu->process_count;
    if (!gpu->process_count && samples)
        return leave(NVML_ERROR_NOT_FOUND);
    if (capacity < *count || !samples)
        return leave(NVML_ERROR_INSUFFICIENT_SIZE);
    for (u32 i = 0; i < *count; i++) {
        memset(&samples[i], 0, sizeof samples[i]);
        samples[i].pid = gpu->processes[i].pid;
        samples[i].timestamp_us = (u64)now.seconds * 1000000 + (u64)now.nanoseconds / 1000;
        samples[i].memory_utilization = gpu->memory_utilization;
    }
    return leave(NVML_SUCCESS);
}
