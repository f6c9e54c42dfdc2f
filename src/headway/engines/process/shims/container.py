"""A container, from its start to its end."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # half the memory of signal
import json
import os
import select
import time

from headway.engines.process.shims.child import begin
from headway.engines.process.shims.groups import make_groups, out_of_memory, remove_groups
from headway.engines.process.shims.log import Lines, Log, longest_of
from headway.engines.process.shims.processes import end_of, kill, read, terminate
from headway.engines.process.shims.record import claim, durable, record_exit

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would cost every container its memory
    from typing import Any

_NOT_STARTED = (2, 126, 127)
"""How a shell ends that could not start a program. One that cannot run a file for what is in it may
take it for a script: status 2."""
KILL_AGAIN_S = 0.2
ASK_AGAIN_S = 0.02
"""While the container is being set up, nobody is there yet to be asked to end."""
WAIT_MAX_S = 3600.0
"""Before a look at the clock: the kernel waits for no longer than 24 days."""
DRAIN_S = 2.0
"""How long output is still read after the end: what was handed to others may stay open for ever."""


def main(directory: str) -> int:
    """Supervise the container of a directory until it has ended."""
    found = claim(directory)
    if found is not None:
        launch, private = found
        Container(launch, private, Log(launch["log_bytes"], private["secrets"])).run()
    return 0


class Container:
    """Starts the sandbox, follows it to its end, and ends it when asked."""

    def __init__(self, launch: dict[str, Any], private: dict[str, Any], log: Log) -> None:
        self._launch = launch
        self._private = private
        self._log = log
        self._lines: dict[bytes, Lines] = {}
        self._longest = longest_of(private["secrets"])
        self._path: str = private["variables"].get("PATH", "")
        self._init = 0
        self._sandbox = 0
        self._code: int | None = None
        self._stop_at: float | None = None
        self._late_at: float | None = None
        self._ended_at: float | None = None
        self._reason = ""
        self._asked = False
        self._ask_at: float | None = None
        self._poll = select.poll()
        self._names: dict[int, bytes] = {}
        self._told = self._wake = -1
        self._heard = b""

    def run(self) -> None:
        """Start the sandbox and stay until its end is recorded."""
        launch = self._launch
        try:
            make_groups(launch["group"])
        except OSError as error:
            self._log.write(b"headway", [(str(error).encode(), True)])
        wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        out, err, told = (os.pipe2(os.O_CLOEXEC) for _ in range(3))
        launch["supervisor"] = os.getpid()
        self._sandbox = os.fork()
        if self._sandbox == 0:
            begin(launch, self._private, out[1], err[1], told[1])
        for pipe in (out, err, told):
            os.close(pipe[1])
        self._private = {}
        # The start is durable and under way: that is all an order waits for.
        self._tell_status()
        self._names = {out[0]: b"stdout", err[0]: b"stderr"}
        self._lines = {name: Lines(self._longest) for name in self._names.values()}
        self._told, self._wake = told[0], wake_read
        for descriptor in (out[0], err[0], told[0], wake_read):
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN | select.POLLHUP)
        if launch["timeout_s"]:
            self._late_at = time.monotonic() + launch["timeout_s"]
        self._look_for_stop()
        self._follow()
        self._finish()

    # --- following -----------------------------------------------------------------------------

    def _follow(self) -> None:
        """Keep the log and the time until the sandbox has ended and its output was read."""
        open_pipes = set(self._names)
        while True:
            now = time.monotonic()
            self._keep_time(now)
            drained_at = None if self._ended_at is None else self._ended_at + DRAIN_S
            if drained_at is not None and (not open_pipes or now >= drained_at):
                return
            known = (self._late_at, self._ask_at, self._stop_at, drained_at)
            moments = [at for at in known if at is not None]
            timeout = max(0, min(min(moments) - now, WAIT_MAX_S) * 1000) if moments else None
            for descriptor, _ in self._poll.poll(timeout):
                if not self._take(descriptor):
                    self._poll.unregister(descriptor)
                    open_pipes.discard(descriptor)

    def _keep_time(self, now: float) -> None:
        if self._late_at is not None and now >= self._late_at and self._ended_at is None:
            self._reason = "time limit %g s reached" % self._launch["timeout_s"]
            self._ask_to_end(self._launch["stop_grace_s"])
            self._late_at = None
        if self._ask_at is not None and now >= self._ask_at:
            self._ask_at = None if self._ask_main_process() else now + ASK_AGAIN_S
        if self._stop_at is not None and now >= self._stop_at:
            self._kill()
            self._stop_at = now + KILL_AGAIN_S

    def _take(self, descriptor: int) -> bool:
        """Take what a descriptor has; says whether more can come."""
        data = read(descriptor)
        if descriptor == self._wake:
            if self._ended_at is None and self._look_for_end():
                self._ended_at = time.monotonic()
                self._stop_at = self._late_at = self._ask_at = None
            self._look_for_stop()
            return True
        if descriptor == self._told:
            self._heard = self._hear(self._heard + (data or b""))
        elif data:
            name = self._names[descriptor]
            self._log.write(name, self._lines[name].feed(data))
        return data != b""

    def _hear(self, heard: bytes) -> bytes:
        """Learn the pid of the container's first process from what the sandbox tells."""
        *documents, rest = heard.split(b"\n")
        for document in documents:
            try:
                said = json.loads(document)
            except ValueError:
                continue
            if "child-pid" in said:
                self._init = said["child-pid"]
                self._tell_status()
            if "exit-code" in said:
                self._code = said["exit-code"]
        return rest

    def _tell_status(self) -> None:
        try:
            text = json.dumps(
                {
                    "shim": os.getpid(),
                    "sandbox": self._sandbox,
                    "init": self._init,
                    "at": self._launch["at"],
                }
            )
            durable("status.json", text)
        except OSError:
            return  # the lock still says that it runs
        if self._init:
            try:
                os.write(4, b"R")
                os.close(4)
            except OSError:
                pass

    def _look_for_end(self) -> bool:
        try:
            pid, status = os.waitpid(self._sandbox, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(status)
        return True

    # --- ending --------------------------------------------------------------------------------

    def _look_for_stop(self) -> None:
        try:
            with open("stop.json") as file:
                grace = json.load(file)["grace_s"]
        except (OSError, ValueError):
            return
        self._ask_to_end(grace)

    def _ask_to_end(self, grace: float) -> None:
        now = time.monotonic()
        if not self._asked:
            self._asked = True
            self._ask_at, self._stop_at = now, now + grace
        elif self._stop_at is not None:
            self._stop_at = min(self._stop_at, now + grace)

    def _ask_main_process(self) -> bool:
        """Send SIGTERM; says whether somebody was there to get it."""
        return terminate(self._init)

    def _kill(self) -> None:
        kill(self._init, self._sandbox)

    def _say_why_not_started(self) -> None:
        """Say in the log what the file tells of a program that a shell could not start."""
        try:
            from headway.engines.process.shims import unstartable  # seldom needed

            because = unstartable.why(self._launch, self._path)
        except Exception as error:
            because = "why it ended so could not be found out: %r" % error
        if because:
            self._log.write(b"headway", [(because.encode(errors="replace"), True)])

    def _finish(self) -> None:
        for name, lines in self._lines.items():
            self._log.write(name, lines.rest())
        oom = out_of_memory(self._launch["group"])
        remove_groups(self._launch["group"])
        status, number = end_of(self._code)
        if status in _NOT_STARTED and not self._asked:
            self._say_why_not_started()
        reason, told = self._reason, False
        if oom and (number == signal.SIGKILL or self._code != 0):
            reason = "memory limit %d MiB reached" % self._launch["memory_mib"]
        elif not reason and self._asked:
            told = True
            reason = "stopped" if number != signal.SIGKILL else "killed: it did not end in time"
        record_exit(status, number, reason, oom=oom, told=told)
