/* cuInit: which GPUs a process may compute on. */
#include "cuda.h"
#include "nodes.h"
#include "syscalls.h"

struct cuda_session cuda_session;

extern char *getenv(const char *name) __attribute__((weak));

cuda_result find_gpu(cuda_device device, const struct gpu **gpu)
{
    if (!cuda_session.ready)
        return CUDA_ERROR_NOT_INITIALIZED;
    if (device < 0 || device >= cuda_session.visible_count)
        return CUDA_ERROR_INVALID_DEVICE;
    *gpu = &hardware.gpus[cuda_session.visible[device]];
    return CUDA_SUCCESS;
}

/* A GPU that is lost is none for CUDA; what NVML's other faults mean for it is not known to us. */
static int usable(const struct gpu *gpu)
{
    return gpu->present && !gpu->hidden && !gpu->fault && open_node("nvidia", (int)gpu->minor) == 0;
}

/* Place in `all` of what an entry of CUDA_VISIBLE_DEVICES names, or -1. */
static int named(const char *entry, const int *all, int count)
{
    if (is_digit(*entry)) {
        u64 ordinal = parse_decimal(entry);

        return ordinal < (u64)count ? (int)ordinal : -1;
    }
    if (text_starts_with(entry, "GPU-"))
        for (int i = 0; i < count; i++)
            if (text_starts_with(hardware.gpus[all[i]].uuid, entry)) /* the begin of one will do */
                return i;
    return -1;
}

/* CUDA_VISIBLE_DEVICES: numbers or UUIDs; the first that is not there ends the list. */
static void mask(const char *list)
{
    int all[MAX_GPUS], count = cuda_session.visible_count;

    memcpy(all, cuda_session.visible, sizeof all);
    cuda_session.visible_count = 0;
    while (*list && cuda_session.visible_count < count) {
        char entry[NAME_SIZE];
        size_type length = 0;
        int place;

        while (*list && *list != ',' && length + 1 < sizeof entry)
            entry[length++] = *list++;
        entry[length] = 0;
        list += *list == ',';
        place = named(entry, all, count);
        if (place < 0)
            return;
        cuda_session.visible[cuda_session.visible_count++] = all[place];
    }
}

static cuda_result start(void)
{
    const char *list = getenv ? getenv("CUDA_VISIBLE_DEVICES") : 0;

    if (read_hardware() < 0)
        return CUDA_ERROR_NO_DEVICE;
    sleep_milliseconds(hardware.init_delay_ms);
    if (hardware.init_fault || open_node("nvidiactl", -1) != 0)
        return CUDA_ERROR_NO_DEVICE;
    if (!text_equal(hardware.library_version, hardware.driver_version))
        return CUDA_ERROR_SYSTEM_DRIVER_MISMATCH;
    if (hardware.cuda_fault)
        return (cuda_result)hardware.cuda_fault;
    cuda_session.visible_count = 0;
    for (int i = 0; i < MAX_GPUS; i++)
        if (usable(&hardware.gpus[i]))
            cuda_session.visible[cuda_session.visible_count++] = i;
    if (list)
        mask(list);
    return cuda_session.visible_count ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

API cuda_result cuInit(u32 flags);
API cuda_result cuInit(u32 flags)
{
    static int locked;
    cuda_result status = CUDA_SUCCESS;

    if (flags)
        return CUDA_ERROR_INVALID_VALUE;
    while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE))
        sleep_milliseconds(1);
    if (!cuda_session.ready)
        status = start();
    cuda_session.ready |= status == CUDA_SUCCESS;
    __atomic_store_n(&locked, 0, __ATOMIC_RELEASE);
    return status;
}
