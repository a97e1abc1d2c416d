/* Xid events: a rise of gpuN.xid_sequence delivers gpuN.xid once to every registered set. */
#include "nvml.h"
#include "syscalls.h"

enum {
    EVENT_XID_CRITICAL = 8,
    EVENT_ECC = 1 | 2,
    POLL_MS = 20,
    MAX_SETS = 16,
    NO_INSTANCE = 0xffffffff,
};

struct event_set {
    int in_use;
    u32 registered; /* bit per GPU */
    u64 seen[MAX_GPUS];
};

struct nvml_event_v1 {
    nvml_device device;
    u64 type, data;
};

struct nvml_event_v2 {
    struct nvml_event_v1 event;
    u32 gpu_instance, compute_instance;
};

static struct event_set sets[MAX_SETS];

DEVICE_NUMBER(nvmlDeviceGetSupportedEventTypes, u64, EVENT_XID_CRITICAL | EVENT_ECC)

API nvml_return nvmlEventSetCreate(void **set);
API nvml_return nvmlEventSetCreate(void **set)
{
    nvml_return status = enter_system();

    if (status != NVML_SUCCESS)
        return leave(status);
    for (int i = 0; i < MAX_SETS; i++)
        if (!sets[i].in_use) {
            memset(&sets[i], 0, sizeof sets[i]);
            sets[i].in_use = 1;
            *set = &sets[i];
            return leave(NVML_SUCCESS);
        }
    return leave(NVML_ERROR_UNKNOWN);
}

API nvml_return nvmlEventSetFree(struct event_set *set);
API nvml_return nvmlEventSetFree(struct event_set *set)
{
    lock_session();
    set->in_use = 0;
    return leave(NVML_SUCCESS);
}

API nvml_return nvmlDeviceRegisterEvents(nvml_device device, u64 types, struct event_set *set);
API nvml_return nvmlDeviceRegisterEvents(nvml_device device, u64 types, struct event_set *set)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);
    int index = device_gpu_index(device);

    if (status == NVML_SUCCESS && types & EVENT_XID_CRITICAL) {
        set->registered |= 1u << index;
        set->seen[index] = gpu->xid_sequence;
    }
    return leave(status);
}

static int take_event(struct event_set *set, struct nvml_event_v1 *event)
{
    for (int i = 0; i < MAX_GPUS; i++) {
        const struct gpu *gpu = &hardware.gpus[i];

        if (!(set->registered & 1u << i) || gpu->xid_sequence <= set->seen[i])
            continue;
        set->seen[i] = gpu->xid_sequence;
        *event = (struct nvml_event_v1){device_handle(i), EVENT_XID_CRITICAL, gpu->xid};
        return 1;
    }
    return 0;
}

API nvml_return nvmlEventSetWait(struct event_set *set, struct nvml_event_v1 *event, u32 timeout_ms);
API nvml_return nvmlEventSetWait(struct event_set *set, struct nvml_event_v1 *event, u32 timeout_ms)
{
    for (u32 waited = 0;; waited += POLL_MS) {
        nvml_return status = enter_system();
        int delivered = status == NVML_SUCCESS && take_event(set, event);

        leave(status);
        if (delivered || status != NVML_SUCCESS)
            return status;
        if (waited >= timeout_ms)
            return NVML_ERROR_TIMEOUT;
        sleep_milliseconds(POLL_MS);
    }
}

API nvml_return nvmlEventSetWait_v2(struct event_set *set, struct nvml_event_v2 *event, u32 timeout_ms);
API nvml_return nvmlEventSetWait_v2(struct event_set *set, struct nvml_event_v2 *event, u32 timeout_ms)
{
    event->gpu_instance = event->compute_instance = NO_INSTANCE;
    return nvmlEventSetWait(set, &event->event, timeout_ms);
}
