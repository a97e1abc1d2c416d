/* Versions, and the ways to a device handle. */
#include "nvml.h"

nvml_return fill_text(char *target, u32 size, const char *text)
{
    if (!target)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (text_length(text) + 1 > size)
        return NVML_ERROR_INSUFFICIENT_SIZE;
    text_copy(target, text, size);
    return NVML_SUCCESS;
}

API nvml_return nvmlSystemGetDriverVersion(char *version, u32 size);
API nvml_return nvmlSystemGetDriverVersion(char *version, u32 size)
{
    nvml_return status = enter_system();

    if (status == NVML_SUCCESS)
        status = fill_text(version, size, hardware.driver_version);
    return leave(status);
}

API nvml_return nvmlSystemGetNVMLVersion(char *version, u32 size);
API nvml_return nvmlSystemGetNVMLVersion(char *version, u32 size)
{
    nvml_return status = enter_system();
    char text[NAME_SIZE];

    if (status == NVML_SUCCESS) {
        text_copy(text, decimal(hardware.cuda_version / 1000), sizeof text);
        text_append(text, ".", sizeof text);
        text_append(text, hardware.library_version, sizeof text);
        status = fill_text(version, size, text);
    }
    return leave(status);
}

API nvml_return nvmlSystemGetCudaDriverVersion_v2(int *version);
API nvml_return nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    nvml_return status = enter_system();

    if (status == NVML_SUCCESS)
        *version = (int)hardware.cuda_version;
    return leave(status);
}

API nvml_return nvmlSystemGetCudaDriverVersion(int *version);
API nvml_return nvmlSystemGetCudaDriverVersion(int *version)
{
    return nvmlSystemGetCudaDriverVersion_v2(version);
}

API nvml_return nvmlDeviceGetCount_v2(u32 *count);
API nvml_return nvmlDeviceGetCount_v2(u32 *count)
{
    nvml_return status = enter_system();

    if (status == NVML_SUCCESS)
        *count = session.visible_count;
    return leave(status);
}

API nvml_return nvmlDeviceGetCount(u32 *count);
API nvml_return nvmlDeviceGetCount(u32 *count)
{
    return nvmlDeviceGetCount_v2(count);
}

API nvml_return nvmlDeviceGetHandleByIndex_v2(u32 index, nvml_device *device)
{
    nvml_return status = enter_system();

    if (status == NVML_SUCCESS && (!device || index >= session.visible_count))
        status = NVML_ERROR_INVALID_ARGUMENT;
    if (status == NVML_SUCCESS) {
        status = (nvml_return)hardware.gpus[session.visible[index]].fault;
        *device = device_handle(session.visible[index]);
    }
    return leave(status);
}

API nvml_return nvmlDeviceGetHandleByIndex(u32 index, nvml_device *device);
API nvml_return nvmlDeviceGetHandleByIndex(u32 index, nvml_device *device)
{
    return nvmlDeviceGetHandleByIndex_v2(index, device);
}

/* Callers write the PCI domain with four or eight digits and in either case. */
static int same_bus(const char *a, const char *b)
{
    while (*a == '0')
        a++;
    while (*b == '0')
        b++;
    while (*a && lower_case(*a) == lower_case(*b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

static int same_uuid(const struct gpu *gpu, const char *uuid)
{
    return text_equal(gpu->uuid, uuid);
}

static int same_serial(const struct gpu *gpu, const char *serial)
{
    return text_equal(gpu->serial, serial);
}

static int same_pci(const struct gpu *gpu, const char *bus)
{
    return same_bus(gpu->bus, bus);
}

static nvml_return find_device(const char *wanted, nvml_device *device,
                               int (*matches)(const struct gpu *, const char *))
{
    nvml_return status = enter_system();

    if (status != NVML_SUCCESS)
        return leave(status);
    if (!wanted || !device)
        return leave(NVML_ERROR_INVALID_ARGUMENT);
    for (u32 i = 0; i < session.visible_count; i++) {
        struct gpu *gpu = &hardware.gpus[session.visible[i]];

        if (matches(gpu, wanted)) {
            *device = device_handle(session.visible[i]);
            return leave((nvml_return)gpu->fault);
        }
    }
    return leave(NVML_ERROR_NOT_FOUND);
}

API nvml_return nvmlDeviceGetHandleByUUID(const char *uuid, nvml_device *device);
API nvml_return nvmlDeviceGetHandleByUUID(const char *uuid, nvml_device *device)
{
    return find_device(uuid, device, same_uuid);
}

API nvml_return nvmlDeviceGetHandleBySerial(const char *serial, nvml_device *device);
API nvml_return nvmlDeviceGetHandleBySerial(const char *serial, nvml_device *device)
{
    return find_device(serial, device, same_serial);
}

API nvml_return nvmlDeviceGetHandleByPciBusId_v2(const char *bus, nvml_device *device);
API nvml_return nvmlDeviceGetHandleByPciBusId_v2(const char *bus, nvml_device *device)
{
    return find_device(bus, device, same_pci);
}

API nvml_return nvmlDeviceGetHandleByPciBusId(const char *bus, nvml_device *device);
API nvml_return nvmlDeviceGetHandleByPciBusId(const char *bus, nvml_device *device)
{
    return find_device(bus, device, same_pci);
}
