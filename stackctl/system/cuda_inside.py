"""A program of its own: opens the GPUs' device nodes and asks CUDA, as a container does.

It runs under the host's Python, started before it enters the container, or by an exec under the
Python of an image. So it imports next to nothing, and is content with Python 3.7. It prints one
fact a line as soon as it has it, so that the nodes are told even if the driver then hangs:

    mask VALUE                        CUDA_VISIBLE_DEVICES, if it is set
    node PATH MAJOR MINOR ERRNO       0 when it can be opened
    failed CALL CODE TEXT             or: device UUID, for each; and `end`

Arguments, if it is to enter: the container's cgroup.procs and its first process.
"""

from __future__ import annotations

import ctypes
import os
import sys

LIBRARY = "libcuda.so.1"
#: what the driver's library needs beside libc has to come from the same C library: the host's
C_LIBRARIES = ("libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1")
#: of the container's first process
VARIABLES = (b"CUDA_VISIBLE_DEVICES", b"LD_LIBRARY_PATH")
CLONE_NEWNS, CLONE_NEWPID = 0x00020000, 0x20000000
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, SIGKILL = 1, 8, 9
CAPABILITY_VERSION_3 = 0x20080522
CANNOT_ENTER = 125


def enter(procs: str, pid: str) -> None:
    """Become a process of the container: its device rules, files, process numbers, and rights.

    The host's root could open what the container cannot; and the image's libraries are not ours.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for library in C_LIBRARIES:
        try:
            ctypes.CDLL(library)
        except OSError:
            continue  # in a newer glibc they are parts of libc
    with open(f"/proc/{pid}/environ", "rb") as file:
        variables = dict(each.partition(b"=")[::2] for each in file.read().split(b"\0"))
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.rstrip("\n").partition(":\t")[::2] for line in file)
    spaces = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in ("pid", "mnt")]
    with open(procs, "w") as file:
        file.write(str(os.getpid()))
    for space, kind in zip(spaces, (CLONE_NEWPID, CLONE_NEWNS)):  # noqa: B905 - Python 3.7
        _must(libc.setns(space, kind))
        os.close(space)
    for name in VARIABLES:
        os.unsetenv(name)
        os.environb.pop(name, None)
        if name in variables:
            os.environb[name] = variables[name]
    _in_a_child()
    _take_rights(libc, status)
    # after the rights, which clear it; else a killed parent would leave a child that hangs
    _must(libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))


def _in_a_child() -> None:
    """Go on in a child, as only that is in the new PID namespace; end as it ends."""
    child = os.fork()
    if child:
        _, code = os.waitpid(child, 0)
        os._exit(128 + (code & 0x7F) if code & 0x7F else code >> 8)


def _take_rights(libc: ctypes.CDLL, status: dict[str, str]) -> None:
    user, group = (int(status[key].split()[1]) for key in ("Uid", "Gid"))
    os.setgroups([int(each) for each in status["Groups"].split()])
    _must(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    effective, permitted = (int(status[key], 16) for key in ("CapEff", "CapPrm"))
    halves = [(each >> low) & 0xFFFFFFFF for low in (0, 32) for each in (effective, permitted, 0)]
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _must(libc.capset(header, (ctypes.c_uint32 * 6)(*halves)))


def _must(code: int) -> None:
    if code != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def nodes(folder: str) -> None:
    """Open every device node of a GPU for reading and writing, and close it at once."""
    for name in sorted(os.listdir(folder)):
        path, error = os.path.join(folder, name), 0
        if not name.startswith("nvidia") or os.path.isdir(path):
            continue
        try:
            numbers = os.stat(path).st_rdev
            os.close(os.open(path, os.O_RDWR))
        except OSError as why:
            error = why.errno or -1
        say("node", path, os.major(numbers), os.minor(numbers), error)


def library() -> ctypes.CDLL:
    """The libcuda that a program of the container gets."""
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        path = os.path.join(folder, LIBRARY)
        if folder and os.path.exists(path):
            return ctypes.CDLL(path)
    return ctypes.CDLL(LIBRARY)


def cuda() -> None:
    """The UUID of each device, or where it failed, with CUDA's name and text for that."""
    try:
        lib = library()
    except OSError as error:
        return say("failed", "dlopen", -1, error)
    count = ctypes.c_int()
    for call, argument in (("cuInit", 0), ("cuDeviceGetCount", ctypes.byref(count))):
        code = lib[call](argument)
        if code:
            return say("failed", call, code, _text(lib, code))
    # the first version gives an instance of a divided GPU the UUID of the whole
    name = "cuDeviceGetUuid_v2" if hasattr(lib, "cuDeviceGetUuid_v2") else "cuDeviceGetUuid"
    for ordinal in range(count.value):
        device, raw = ctypes.c_int(), ctypes.create_string_buffer(16)
        code = lib.cuDeviceGet(ctypes.byref(device), ordinal) or lib[name](raw, device)
        if code:
            return say("failed", name, code, _text(lib, code))
        digits = raw.raw.hex()
        say(
            "device",
            "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])),
        )
    return say("end")


def _text(lib: ctypes.CDLL, code: int) -> str:
    words = []
    for call in ("cuGetErrorName", "cuGetErrorString"):
        word = ctypes.c_char_p()
        if lib[call](code, ctypes.byref(word)) == 0 and word.value:
            words.append(word.value.decode("ascii", "replace"))
    return ": ".join(words)


def say(*words: object) -> None:
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode("utf-8", "replace"))


def main() -> None:
    if len(sys.argv) > 1:
        try:
            enter(*sys.argv[1:])
        except (OSError, KeyError) as error:
            say("cannot enter:", error)
            os._exit(CANNOT_ENTER)
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        say("mask", os.environ["CUDA_VISIBLE_DEVICES"])
    nodes("/dev")
    cuda()
    # all is said: none of the driver's exit handlers
    os._exit(0)


if __name__ == "__main__":
    main()
