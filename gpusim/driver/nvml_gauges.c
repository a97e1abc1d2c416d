/* What a GPU is doing: load, temperature, power, clocks. */
#include "nvml.h"

enum { CLOCK_MEMORY = 2, THRESHOLD_SHUTDOWN = 0, THRESHOLD_SLOWDOWN = 1 };

/* nvmlClocksThrottleReasonGpuIdle */
enum { THROTTLE_IDLE = 1 };

struct nvml_utilization {
    u32 gpu, memory;
};

struct nvml_temperature_v1 {
    u32 version, sensor;
    int celsius;
};

DEVICE_NUMBER(nvmlDeviceGetFanSpeed, u32, gpu->fan)
DEVICE_NUMBER(nvmlDeviceGetNumFans, u32, 1)
DEVICE_NUMBER(nvmlDeviceGetPowerUsage, u32, gpu->power)
DEVICE_NUMBER(nvmlDeviceGetPowerManagementLimit, u32, gpu->power_limit)
DEVICE_NUMBER(nvmlDeviceGetEnforcedPowerLimit, u32, gpu->power_limit)
DEVICE_NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, u32, gpu->power_limit)
DEVICE_NUMBER(nvmlDeviceGetPerformanceState, u32, gpu->power_state)
DEVICE_NUMBER(nvmlDeviceGetPowerState, u32, gpu->power_state)
DEVICE_NUMBER(nvmlDeviceGetPersistenceMode, u32, gpu->persistence)
DEVICE_NUMBER(nvmlDeviceGetComputeMode, u32, 0)
DEVICE_NUMBER(nvmlDeviceGetDisplayMode, u32, 0)
DEVICE_NUMBER(nvmlDeviceGetDisplayActive, u32, 0)
DEVICE_NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, u32, gpu->pcie_generation)
DEVICE_NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, u32, gpu->pcie_generation)
DEVICE_NUMBER(nvmlDeviceGetCurrPcieLinkWidth, u32, gpu->pcie_width)
DEVICE_NUMBER(nvmlDeviceGetMaxPcieLinkWidth, u32, gpu->pcie_width)
DEVICE_NUMBER(nvmlDeviceGetTotalEnergyConsumption, u64, 0)
DEVICE_NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, u64, THROTTLE_IDLE)
DEVICE_NUMBER(nvmlDeviceGetCurrentClocksEventReasons, u64, THROTTLE_IDLE)

/* A call that takes a selector besides the device. */
#define DEVICE_CHOICE(function, expression)                                          \
    API nvml_return function(nvml_device device, u32 choice, u32 *result);           \
    API nvml_return function(nvml_device device, u32 choice, u32 *result)            \
    {                                                                                \
        struct gpu *gpu;                                                             \
        nvml_return status = enter_device(device, &gpu);                             \
                                                                                     \
        (void)choice;                                                                \
        if (status == NVML_SUCCESS)                                                  \
            *result = (expression);                                                  \
        return leave(status);                                                        \
    }

/* Thresholds in degrees Celsius as a Quadro RTX 8000 has them. */
static u32 threshold(u32 choice)
{
    return choice == THRESHOLD_SHUTDOWN ? 94 : choice == THRESHOLD_SLOWDOWN ? 91 : 89;
}

DEVICE_CHOICE(nvmlDeviceGetTemperature, gpu->temperature)
DEVICE_CHOICE(nvmlDeviceGetTemperatureThreshold, threshold(choice))
DEVICE_CHOICE(nvmlDeviceGetFanSpeed_v2, gpu->fan)
DEVICE_CHOICE(nvmlDeviceGetClockInfo, choice == CLOCK_MEMORY ? gpu->memory_clock : gpu->sm_clock)
DEVICE_CHOICE(nvmlDeviceGetMaxClockInfo,
              choice == CLOCK_MEMORY ? gpu->memory_clock_max : gpu->sm_clock_max)
DEVICE_CHOICE(nvmlDeviceGetPcieThroughput, 0)

API nvml_return nvmlDeviceGetTemperatureV(nvml_device device, struct nvml_temperature_v1 *reading);
API nvml_return nvmlDeviceGetTemperatureV(nvml_device device, struct nvml_temperature_v1 *reading)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS)
        reading->celsius = (int)gpu->temperature;
    return leave(status);
}

API nvml_return nvmlDeviceGetUtilizationRates(nvml_device device, struct nvml_utilization *rates);
API nvml_return nvmlDeviceGetUtilizationRates(nvml_device device, struct nvml_utilization *rates)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS) {
        rates->gpu = gpu->utilization;
        rates->memory = gpu->memory_utilization;
    }
    return leave(status);
}

static nvml_return codec_utilization(nvml_device device, u32 *percent, u32 *period_us)
{
    struct gpu *gpu;
    nvml_return status = enter_device(device, &gpu);

    if (status == NVML_SUCCESS) {
        *percent = 0;
        *period_us = 167000;
    }
    return leave(status);
}

API nvml_return nvmlDeviceGetEncoderUtilization(nvml_device device, u32 *percent, u32 *period_us);
API nvml_return nvmlDeviceGetEncoderUtilization(nvml_device device, u32 *percent, u32 *period_us)
{
    return codec_utilization(device, percent, period_us);
}

API nvml_return nvmlDeviceGetDecoderUtilization(nvml_device device, u32 *percent, u32 *period_us);
API nvml_return nvmlDeviceGetDecoderUtilization(nvml_device device, u32 *percent, u32 *period_us)
{
    return codec_utilization(device, percent, period_us);
}
