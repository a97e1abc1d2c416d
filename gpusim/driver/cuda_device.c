/* What CUDA says of the driver and of each GPU. */
#include "cuda.h"

enum {
    ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
    ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
};

API cuda_result cuDriverGetVersion(int *version);
API cuda_result cuDriverGetVersion(int *version) /* needs no cuInit */
{
    if (!version)
        return CUDA_ERROR_INVALID_VALUE;
    if (!cuda_session.ready && read_hardware() < 0)
        return CUDA_ERROR_UNKNOWN;
    *version = (int)hardware.cuda_version;
    return CUDA_SUCCESS;
}

API cuda_result cuDeviceGetCount(int *count);
API cuda_result cuDeviceGetCount(int *count)
{
    if (!cuda_session.ready)
        return CUDA_ERROR_NOT_INITIALIZED;
    if (!count)
        return CUDA_ERROR_INVALID_VALUE;
    *count = cuda_session.visible_count;
    return CUDA_SUCCESS;
}

API cuda_result cuDeviceGet(cuda_device *device, int ordinal);
API cuda_result cuDeviceGet(cuda_device *device, int ordinal)
{
    const struct gpu *gpu;
    cuda_result status = device ? find_gpu(ordinal, &gpu) : CUDA_ERROR_INVALID_VALUE;

    if (status == CUDA_SUCCESS)
        *device = ordinal;
    return status;
}

API cuda_result cuDeviceGetName(char *name, int size, cuda_device device);
API cuda_result cuDeviceGetName(char *name, int size, cuda_device device)
{
    const struct gpu *gpu;
    cuda_result status = name && size > 0 ? find_gpu(device, &gpu) : CUDA_ERROR_INVALID_VALUE;

    if (status == CUDA_SUCCESS)
        text_copy(name, gpu->name, (size_type)size);
    return status;
}

API cuda_result cuDeviceGetUuid_v2(struct cuda_uuid *uuid, cuda_device device);
API cuda_result cuDeviceGetUuid_v2(struct cuda_uuid *uuid, cuda_device device)
{
    const struct gpu *gpu;
    cuda_result status = uuid ? find_gpu(device, &gpu) : CUDA_ERROR_INVALID_VALUE;
    const char *digits;

    if (status != CUDA_SUCCESS)
        return status;
    memset(uuid, 0, sizeof *uuid);
    digits = gpu->uuid + 4; /* GPU-551f0476-02c6-… */
    for (int i = 0; i < 16 && digits[0] && digits[1]; i++, digits += 2) {
        digits += *digits == '-';
        uuid->bytes[i] = (char)parse_hex(digits, 2);
    }
    return CUDA_SUCCESS;
}

API cuda_result cuDeviceGetUuid(struct cuda_uuid *uuid, cuda_device device);
API cuda_result cuDeviceGetUuid(struct cuda_uuid *uuid, cuda_device device)
{
    return cuDeviceGetUuid_v2(uuid, device);
}

API cuda_result cuDeviceGetAttribute(int *value, int attribute, cuda_device device);
API cuda_result cuDeviceGetAttribute(int *value, int attribute, cuda_device device)
{
    const struct gpu *gpu;
    cuda_result status = value ? find_gpu(device, &gpu) : CUDA_ERROR_INVALID_VALUE;

    if (status != CUDA_SUCCESS)
        return status;
    if (attribute == ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        *value = (int)gpu->cc_major;
    else if (attribute == ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
        *value = (int)gpu->cc_minor;
    else
        return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
}
