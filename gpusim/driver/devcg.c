/*
 * Device rules of a cgroup v2 directory, where there is no devices.allow to write to.
 *
 *   devcg allow  CGROUP MAJOR:MINOR...   put these in front of the rules that are there
 *   devcg deny   CGROUP MAJOR[:MINOR]... add a second opinion: all programs must agree
 *   devcg undeny CGROUP                  take that one away again
 *   devcg show   CGROUP
 */
#include "bpf.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DENY_NAME "gpusim_deny"
#define ALLOW_NAME "gpusim_allow"

enum { DENY = 0, ALLOW = 1, ANY_MINOR = -1, USAGE = 2 };

enum { RESULT = BPF_REG_0, CONTEXT = BPF_REG_1, VALUE = BPF_REG_2 };

static struct program program;

static struct bpf_insn *append(struct bpf_insn instruction)
{
    if (program.length == MAX_INSTRUCTIONS) {
        fputs("devcg: too many rules\n", stderr);
        exit(1);
    }
    program.instructions[program.length] = instruction;
    return &program.instructions[program.length++];
}

static void append_load(size_t offset)
{
    append((struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = VALUE, .src_reg = CONTEXT,
                             .off = (short)offset});
}

/* Jumps to the end of the rule (filled in by append_rule) unless the value is this one. */
static void append_unless(int value)
{
    append((struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = VALUE, .imm = value});
}

static void append_verdict(int verdict)
{
    append((struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = RESULT, .imm = verdict});
    append((struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

/* "195:0" or "195" of character devices gets this verdict, everything else falls through. */
static void append_rule(const char *device, int verdict)
{
    const char *colon = strchr(device, ':');
    int minor = colon ? atoi(colon + 1) : ANY_MINOR;
    int start = program.length;

    append_load(offsetof(struct bpf_cgroup_dev_ctx, access_type));
    append((struct bpf_insn){.code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = VALUE, .imm = 0xffff});
    append_unless(BPF_DEVCG_DEV_CHAR);
    append_load(offsetof(struct bpf_cgroup_dev_ctx, major));
    append_unless(atoi(device));
    if (minor != ANY_MINOR) {
        append_load(offsetof(struct bpf_cgroup_dev_ctx, minor));
        append_unless(minor);
    }
    append_verdict(verdict);
    for (int i = start; i < program.length; i++)
        if (program.instructions[i].code == (BPF_JMP | BPF_JNE | BPF_K))
            program.instructions[i].off = (short)(program.length - i - 1);
}

static int is_named(int descriptor, const char *name)
{
    return strcmp(program_info(descriptor, 0, 0).name, name) == 0;
}

static void deny(int cgroup, int count, char **devices)
{
    for (int i = 0; i < count; i++)
        append_rule(devices[i], DENY);
    append_verdict(ALLOW);
    attach_program(cgroup, load_program(&program, DENY_NAME), -1);
}

static void undeny(int cgroup)
{
    __u32 ids[MAX_PROGRAMS];
    int count = attached_programs(cgroup, ids);

    for (int i = 0; i < count; i++) {
        int candidate = program_by_id(ids[i]);

        if (is_named(candidate, DENY_NAME))
            detach_program(cgroup, candidate);
    }
}

/* What libnvidia-container does: the container runtime's own program goes on behind the new rules. */
static void allow(int cgroup, int count, char **devices)
{
    __u32 ids[MAX_PROGRAMS];
    int attached = attached_programs(cgroup, ids);
    int old = -1;
    __u32 bytes;

    for (int i = 0; i < attached; i++) {
        int candidate = program_by_id(ids[i]);

        if (!is_named(candidate, DENY_NAME))
            old = candidate;
    }
    if (old < 0)
        return; /* no program: everything is allowed already */
    for (int i = 0; i < count; i++)
        append_rule(devices[i], ALLOW);
    bytes = program_info(old, 0, 0).xlated_prog_len;
    if (program.length + (int)(bytes / sizeof(struct bpf_insn)) > MAX_INSTRUCTIONS) {
        fputs("devcg: the rules that are there are too long\n", stderr);
        exit(1);
    }
    program_info(old, program.instructions + program.length, bytes);
    program.length += (int)(bytes / sizeof(struct bpf_insn));
    attach_program(cgroup, load_program(&program, ALLOW_NAME), old);
}

static void show(int cgroup)
{
    __u32 ids[MAX_PROGRAMS];
    int count = attached_programs(cgroup, ids);

    for (int i = 0; i < count; i++) {
        struct bpf_prog_info info = program_info(program_by_id(ids[i]), 0, 0);

        printf("%u %s\n", ids[i], info.name);
    }
}

int main(int count, char **arguments)
{
    const char *command = count > 1 ? arguments[1] : "";
    int cgroup;

    if (count < 3) {
        fputs("usage: devcg allow|deny|undeny|show CGROUP [MAJOR[:MINOR]...]\n", stderr);
        return USAGE;
    }
    cgroup = open(arguments[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup < 0)
        fail(arguments[2]);
    if (strcmp(command, "allow") == 0)
        allow(cgroup, count - 3, arguments + 3);
    else if (strcmp(command, "deny") == 0)
        deny(cgroup, count - 3, arguments + 3);
    else if (strcmp(command, "undeny") == 0)
        undeny(cgroup);
    else if (strcmp(command, "show") == 0)
        show(cgroup);
    else
        return USAGE;
    return 0;
}
