#include "bpf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static __u64 address(const void *pointer)
{
    return (__u64)(unsigned long)pointer;
}

static int bpf(enum bpf_cmd command, union bpf_attr *arguments, const char *what)
{
    long result = syscall(SYS_bpf, command, arguments, sizeof *arguments);

    if (result < 0)
        fail(what);
    return (int)result;
}

int attached_programs(int cgroup, __u32 *ids)
{
    union bpf_attr arguments = {0};

    arguments.query.target_fd = (__u32)cgroup;
    arguments.query.attach_type = BPF_CGROUP_DEVICE;
    arguments.query.prog_ids = address(ids);
    arguments.query.prog_cnt = MAX_PROGRAMS;
    bpf(BPF_PROG_QUERY, &arguments, "list device programs");
    return (int)arguments.query.prog_cnt;
}

int program_by_id(__u32 id)
{
    union bpf_attr arguments = {0};

    arguments.prog_id = id;
    return bpf(BPF_PROG_GET_FD_BY_ID, &arguments, "open device program");
}

struct bpf_prog_info program_info(int program, struct bpf_insn *instructions, __u32 bytes)
{
    struct bpf_prog_info info;
    union bpf_attr arguments = {0};

    memset(&info, 0, sizeof info);
    info.xlated_prog_insns = address(instructions);
    info.xlated_prog_len = bytes;
    arguments.info.bpf_fd = (__u32)program;
    arguments.info.info_len = sizeof info;
    arguments.info.info = address(&info);
    bpf(BPF_OBJ_GET_INFO_BY_FD, &arguments, "read device program");
    return info;
}

int load_program(const struct program *program, const char *name)
{
    union bpf_attr arguments = {0};

    arguments.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    arguments.insns = address(program->instructions);
    arguments.insn_cnt = (__u32)program->length;
    arguments.license = address("GPL");
    strncpy(arguments.prog_name, name, sizeof arguments.prog_name - 1);
    return bpf(BPF_PROG_LOAD, &arguments, "load device program");
}

void attach_program(int cgroup, int program, int replaced)
{
    union bpf_attr arguments = {0};

    arguments.target_fd = (__u32)cgroup;
    arguments.attach_bpf_fd = (__u32)program;
    arguments.attach_type = BPF_CGROUP_DEVICE;
    arguments.attach_flags = BPF_F_ALLOW_MULTI;
    if (replaced >= 0) {
        arguments.attach_flags |= BPF_F_REPLACE;
        arguments.replace_bpf_fd = (__u32)replaced;
    }
    bpf(BPF_PROG_ATTACH, &arguments, "attach device program");
}

void detach_program(int cgroup, int program)
{
    union bpf_attr arguments = {0};

    arguments.target_fd = (__u32)cgroup;
    arguments.attach_bpf_fd = (__u32)program;
    arguments.attach_type = BPF_CGROUP_DEVICE;
    bpf(BPF_PROG_DETACH, &arguments, "detach device program");
}
