"""A run that is started anew: a command, or a function that asks for it."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from headway.engines.process.runs import facts, verdict
from headway.engines.process.runs.bridge import Bridge
from headway.engines.process.runs.bubble import Bubble
from headway.engines.process.runs.channel import Channel
from headway.engines.process.runs.facts import Attempt, End
from headway.engines.process.runs.groups import Group
from headway.engines.process.runs.loop import Loop
from headway.engines.process.runs.output import Output, sizes_of
from headway.engines.process.runs.plan import Plan
from headway.engines.process.shims import processes

_IN_VARIABLE_MAX = 64 * 1024
_RESULT = 3


class Cold:
    """One run and its sandbox."""

    def __init__(
        self,
        loop: Loop,
        plan: Plan,
        run: dict[str, Any],
        uid: int | None,
        name: str,
        ended: Callable[[Cold, Attempt, End], None],
    ) -> None:
        self.uid = uid
        self._loop = loop
        self._plan = plan
        self._run = run
        self.job: dict[str, Any] = run["job"]
        self.group = Group(run["group"], name)
        self._ended = ended
        self._written = bytearray()
        self._handed: socket.socket | None = None
        self._bridge: Bridge | None = None
        self._answer: End | None = None
        self._output = Output(loop, plan.logs, uid, lambda: None, self._flooded)

    def start(self, attempt: Attempt) -> None:
        """Start the attempt."""
        self._attempt = attempt
        self._output.turn_to(attempt.run, attempt.number, *sizes_of(self.job))
        launch = self._plan.cold(self._run, self.uid, self.group.plain)
        variables = {
            **self._plan.variables,
            **attempt.variables,
            "HEADWAY_RUN": attempt.run,
            "HEADWAY_ATTEMPT": str(attempt.number),
            "HEADWAY_JOB": attempt.job,
        }
        if self.job["function"]:
            self._start_function(launch, variables)
        else:
            self._start_command(launch, variables)
        self._output.handed_over()

    def terminate(self, _: Attempt) -> None:
        """Have its main process end."""
        self._bubble.terminate()

    def kill(self) -> None:
        """End everything of it."""
        self._bubble.kill()

    def _flooded(self) -> None:
        self._attempt.limit = "output"
        self.kill()

    # --- commands --------------------------------------------------------------------------------

    def _start_command(self, launch: dict[str, Any], variables: dict[str, str]) -> None:
        parameters = json.dumps(self._attempt.parameters).encode()
        given = os.memfd_create("parameters")
        os.write(given, parameters)
        os.lseek(given, 0, os.SEEK_SET)
        if len(parameters) <= _IN_VARIABLE_MAX:
            variables["HEADWAY_PARAMETERS"] = parameters.decode()
        variables["HEADWAY_RESULT"] = "/dev/fd/%d" % _RESULT
        self._result, write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._result, False)
        if self.uid is not None:
            os.fchown(write, self.uid, self.uid)
        self._loop.add(self._result, self._result_ready)
        launch["argv"] = ["/bin/sh", "-c", self.job["command"]]
        self._begin(launch, variables, {0: given, _RESULT: write}, self._command_ended)
        os.close(given)
        os.close(write)

    def _result_ready(self) -> None:
        self._read_result()

    def _read_result(self) -> bool:
        data = processes.read(self._result)
        if data == b"":
            self._loop.remove(self._result)
        self._written += data or b""
        if len(self._written) > verdict.RESULT_BYTES_MAX:
            self._loop.remove(self._result)
            self.kill()
            return False
        return bool(data)

    def _command_ended(self, code: int, cpu_s: float) -> None:
        while self._read_result():
            pass
        self._loop.remove(self._result)
        os.close(self._result)
        end = self._of_code(code, cpu_s)
        if len(self._written) > verdict.RESULT_BYTES_MAX:
            verdict.too_large(end)
        elif end.status == 0:
            try:
                end.result = facts.checked(bytes(self._written)) if self._written else "null"
            except facts.NotJson as error:
                verdict.refuse_result(end, str(error))
        self._finish(end)

    # --- functions -------------------------------------------------------------------------------

    def _start_function(self, launch: dict[str, Any], variables: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self._channel = Channel(self._loop, ours, self._heard)
        variables["HEADWAY_FUNCTION"] = json.dumps({self.job["name"]: self.job["function"]})
        launch["argv"] = self._plan.once()
        launch["mounts"] = [*launch["mounts"], *self._plan.zygote_mounts()]
        self._begin(launch, variables, {_RESULT: theirs.fileno()}, self._function_ended)
        theirs.close()
        one = self._attempt
        task = [0, one.job, one.run, one.number, one.parameters, False, True, one.variables]
        self._channel.send(json.dumps(task).encode() + b"\n")

    def _heard(self, lines: list[bytes] | None) -> None:
        if lines is None:
            return
        if self._channel.kept_bytes > verdict.RESULT_BYTES_MAX * 2:
            self.kill()
        for line in lines:
            try:
                _, self._answer = verdict.answered(line)
            except ValueError:
                self.kill()

    def _function_ended(self, code: int, cpu_s: float) -> None:
        self._channel.read()
        self._channel.close()
        end = self._of_code(code, cpu_s)
        if self._answer is not None:
            end = self._answer
        elif end.status == 0:
            end.status, end.reason = 1, "it ended with status 0 before its function returned"
        self._finish(end)

    # --- both ------------------------------------------------------------------------------------

    def _begin(
        self,
        launch: dict[str, Any],
        variables: dict[str, str],
        given: dict[int, int],
        ended: Callable[[int, float], None],
    ) -> None:
        handing = None
        if launch["reach"]:
            self._handed, handing = socket.socketpair()
            self._loop.add(self._handed.fileno(), self._handed_out)
            launch["bridge"] = handing.fileno()
        self._bubble = Bubble(self._loop, launch, variables, self._output.ends, given, ended)
        if handing is not None:
            handing.close()

    def _handed_out(self) -> None:
        """Take over what listens in its network; it was headway's own code that handed it out."""
        assert self._handed is not None
        reach = self._plan.reach(self.job)
        try:
            _, listeners, _, _ = socket.recv_fds(self._handed, 1, len(reach))
            self._bridge = Bridge(self._loop, listeners, reach, self.uid, self._carried)
        except (OSError, ValueError):
            pass  # it never came to be: its end says why
        self._loop.remove(self._handed.fileno())
        self._handed.close()
        self._handed = None

    def _carried(self, pid: int) -> None:
        try:
            self.group.add(pid)
        except OSError:
            pass

    def _of_code(self, code: int, cpu_s: float) -> End:
        status, number = processes.end_of(code)
        return End(status=status, signal=None if number is None else int(number), cpu_s=cpu_s)

    def _finish(self, end: End) -> None:
        if self._handed is not None:
            self._handed_out()
        if self._bridge is not None:
            self._bridge.close()
        self._output.drain()
        # bubblewrap does not wait for what it started: the kernel's own count is the whole one.
        end.cpu_s = max(end.cpu_s, self.group.cpu_s() or 0.0)
        verdict.judge(self._attempt, end, self.job, self.group)
        if end.signal == signal.SIGKILL and not end.reason:
            end.reason = "killed"
        self._output.close()
        self._ended(self, self._attempt, end)
