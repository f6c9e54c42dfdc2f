"""A process that a zygote made for runs, in a sandbox of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
from collections import deque
from typing import Any, Protocol

from headway.engines.process.runs import verdict
from headway.engines.process.runs.bridge import Bridge
from headway.engines.process.runs.channel import Channel
from headway.engines.process.runs.facts import Attempt, End
from headway.engines.process.runs.groups import Group
from headway.engines.process.runs.loop import Loop
from headway.engines.process.runs.output import Output, sizes_of
from headway.engines.process.runs.plan import Plan
from headway.engines.process.shims import processes

_CREDENTIALS = struct.Struct("3i")
_KILLED = int(signal.SIGKILL)


def _room_for(descriptors: int) -> int:
    return socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(4 * descriptors)


class Maker(Protocol):
    """Who makes processes: a zygote."""

    def make(self, child: Child, asked: bytes, descriptors: list[int]) -> None:
        """Make one as it is asked for, which has these open."""


class Owner(Protocol):
    """Who is told of a process."""

    def child_parked(self, child: Child) -> None:
        """It waits for a task."""

    def child_began(self, child: Child, attempt: Attempt) -> None:
        """It works on an attempt."""

    def child_ended_attempt(self, child: Child, attempt: Attempt, end: End) -> None:
        """An attempt of it ended."""

    def child_gone(self, child: Child, untouched: list[Attempt], because: str) -> None:
        """Nothing of it is left. The attempts were handed to it and have not begun."""


class Child:
    """One process: made, parked, at work, gone."""

    def __init__(
        self,
        loop: Loop,
        plan: Plan,
        run: dict[str, Any],
        uid: int | None,
        name: str,
        owner: Owner,
    ) -> None:
        self._loop = loop
        self._owner = owner
        self._like: dict[str, Any] = run["job"]
        self.uid = uid
        self.is_parked = False
        self.is_timed = False
        """Whether somebody looks after its time already."""
        self.work: Any = None
        """Whose attempts it does, since its first."""
        self.left = 1
        """Attempts that it may still be handed."""
        self.given: deque[Attempt] = deque()
        self._first = 0
        self._end: End | None = None
        self._because = ""
        self._pid = 0
        self._watch = -1
        self._is_dead = self._is_collected = self._is_gone = False
        self._code = -_KILLED
        self._cpu_s = 0.0
        self._peak_mib = 0.0
        self._channel: Channel | None = None
        self.group = Group(run["group"], name)
        self._output = Output(loop, plan.logs, uid, self._look, self._flooded)
        self._plan = plan
        self._reach = plan.reach(self._like)
        self._bridge: Bridge | None = None

    def make(self, maker: Maker, asked: bytes) -> None:
        """Have it made."""
        self._ours, theirs = socket.socketpair()
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._ours.setblocking(False)
        self._loop.add(self._ours.fileno(), self._greeted)
        doors = self.group.doors()
        maker.make(self, asked, [theirs.fileno(), *self._output.ends, *doors])
        for descriptor in (theirs.detach(), *doors):
            os.close(descriptor)
        self._output.handed_over()

    # --- being made ------------------------------------------------------------------------------

    def _greeted(self) -> None:
        """The kernel says who greets: the process, as it is numbered out here."""
        try:
            data, extra, _, _ = self._ours.recvmsg(1, _room_for(len(self._reach)))
        except BlockingIOError:
            return
        if not data or not extra:
            self._loop.remove(self._ours.fileno())
            return
        listeners: list[int] = []
        for _, kind, sent in extra:
            if kind == socket.SCM_RIGHTS:
                listeners += struct.unpack("%di" % (len(sent) // 4), sent)
            else:
                self._pid = _CREDENTIALS.unpack(sent)[0]
        try:
            if listeners or self._reach:
                self._bridge = Bridge(self._loop, listeners, self._reach, self.uid, self._carried)
            self._watch = os.pidfd_open(self._pid)
            self._loop.add(self._watch, self._died)
            self._take_in()
        except (OSError, ValueError) as error:
            self._loop.remove(self._ours.fileno())
            self._because = str(error)
            self.kill()
            return
        self._channel = Channel(self._loop, self._ours, self._heard)
        self._channel.send(b"G")

    def _carried(self, pid: int) -> None:
        """Count what carries its connections as its own."""
        try:
            self.group.add(pid)
        except OSError:
            pass

    def _take_in(self) -> None:
        """Give it its limits, and as root the one user that it can be."""
        folder = "/proc/%d/" % self._pid
        if os.stat(folder).st_uid != (self._plan.uid if self.uid is not None else os.getuid()):
            raise PermissionError("the process of a run is not its app's")
        try:
            self.group.add(self._pid)
        except OSError:
            if self.uid is not None:
                raise
        if self.uid is not None:
            text = b"%d %d 1" % (self._plan.uid or 0, self.uid)
            for name in ("uid_map", "gid_map"):
                descriptor = os.open(folder + name, os.O_WRONLY | os.O_CLOEXEC)
                try:
                    os.write(descriptor, text)
                finally:
                    os.close(descriptor)

    # --- at work ---------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more attempts it may be handed."""
        return self.left - len(self.given)

    def give(self, attempts: list[Attempt], work: Any) -> None:
        """Hand it attempts, to be done in turn."""
        assert self._channel is not None
        if self.work is None:
            self.work, self.left = work, work.job["reuse"]
        shared = work.job["reuse"] > 1
        texts = []
        for one in attempts:
            number = self._first + len(self.given)
            task = [number, one.job, one.run, one.number, one.parameters, shared]
            last = len(self.given) + 1 >= self.left
            texts.append(json.dumps([*task, last, one.variables]))
            self.given.append(one)
            if len(self.given) == 1:
                self._begin(one)
        self._channel.send(("\n".join(texts) + "\n").encode())

    def retire(self) -> None:
        """Have it end when it has done what it was handed."""
        self.left = len(self.given)
        if not self.given and self._channel is not None:
            self._channel.close()

    def terminate(self, attempt: Attempt) -> None:
        """Have the attempt end, if it is its turn; otherwise when its turn comes."""
        self.left = min(self.left, len(self.given))
        if self.given and self.given[0] is attempt:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything that it started."""
        self._signal(signal.SIGKILL)
        if self._watch < 0 and self._channel is None:
            self._ours.close()

    def _signal(self, number: int) -> None:
        if self._watch >= 0 and not self._is_dead:
            try:
                signal.pidfd_send_signal(self._watch, number)
            except ProcessLookupError:
                pass

    def _begin(self, attempt: Attempt) -> None:
        kept, most = sizes_of(self.work.job)
        self._output.turn_to(attempt.run, attempt.number, kept, most)
        self._owner.child_began(self, attempt)
        if attempt.asked:
            self._signal(signal.SIGTERM)

    def _flooded(self) -> None:
        if self.given:
            self.given[0].limit = "output"
        self.kill()

    def _look(self) -> None:
        if self._channel is not None:
            self._channel.read()

    def _heard(self, lines: list[bytes] | None) -> None:
        if lines is None:
            return  # its death says more
        if self._channel is not None and self._channel.kept_bytes > verdict.RESULT_BYTES_MAX * 2:
            self._because = "what it told had no end"
            self.kill()
        for line in lines:
            if line == b"P" and not self.is_parked:
                self.is_parked = True
                self._owner.child_parked(self)
            elif line.startswith(b"E "):
                self._because = line[2:].decode(errors="replace")
            elif not self._answered(line):
                self._because = "it told what no run tells"
                self.kill()
                return

    def _answered(self, line: bytes) -> bool:
        try:
            number, end = verdict.answered(line)
        except ValueError:
            return False
        if not self.given or number != self._first or self._end is not None:
            return False
        if len(self.given) == 1 and self.left <= 1:
            self._end = end  # told when nothing of it is left
            if self._channel is not None:
                self._channel.close()  # one that was told to end thinks that there is more
            return True
        self._first += 1
        self.left -= 1
        attempt = self.given.popleft()
        end = verdict.judge(attempt, end, self.work.job, None if end.status == 0 else self.group)
        if self.given:
            self._begin(self.given[0])
        else:
            self._output.turn_to("", 0, 0, 0)
        self._owner.child_ended_attempt(self, attempt, end)
        return True

    # --- gone ------------------------------------------------------------------------------------

    def collected(self, code: int, cpu_s: float, peak_kib: float, because: str) -> None:
        """The zygote says how it ended; told with a reason, it was never there."""
        self._is_collected = True
        self._code, self._cpu_s = code, cpu_s
        if not self.group.plain["folders"]:
            self._peak_mib = peak_kib / 1024
        if because:
            self._because, self._is_dead = because, True
        self._settle()

    def orphaned(self) -> None:
        """Its zygote is gone: nobody collects it, and the kernel ends it."""
        self._is_collected = True
        self._because = self._because or "its zygote ended"
        self._is_dead = self._is_dead or self._watch < 0
        self._settle()

    def _died(self) -> None:
        """The first process ended, and with it, by the kernel, all of its pid namespace."""
        self._is_dead = True
        self._loop.remove(self._watch)
        os.close(self._watch)
        self._watch = -1
        self._look()
        self._settle()

    def _settle(self) -> None:
        if self._watch < 0 and self._is_collected:
            self._is_dead = True
        if self._is_gone or not self._is_dead:
            return
        if not self._is_collected and self._end is None:
            return
        self._is_gone = True
        if self._bridge is not None:
            self._bridge.close()
        self._output.drain()
        if self.given:
            self._end_first()
        self._output.close()
        if self._channel is not None:
            self._channel.close()
        else:
            self._loop.remove(self._ours.fileno())
            self._ours.close()
        self._owner.child_gone(self, list(self.given), self._because)

    def _end_first(self) -> None:
        attempt = self.given.popleft()
        end = self._end or self._of_code()
        verdict.judge(attempt, end, self.work.job, self.group)
        self._owner.child_ended_attempt(self, attempt, end)

    def _of_code(self) -> End:
        status, number = processes.end_of(self._code)
        end = End(status=status, signal=number, cpu_s=self._cpu_s, peak_mib=self._peak_mib)
        if status == 0:
            end.status, end.reason = 1, "it ended with status 0 before its function returned"
        elif self._because:
            end.reason = self._because
        return end
