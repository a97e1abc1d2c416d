/* What a GPU is: name, UUID, place on the bus, architecture. */
#include "nvml.h"

struct nvml_pci_info {
    char legacy_bus[16];
    u32 domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

#define DEVICE_TEXT(function, member)                                          \
    API nvml_return function(nvml_device device, char *text, u32 size);        \
    API nvml_return function(nvml_device device, char *text, u32 size)         \
    {                                                                          \
        struct gpu *gpu;                                                       \
        nvml_return status = enter_device(device, &gpu);                       \
                                                                               \
        if (status == NVML_SUCCESS)                                            \
            status = fill_text(text, size, gpu->member);                       \
        return leave(status);                                                  \
    }

DEVICE_TEXT(nvmlDeviceGetName, name)
DEVICE_TEXT(nvmlDeviceGetUUID, uuid)
DEVICE_TEXT(nvmlDeviceGetSerial, serial)
DEVICE_TEXT(nvmlDeviceGetVbiosVersion, vbios)

DEVICE_NUMBER(nvmlDeviceGetMinorNumber, u32, gpu->minor)
DEVICE_NUMBER(nvmlDeviceGetBrand, u32, gpu->brand)
DEVICE_NUMBER(nvmlDeviceGetArchitecture, u32, gpu->architecture)
DEVICE_NUMBER(nvmlDeviceGetNumGpuCores, u32, gpu->cores)

API nvml_return nvmlDeviceGetIndex(nvml_device device, u32 *index);
API nvml_return nvmlDeviceGetIndex(nvml_device device, u32 *index)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    for (u32 i = 0; status == NVML_SUCCESS && i < session.visible_count; i++)
        if (device_handle(session.visible[i]) == device)
            *index = i;
    return leave(status);
}

API nvml_return nvmlDeviceGetCudaComputeCapability(nvml_device device, int *major, int *minor);
API nvml_return nvmlDeviceGetCudaComputeCapability(nvml_device device, int *major, int *minor)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS) {
        *major = (int)gpu->cc_major;
        *minor = (int)gpu->cc_minor;
    }
    return leave(status);
}

API nvml_return nvmlDeviceGetPciInfo_v3(nvml_device device, struct nvml_pci_info *pci);
API nvml_return nvmlDeviceGetPciInfo_v3(nvml_device device, struct nvml_pci_info *pci)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS) { /* 00000000:1A:00.0 */
        memset(pci, 0, sizeof *pci);
        text_copy(pci->bus_id, gpu->bus, sizeof pci->bus_id);
        text_copy(pci->legacy_bus, gpu->bus + 4, sizeof pci->legacy_bus);
        pci->domain = (u32)parse_hex(gpu->bus, 8);
        pci->bus = (u32)parse_hex(gpu->bus + 9, 2);
        pci->device = (u32)parse_hex(gpu->bus + 12, 2);
        pci->device_id = gpu->device_id;
        pci->subsystem_id = gpu->subsystem_id;
    }
    return leave(status);
}

API nvml_return nvmlDeviceGetPciInfo_v2(nvml_device device, struct nvml_pci_info *pci);
API nvml_return nvmlDeviceGetPciInfo_v2(nvml_device device, struct nvml_pci_info *pci)
{
    return nvmlDeviceGetPciInfo_v3(device, pci);
}

API nvml_return nvmlDeviceGetPciInfo(nvml_device device, struct nvml_pci_info *pci);
API nvml_return nvmlDeviceGetPciInfo(nvml_device device, struct nvml_pci_info *pci)
{
    return nvmlDeviceGetPciInfo_v3(device, pci);
}
