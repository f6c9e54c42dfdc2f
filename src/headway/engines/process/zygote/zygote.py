"""Holds the modules of a release's jobs, and makes a clean process in a sandbox for each run.

It imports them, then forks once: threads that libraries started stay behind, and what is forked
from later stands still. Each run's process is cloned from that one into namespaces of its own.

    descriptor 3, from the runner: {"id": …} with descriptors: control, stdout, stderr, and those by
        which it puts itself in its control groups
    descriptor 3, to the runner: {"ready": true}, {"failed": …} or {"ended": id, "status": …}
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

from . import kernel, sandbox
from .drop import FILES
from .functions import find
from .mortal import be_mortal
from .rehearsal import rehearse
from .worker import CONTROL, Function, Worker, failure

_NAMESPACES = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)
_MESSAGE_BYTES = 16384
_DESCRIPTORS_MAX = 1 << 20
_ROOM = socket.CMSG_SPACE(4 * 16)
_ENDED = b'{"ended":%d,"status":%d,"cpu_s":%.6f,"peak_kib":%d}'
_FAILED = 70
_SIGCHLD, _DEFAULT = int(signal.SIGCHLD), int(signal.SIG_DFL)


def main(hidden: list[str]) -> None:
    """Import, then serve the runner until it has gone; `hidden` is what runs do not see."""
    line = socket.socket(fileno=os.dup(CONTROL))
    os.close(CONTROL)
    os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)  # our place for what a run's process is given
    jobs: dict[str, str] = json.loads(line.recv(1 << 20))
    functions = _import(line, jobs)
    with open(FILES + "/filter.bpf", "rb") as file:
        filter_ = file.read()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        line.close()
        os.waitpid(pid, 0)
        os._exit(0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    Zygote(line, functions, filter_, hidden).serve()
    os._exit(0)


def once(directory: str) -> None:
    """Be the only process of a run that is started anew."""
    sys.path[0] = directory
    os.set_inheritable(CONTROL, False)
    jobs: dict[str, str] = json.loads(os.environ.pop("HEADWAY_FUNCTION"))
    try:
        functions = {name: find(place) for name, place in jobs.items()}
    except BaseException as error:
        os.write(CONTROL, b"0 0 0 no %s\n" % json.dumps(failure(error)).encode())
        os._exit(1)
    Worker(functions).serve()
    os._exit(0)


def _import(line: socket.socket, jobs: dict[str, str]) -> dict[str, Function]:
    """Import the jobs' modules as the app's own programs would, from the directory we are in."""
    sys.path[0] = os.getcwd()
    try:
        return {name: find(place) for name, place in jobs.items()}
    except BaseException as error:
        said = failure(error)
        sys.stderr.write(said["traceback"])
        sys.stderr.flush()
        line.send(json.dumps({"failed": said}).encode())
        os._exit(_FAILED)


class Kind:
    """What is asked for many runs, each time the same."""

    def __init__(self, asked: dict[str, Any], hidden: list[str], filter_: kernel.Filter) -> None:
        self.asked = asked
        self.flags = _NAMESPACES | signal.SIGCHLD
        if asked["own_network"]:
            self.flags |= kernel.CLONE_NEWNET
        self.sandbox = sandbox.Sandbox(asked, hidden, filter_)


class Zygote:
    """The process that runs' processes are cloned from."""

    def __init__(
        self,
        line: socket.socket,
        functions: dict[str, Function],
        filter_: bytes,
        hidden: list[str],
    ) -> None:
        self._line = line
        self._worker = Worker(functions)
        self._filter = kernel.Filter(filter_)
        self._kinds: dict[bytes, Kind] = {}
        self._hidden = hidden
        self._thread_number = kernel.thread_number()
        self._outer = os.getuid()
        self._children: dict[int, int] = {}
        self._wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Make a process whenever the runner asks, and tell of each one's end."""
        be_mortal()  # those that are forked from here are, too
        rehearse(self._worker)
        gc.collect()
        gc.freeze()
        self._tell({"ready": True})
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._wake_read:
                    self._collect()
                elif not self._take():
                    return

    def _take(self) -> bool:
        data, extra, _, _ = self._line.recvmsg(_MESSAGE_BYTES, _ROOM)
        if not data:
            return False
        descriptors = struct.unpack("%di" % (len(extra[0][2]) // 4), extra[0][2])
        # What is asked is the same for many; only the first is read through.
        number, _, asked = data.partition(b",")
        kind = self._kinds.get(asked)
        if kind is None:
            kind = self._kinds[asked] = Kind(json.loads(data), self._hidden, self._filter)
        id_ = int(number.rpartition(b":")[2])
        try:
            pid = kernel.clone(kind.flags, self._thread_number)
        except OSError as error:
            self._tell({"ended": id_, "status": 0, "because": str(error)})
        else:
            if pid == 0:
                self._be_child(kind, descriptors)
            self._children[pid] = id_
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _collect(self) -> None:
        os.read(self._wake_read, 4096)
        while self._children:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            cpu_s, id_ = used.ru_utime + used.ru_stime, self._children.pop(pid, 0)
            self._send(_ENDED % (id_, status, cpu_s, used.ru_maxrss))

    def _tell(self, what: dict[str, Any]) -> None:
        self._send(json.dumps(what).encode())

    def _send(self, message: bytes) -> None:
        try:
            self._line.send(message)
        except OSError:
            os._exit(0)

    def _be_child(self, kind: Kind, descriptors: tuple[int, ...]) -> None:
        """Become the process of a run; returns never."""
        try:
            self._greet(kind.asked, descriptors)
            kind.sandbox.enter()
            self._worker.warm_up()
            os.write(CONTROL, b"P\n")
            self._worker.serve()
        except BaseException as error:
            said = b"E %s\n" % json.dumps(repr(error)).encode()
            try:
                os.write(CONTROL, said)
            except OSError:
                pass
        os._exit(0)

    def _greet(self, asked: dict[str, Any], descriptors: tuple[int, ...]) -> None:
        signal.set_wakeup_fd(-1)
        kernel.handle(_SIGCHLD, _DEFAULT)
        control, out, err, *doors = descriptors
        for door in doors:
            try:
                os.write(door, b"0")
            except OSError:
                pass  # the runner looks, and puts it in
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.dup2(control, CONTROL, inheritable=False)
        os.closerange(CONTROL + 1, _DESCRIPTORS_MAX)
        if asked["maps_itself"]:
            sandbox.map_user(asked["uid"], self._outer)
        sandbox.greet(CONTROL, asked["reach"])
        if os.read(CONTROL, 1) != b"G":
            os._exit(0)
