/* Calls that monitors make and that a Turing workstation card answers with "Not Supported". */
#include "nvml.h"

/* Whatever the other arguments are, they stay untouched. */
#define NOT_SUPPORTED(function)                                          \
    API nvml_return function(nvml_device device);                        \
    API nvml_return function(nvml_device device)                         \
    {                                                                    \
        struct gpu *gpu;                                                 \
        nvml_return status = enter_device(device, &gpu);                 \
                                                                         \
        return leave(status == NVML_SUCCESS ? NVML_ERROR_NOT_SUPPORTED   \
                                            : status);                   \
    }

NOT_SUPPORTED(nvmlDeviceGetMigMode)
NOT_SUPPORTED(nvmlDeviceGetDriverModel)
NOT_SUPPORTED(nvmlDeviceGetDriverModel_v2)
NOT_SUPPORTED(nvmlDeviceGetRemappedRows)
NOT_SUPPORTED(nvmlDeviceGetConfComputeMemSizeInfo)
NOT_SUPPORTED(nvmlDeviceGetRunningProcessDetailList)
NOT_SUPPORTED(nvmlDeviceGetGpuInstanceId)
NOT_SUPPORTED(nvmlDeviceGetComputeInstanceId)
NOT_SUPPORTED(nvmlDeviceGetBoardId)

DEVICE_NUMBER(nvmlDeviceIsMigDeviceHandle, u32, 0)
DEVICE_NUMBER(nvmlDeviceGetMaxMigDeviceCount, u32, 0)

struct nvml_field_value {
    u32 id, scope;
    long long timestamp, latency_us;
    u32 type;
    nvml_return result;
    u64 value;
};

API nvml_return nvmlDeviceGetFieldValues(nvml_device device, int count, struct nvml_field_value *values);
API nvml_return nvmlDeviceGetFieldValues(nvml_device device, int count, struct nvml_field_value *values)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    for (int i = 0; status == NVML_SUCCESS && i < count; i++)
        values[i].result = NVML_ERROR_NOT_SUPPORTED;
    return leave(status);
}
