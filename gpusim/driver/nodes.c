#include "nodes.h"

#include "state.h"
#include "syscalls.h"

int open_node(const char *name, int minor)
{
    char path[256];
    int file;

    text_copy(path, environment("GPUSIM_DEV", "/dev"), sizeof path);
    text_append(path, "/", sizeof path);
    text_append(path, name, sizeof path);
    if (minor >= 0)
        text_append(path, decimal((u64)minor), sizeof path);
    file = open_file(path, OPEN_READ_WRITE);
    if (file >= 0) {
        close_file(file);
        return 0;
    }
    /* The kernel asks the device cgroup and the file mode first and only then looks for a driver,
       so "no such device" says that this process was allowed. */
    return file == -ERRNO_NXIO ? 0 : -file;
}
