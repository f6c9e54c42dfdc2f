"""The system-call filter, decided by a small machine for its programs."""

import struct

import pytest

from headway.engines.process import seccomp

ALLOW, KILL, EPERM, ENOSYS, EAFNOSUPPORT = 0x7FFF0000, 0x80000000, 0x50001, 0x50026, 0x50061
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {
    "x86_64": {"read": 0, "clone": 56, "clone3": 435, "ioctl": 16, "socket": 41, "mount": 165},
    "aarch64": {"read": 63, "clone": 220, "clone3": 435, "ioctl": 29, "socket": 198, "mount": 40},
}


def decided(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """Run a classic BPF program over struct seccomp_data."""
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    lines = list(struct.iter_unpack("<HBBI", program))
    at = value = 0
    while True:
        code, yes, no, constant = lines[at]
        at += 1
        if code == 0x20:
            value = struct.unpack_from("<I", data, constant)[0]
        elif code == 0x06:
            return constant
        else:
            holds = {
                0x15: value == constant,
                0x35: value >= constant,
                0x45: bool(value & constant),
            }[code]
            at += yes if holds else no


@pytest.fixture(params=list(ARCHITECTURES))
def ask(request):
    machine = request.param

    def asked(name: str | int, *arguments: int, making: bool = False) -> int:
        program = seccomp.program(machine, makes_sandboxes=making)
        number = CALLS[machine][name] if isinstance(name, str) else name
        return decided(program, ARCHITECTURES[machine], number, *arguments)

    return asked


def test_what_is_harmless_is_allowed(ask):
    assert ask("read", 1) == ALLOW
    assert ask("clone", 0x1200011) == ALLOW
    assert ask("ioctl", 0, 0x5401) == ALLOW
    assert [ask("socket", family, 1, 0) for family in (1, 2, 10, 16)] == [ALLOW] * 4


def test_only_the_low_half_of_an_argument_counts(ask):
    for high in (0, 1 << 32, 1 << 63):
        assert ask("ioctl", 0, high | 0x5412) == EPERM
        assert ask("ioctl", 0, high | 0x541C) == EPERM
        assert ask("socket", high | 40, 1, 0) == EAFNOSUPPORT
        assert ask("socket", high | 2, 1, 0) == ALLOW
        for flag in (0x10000000, 0x00020000, 0x40000000, 0x80):
            assert ask("clone", high | flag | 17) == EPERM


def test_every_family_but_four_is_refused_and_netlink_tells_of_routes_only(ask):
    refused = [family for family in range(64) if ask("socket", family, 2, 0) != ALLOW]
    assert set(range(64)) - set(refused) == {1, 2, 10, 16}
    assert [ask("socket", 16, 3, protocol) for protocol in (0, 4, 12)] == [ALLOW, EPERM, EPERM]
    assert ask("socket", 2, 3, 12) == ALLOW


def test_clone3_and_what_is_younger_than_the_filter_do_not_exist(ask):
    assert [ask("clone3"), ask(470), ask(1023), ask(0x3FFFFFFF)] == [ENOSYS] * 4
    assert ask(469) == ALLOW


def test_who_makes_sandboxes_may_mount_and_make_namespaces_and_nothing_else(ask):
    assert (ask("mount"), ask("mount", making=True)) == (EPERM, ALLOW)
    assert ask("clone", 0x7E020000, making=True) == ALLOW
    assert ask("socket", 40, 1, 0, making=True) == EAFNOSUPPORT
    assert ask("ioctl", 0, 0x5412, making=True) == EPERM


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_each_number_is_decided_as_the_table_has_it(machine):
    program, architecture = seccomp.program(machine), ARCHITECTURES[machine]
    denied = seccomp._MACHINES[machine][1].values()
    wrong = [
        number
        for number in range(470)
        if number != CALLS[machine]["clone3"] and "socket" not in _name(machine, number)
        if decided(program, architecture, number) != (EPERM if number in denied else ALLOW)
    ]
    assert wrong == []


def _name(machine: str, number: int) -> str:
    looked_at = seccomp._MACHINES[machine][2]
    return next((name for name, one in looked_at.items() if one == number), "")


def test_other_architectures_are_killed():
    program = seccomp.program("x86_64")
    assert decided(program, 0x40000003, 20) == KILL  # i386
    assert decided(program, ARCHITECTURES["x86_64"], 0x40000000) == KILL  # x32
    assert decided(program, ARCHITECTURES["x86_64"], 0xFFFFFFFF) == KILL
    assert seccomp.program("riscv64") is None


def test_no_number_is_in_the_filter_for_two_names():
    for table in (seccomp._X86_64, seccomp._AARCH64):
        assert len(set(table.values())) == len(table)
