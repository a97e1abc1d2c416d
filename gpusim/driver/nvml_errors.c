#include "nvml.h"

/* The texts of the real library; nvml.h documents the numbers. */
API const char *nvmlErrorString(nvml_return result)
{
    static const char *const texts[] = {
        "Success",
        "Uninitialized",
        "Invalid Argument",
        "Not Supported",
        "Insufficient Permissions",
        "Already Initialized",
        "Not Found",
        "Insufficient Size",
        "Insufficient External Power",
        "Driver Not Loaded",
        "Timeout",
        "Interrupt Request Issue",
        "NVML Shared Library Not Found",
        "Function Not Found",
        "Corrupted infoROM",
        "GPU is lost",
        "GPU requires reset",
        "GPU access blocked by the operating system",
        "Driver/library version mismatch",
        "In use by another client",
        "Insufficient Memory",
        "No data",
    };

    if ((u32)result < sizeof texts / sizeof texts[0])
        return texts[result];
    return result == NVML_ERROR_ARGUMENT_VERSION_MISMATCH ? "Argument version mismatch"
                                                          : "Unknown Error";
}
