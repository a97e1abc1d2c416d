/* nvmlInit and what a process sees from then on. */
#include "nodes.h"
#include "nvml.h"
#include "syscalls.h"

struct session session;

static char handles[MAX_GPUS];
static int locked;

void lock_session(void)
{
    while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE))
        sleep_milliseconds(1);
}

void unlock_session(void)
{
    __atomic_store_n(&locked, 0, __ATOMIC_RELEASE);
}

nvml_device device_handle(int gpu_index)
{
    return &handles[gpu_index];
}

int device_gpu_index(nvml_device device)
{
    char *handle = device;

    return handle >= handles && handle < handles + MAX_GPUS ? (int)(handle - handles) : -1;
}

nvml_return enter_system(void)
{
    lock_session();
    if (!session.users)
        return NVML_ERROR_UNINITIALIZED;
    return read_hardware() < 0 ? NVML_ERROR_UNKNOWN : NVML_SUCCESS;
}

nvml_return enter_device(nvml_device device, struct gpu **gpu)
{
    nvml_return status = enter_system();
    int index = device_gpu_index(device);

    if (status != NVML_SUCCESS)
        return status;
    if (index < 0)
        return NVML_ERROR_INVALID_ARGUMENT;
    *gpu = &hardware.gpus[index];
    return (nvml_return)(*gpu)->fault;
}

nvml_return leave(nvml_return result)
{
    unlock_session();
    return result;
}

static nvml_return open_control_node(void)
{
    switch (open_node("nvidiactl", -1)) {
    case 0:
        return NVML_SUCCESS;
    case ERRNO_ACCES: /* file mode or a security module */
        return NVML_ERROR_NO_PERMISSION;
    case ERRNO_NOENT:
    case ERRNO_NODEV:
        return NVML_ERROR_DRIVER_NOT_LOADED;
    default: /* EPERM of the device cgroup: the well-known "Unknown Error" */
        return NVML_ERROR_UNKNOWN;
    }
}

static nvml_return start_session(void)
{
    nvml_return status;

    if (read_hardware() < 0)
        return NVML_ERROR_DRIVER_NOT_LOADED;
    sleep_milliseconds(hardware.init_delay_ms);
    if (hardware.init_fault)
        return (nvml_return)hardware.init_fault;
    status = open_control_node();
    if (status != NVML_SUCCESS)
        return status;
    if (!text_equal(hardware.library_version, hardware.driver_version))
        return NVML_ERROR_LIB_RM_VERSION_MISMATCH;
    session.visible_count = 0;
    for (int i = 0; i < MAX_GPUS; i++) {
        struct gpu *gpu = &hardware.gpus[i];

        if (gpu->present && !gpu->hidden && open_node("nvidia", (int)gpu->minor) == 0)
            session.visible[session.visible_count++] = i;
    }
    return NVML_SUCCESS;
}

API nvml_return nvmlInit_v2(void)
{
    nvml_return status = NVML_SUCCESS;

    lock_session();
    if (!session.users)
        status = start_session();
    if (status == NVML_SUCCESS)
        session.users++;
    return leave(status);
}

API nvml_return nvmlInit(void);
API nvml_return nvmlInit(void)
{
    return nvmlInit_v2();
}

API nvml_return nvmlInitWithFlags(u32 flags);
API nvml_return nvmlInitWithFlags(u32 flags)
{
    (void)flags;
    return nvmlInit_v2();
}

API nvml_return nvmlShutdown(void);
API nvml_return nvmlShutdown(void)
{
    nvml_return status = NVML_ERROR_UNINITIALIZED;

    lock_session();
    if (session.users) {
        session.users--;
        status = NVML_SUCCESS;
    }
    return leave(status);
}
