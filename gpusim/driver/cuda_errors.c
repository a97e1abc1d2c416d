#include "cuda.h"

/* Names and texts of the real library. */
static const struct {
    cuda_result number;
    const char *name, *text;
} ERRORS[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
     "system has unsupported display driver / cuda driver combination"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static int place_of(cuda_result number)
{
    for (u32 i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++)
        if (ERRORS[i].number == number)
            return (int)i;
    return -1;
}

API cuda_result cuGetErrorName(cuda_result error, const char **name);
API cuda_result cuGetErrorName(cuda_result error, const char **name)
{
    int place = place_of(error);

    *name = place < 0 ? 0 : ERRORS[place].name;
    return place < 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

API cuda_result cuGetErrorString(cuda_result error, const char **text);
API cuda_result cuGetErrorString(cuda_result error, const char **text)
{
    int place = place_of(error);

    *text = place < 0 ? 0 : ERRORS[place].text;
    return place < 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
