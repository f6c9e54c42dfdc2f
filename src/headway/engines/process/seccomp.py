"""The system-call filter of every container, as a classic BPF program.

Denied calls fail with EPERM, `clone3` with ENOSYS so that C libraries fall back to `clone`, whose
flags can be looked at; calls of another architecture kill the process, and calls that are younger
than this file do not exist. What is denied reaches the kernel's own state (modules, clocks, mounts,
keys, tracing), makes new namespaces, or has been the way out of sandboxes before.
"""

import platform
import struct

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_BITS = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_EPERM = 0x00050000 | 1
_ENOSYS = 0x00050000 | 38
_EAFNOSUPPORT = 0x00050000 | 97

_OFFSET_NUMBER = 0
_OFFSET_ARCHITECTURE = 4
_OFFSET_ARGUMENT = 16  # low 32 bits of the first argument, little endian; 8 bytes each

_NEW_NAMESPACES = 0x7E020000 | 0x80  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME}
_X32 = 0x40000000
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_MAKING = ("mount", "umount2")
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_AF_NETLINK = 16
_LAST = 469  # file_setattr of Linux 6.17; from 424 on, numbers are the same on every machine

_X86_64 = {
    "acct": 163, "add_key": 248, "bpf": 321, "chroot": 161, "clock_adjtime": 305,
    "clock_settime": 227, "create_module": 174, "delete_module": 176, "fanotify_init": 300,
    "finit_module": 313, "fsconfig": 431, "fsmount": 432, "fsopen": 430, "fspick": 433,
    "get_kernel_syms": 177, "init_module": 175, "io_uring_enter": 426, "io_uring_register": 427,
    "io_uring_setup": 425, "ioperm": 173, "iopl": 172, "kcmp": 312, "kexec_file_load": 320,
    "kexec_load": 246, "keyctl": 250, "lookup_dcookie": 212, "modify_ldt": 154, "mount": 165,
    "mount_setattr": 442, "move_mount": 429, "name_to_handle_at": 303, "nfsservctl": 180,
    "open_by_handle_at": 304, "open_tree": 428, "open_tree_attr": 467, "perf_event_open": 298,
    "personality": 135, "pidfd_getfd": 438, "pivot_root": 155, "process_vm_readv": 310,
    "process_vm_writev": 311, "ptrace": 101, "query_module": 178, "quotactl": 179,
    "quotactl_fd": 443, "reboot": 169, "request_key": 249, "setdomainname": 171, "sethostname": 170,
    "setns": 308, "settimeofday": 164, "swapoff": 168, "swapon": 167, "syslog": 103, "umount2": 166,
    "unshare": 272, "uselib": 134, "userfaultfd": 323, "vhangup": 153, "vmsplice": 278,
    "_sysctl": 156,
}  # fmt: skip
_AARCH64 = {
    "acct": 89, "add_key": 217, "bpf": 280, "chroot": 51, "clock_adjtime": 266,
    "clock_settime": 112, "delete_module": 106, "fanotify_init": 262, "finit_module": 273,
    "fsconfig": 431, "fsmount": 432, "fsopen": 430, "fspick": 433, "init_module": 105,
    "io_uring_enter": 426, "io_uring_register": 427, "io_uring_setup": 425, "kcmp": 272,
    "kexec_file_load": 294, "kexec_load": 104, "keyctl": 219, "lookup_dcookie": 18, "mount": 40,
    "mount_setattr": 442, "move_mount": 429, "name_to_handle_at": 264, "nfsservctl": 42,
    "open_by_handle_at": 265, "open_tree": 428, "open_tree_attr": 467, "perf_event_open": 241,
    "personality": 92, "pidfd_getfd": 438, "pivot_root": 41, "process_vm_readv": 270,
    "process_vm_writev": 271, "ptrace": 117, "quotactl": 60, "quotactl_fd": 443, "reboot": 142,
    "request_key": 218, "setdomainname": 162, "sethostname": 161, "setns": 268, "settimeofday": 170,
    "swapoff": 225, "swapon": 224, "syslog": 116, "umount2": 39, "unshare": 97, "userfaultfd": 282,
    "vhangup": 58, "vmsplice": 75,
}  # fmt: skip

_MACHINES: dict[str, tuple[int, dict[str, int], dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        _X86_64,
        {"clone": 56, "clone3": 435, "ioctl": 16, "socket": 41, "socketpair": 53},
    ),
    "aarch64": (
        0xC00000B7,
        _AARCH64,
        {"clone": 220, "clone3": 435, "ioctl": 29, "socket": 198, "socketpair": 199},
    ),
}


def _instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, value & 0xFFFFFFFF)


def _answer(value: int) -> list[bytes]:
    return [_instruction(_RETURN, value)]


def program(machine: str | None = None, *, makes_sandboxes: bool = False) -> bytes | None:
    """Assemble the filter for a machine; None for one that is not known.

    With `makes_sandboxes`, new namespaces and mounts are allowed: for the process that makes
    runs' sandboxes, each of which then gets the whole filter.

    The number of a call is looked for by halves. To take a filter on, the kernel tries it on every
    number there is, and each run waits for that: in a list it took as long as a fork.

    Source: seccomp(2); struct sock_filter and struct seccomp_data of the Linux UAPI.
    """
    found = _MACHINES.get(machine or platform.machine())
    if found is None:
        return None
    architecture, denied, looked_at = found
    open_ = _MAKING if makes_sandboxes else ()
    answers = {number: _answer(_EPERM) for name, number in denied.items() if name not in open_}
    answers[looked_at["clone3"]] = _answer(_ENOSYS)
    if not makes_sandboxes:
        answers[looked_at["clone"]] = _denied_when(0, [_instruction(_BITS, _NEW_NAMESPACES, no=1)])
    terminals = [_instruction(_EQUAL, _TIOCSTI, yes=1), _instruction(_EQUAL, _TIOCLINUX, no=1)]
    answers[looked_at["ioctl"]] = _denied_when(1, terminals)
    for call in ("socket", "socketpair"):
        answers[looked_at[call]] = _families()
    parts = [
        _instruction(_LOAD, _OFFSET_ARCHITECTURE),
        _instruction(_EQUAL, architecture, yes=1),
        *_answer(_KILL),
        _instruction(_LOAD, _OFFSET_NUMBER),
    ]
    ranges = _ranges(answers)
    if architecture == _MACHINES["x86_64"][0]:
        ranges.append((_X32, _answer(_KILL)))
    return b"".join(parts + _halved(ranges))


def _ranges(answers: dict[int, list[bytes]]) -> list[tuple[int, list[bytes]]]:
    """Give from which number on which answer holds."""
    found: list[tuple[int, list[bytes]]] = []
    for number in range(_LAST + 1):
        answer = answers.get(number, _answer(_ALLOW))
        if not found or found[-1][1] != answer:
            found.append((number, answer))
    return [*found, (_LAST + 1, _answer(_ENOSYS))]


def _halved(ranges: list[tuple[int, list[bytes]]]) -> list[bytes]:
    """Find the answer for the number that is loaded."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _halved(ranges[:middle]), _halved(ranges[middle:])
    return [_instruction(_AT_LEAST, ranges[middle][0], yes=len(below)), *below, *above]


def _denied_when(argument: int, tests: list[bytes]) -> list[bytes]:
    """Deny a call when one of the tests of an argument holds.

    The last test jumps over the denial when it fails; earlier ones jump to it when they hold.
    """
    looked_at = _instruction(_LOAD, _OFFSET_ARGUMENT + 8 * argument)
    return [looked_at, *tests, *_answer(_EPERM), *_answer(_ALLOW)]


def _families() -> list[bytes]:
    """Allow sockets of few families; of netlink only what C libraries ask for: protocol 0."""
    netlink = [
        _instruction(_LOAD, _OFFSET_ARGUMENT + 8 * 2),
        _instruction(_EQUAL, 0, yes=1),
        *_answer(_EPERM),
        *_answer(_ALLOW),
    ]
    others = [_instruction(_EQUAL, _AF_NETLINK, yes=1), *_answer(_EAFNOSUPPORT)]
    count = len(_FAMILIES)
    to_the_end = len(others) + len(netlink) - 1
    tests = [
        _instruction(_EQUAL, family, yes=count - index - 1 + to_the_end)
        for index, family in enumerate(_FAMILIES)
    ]
    return [_instruction(_LOAD, _OFFSET_ARGUMENT), *tests, *others, *netlink]
