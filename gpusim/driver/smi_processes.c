#include "smi.h"
#include "syscalls.h"

API nvml_return nvmlDeviceGetComputeRunningProcesses_v3(nvml_device device, u32 *count, void *list);
API nvml_return nvmlSystemGetProcessName(u32 pid, char *name, u32 size);

static int is_alive(u32 pid)
{
    char path[32];
    int file;

    text_copy(path, "/proc/", sizeof path);
    text_append(path, decimal(pid), sizeof path);
    file = open_file(path, OPEN_READ_ONLY);
    if (file < 0)
        return 0;
    close_file(file);
    return 1;
}

u32 live_processes(nvml_device device, struct nvml_process_v2 *list, u32 capacity)
{
    u32 count = capacity, alive = 0;

    if (nvmlDeviceGetComputeRunningProcesses_v3(device, &count, list) != NVML_SUCCESS)
        return 0;
    for (u32 i = 0; i < count; i++)
        if (is_alive(list[i].pid))
            list[alive++] = list[i];
    return alive;
}

void process_name(u32 pid, char *name, u32 size)
{
    if (nvmlSystemGetProcessName(pid, name, size) != NVML_SUCCESS)
        text_copy(name, "[Not Found]", size);
}
