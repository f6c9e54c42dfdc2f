"""The runner: takes attempts on, finds each a process, keeps the time, and tells of the ends."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from headway.engines.process.runs.budget import Budget
from headway.engines.process.runs.child import Child
from headway.engines.process.runs.cold import Cold
from headway.engines.process.runs.facts import DEPTH_MAX, Attempt, End
from headway.engines.process.runs.groups import Group
from headway.engines.process.runs.ledger import Ledger
from headway.engines.process.runs.line import Line
from headway.engines.process.runs.loop import Loop
from headway.engines.process.runs.plan import Plan
from headway.engines.process.runs.pool import Pool, names_of
from headway.engines.process.runs.users import Users
from headway.engines.process.runs.work import Work
from headway.engines.process.runs.zygotes import Zygotes
from headway.engines.process.shims import groups, record
from headway.engines.process.shims.log import Log

_REMOVE_AGAIN_S = 0.01
_REMOVE_TIMES = 500
_TELL_S = 2.0


def main(directory: str) -> int:
    """Do the runs of the runner of a directory until it is told to end."""
    found = record.claim(directory)
    if found is None:
        return 0
    # Descriptor 3 is a run's; nothing of ours may ever be there.
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    if null != 3:
        os.dup2(null, 3, inheritable=False)
    sys.setrecursionlimit(DEPTH_MAX)
    Supervisor(*found).run()
    return 0


class Supervisor:
    """One runner."""

    def __init__(self, launch: dict[str, Any], private: dict[str, Any]) -> None:
        self._launch = launch
        self._loop = Loop()
        self._ledger = Ledger()
        self._log = Log(launch["log_bytes"], private["secrets"])
        self._plan = Plan(launch, private)
        self._users = Users(launch["runner"]["users"]) if self._plan.has_own_users else None
        folders = launch["group"]["folders"] or [os.getcwd()]
        self._names = names_of(os.path.basename(folders[0]))
        self._works = {run["job"]["name"]: Work(run) for run in launch["runner"]["runs"]}
        self._places: dict[tuple[str, int], Child | Cold] = {}
        self._lacks_users = False
        self._stop_at: float | None = None
        self._is_over = False
        self._zygotes = Zygotes(self._loop, self._plan, self._works, self._log.write, self)
        for work in self._works.values():
            if work.is_warm:
                work.pool = self._zygotes.pool_of(work, self._users, self._names, self)
        self._line = Line(self._loop, self._ledger, self._said)

    def run(self) -> None:
        """Serve until told to end, and record the end."""
        wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._loop.add(wake_read, lambda: self._woken(wake_read))
        try:
            groups.make_groups(self._launch["group"])
        except OSError as error:
            self._note(str(error))
        self._zygotes.start()
        self._tell_status()
        self._look_for_stop()
        while not self._is_over:
            self._loop.turn()
            self._line.tell()
        self._finish()

    def _tell_status(self) -> None:
        pid = os.getpid()
        status = {"shim": pid, "sandbox": 0, "init": pid, "at": self._launch["at"]}
        try:
            record.durable("status.json", json.dumps(status))
            os.write(4, b"R")
            os.close(4)
        except OSError:
            pass  # the lock still says that it runs

    def _note(self, text: str) -> None:
        self._log.write(b"headway", [(text.encode(errors="replace"), True)])

    # --- what is asked ---------------------------------------------------------------------------

    def _said(self, message: dict[str, Any]) -> None:
        tasks = message.get("tasks")
        if tasks:
            self._accept(tasks)
        if "acknowledge" in message:
            self._ledger.forget(message["acknowledge"])
            self._loop.soon(self._dispatch_all)
        if "cancel" in message:
            for attempt in self._ledger.of_run(message["cancel"]):
                self._ask_to_end(attempt, "cancel", message["grace_s"])

    def _accept(self, tasks: list[dict[str, Any]]) -> None:
        touched: dict[str, Work] = {}
        for task in tasks:
            attempt = self._ledger.accept(task)
            if attempt is None:
                continue
            work = self._works.get(attempt.job)
            if work is None:
                said = {"type": "LookupError", "message": "this runner knows no such job"}
                self._ledger.end(attempt, End(status=1, failure=said))
            elif self._stop_at is not None:
                self._end_unbegun(attempt, "stop")
            else:
                work.queue.append(attempt)
                touched[attempt.job] = work
        for work in touched.values():
            if work.pool is not None:
                self._zygotes.want(work.network)
                work.pool.forgive()
            self._dispatch(work)

    # --- finding processes -----------------------------------------------------------------------

    def _dispatch_all(self) -> None:
        for work in self._works.values():
            if work.queue:
                self._dispatch(work)

    def _dispatch(self, work: Work) -> None:
        while work.queue and not self._ledger.is_full:
            if work.pool is None:
                if not self._start_cold(work):
                    return
                continue
            found = work.has_room()
            if found is None:
                child = work.pool.take()
                if child is None:
                    self._loop.soon(work.pool.fill)
                    return
                found = child, 1
                if work.job["reuse"] > 1:
                    work.children.append(child)
            child, room = found
            batch = [work.queue.popleft() for _ in range(min(room, len(work.queue)))]
            for attempt in batch:
                self._places[attempt.key] = child
            child.give(batch, work)

    def _start_cold(self, work: Work) -> bool:
        if work.is_strict and (refusal := self._plan.refusal()):
            said = {"type": "IsolationError", "message": refusal}
            self._ledger.end(work.queue.popleft(), End(status=1, failure=said))
            return True
        uid = self._plan.uid
        if self._users is not None:
            uid = self._users.take()
            if uid is None:
                self._lacks_users = True
                return False
        attempt = work.queue.popleft()
        cold = Cold(self._loop, self._plan, work.run, uid, self._names(), self._cold_ended)
        self._places[attempt.key] = cold
        self._begin(attempt)
        cold.start(attempt)
        return True

    def waiting(self, pool: Pool) -> int:
        """Count the runs that wait for a process of a pool."""
        return sum(len(work.queue) for work in self._works.values() if work.pool is pool)

    # --- time ------------------------------------------------------------------------------------

    def _begin(self, attempt: Attempt) -> None:
        self._ledger.begin(attempt)
        if attempt.job in self._works and attempt.timeout_s > 0:
            place = self._places.get(attempt.key)
            if isinstance(place, Child) and place.left > 1:
                self._watch_shared(place)
            else:
                attempt.timer = self._loop.after(attempt.timeout_s, lambda: self._late(attempt))
        self._begin_budget(attempt)

    def _begin_budget(self, attempt: Attempt) -> None:
        work, place = self._works.get(attempt.job), self._places.get(attempt.key)
        limit_s = work.job["cpu_time_s"] if work is not None else None
        if limit_s is not None and place is not None:
            attempt.budget = Budget(self._loop, place.group, limit_s, lambda: self._spent(attempt))

    def _watch_shared(self, child: Child) -> None:
        """Keep one timer for a process of many runs: most end long before their time."""
        if not child.is_timed:
            child.is_timed = True
            self._loop.after(child.given[0].timeout_s, lambda: self._look_at(child))

    def _look_at(self, child: Child) -> None:
        child.is_timed = False
        if not child.given:
            return
        first = child.given[0]
        left = first.timeout_s - (time.time() - (first.began_at or time.time()))
        if left <= 0:
            self._late(first)
        else:
            child.is_timed = True
            self._loop.after(left, lambda: self._look_at(child))

    def _late(self, attempt: Attempt, limit: str = "time") -> None:
        if attempt.key in self._places and not attempt.asked:
            grace_s = self._works[attempt.job].job["grace_s"]
            self._ask_to_end(attempt, limit, grace_s)

    def _spent(self, attempt: Attempt) -> None:
        self._late(attempt, "cpu")

    def _ask_to_end(self, attempt: Attempt, why: str, grace_s: float) -> None:
        place = self._places.get(attempt.key)
        if place is None:
            self._end_unbegun(attempt, why)
            return
        if not attempt.asked:
            attempt.asked = why
            place.terminate(attempt)
        self._loop.after(grace_s, lambda: self._kill(attempt))

    def _kill(self, attempt: Attempt) -> None:
        place = self._places.get(attempt.key)
        if place is None:
            return
        if isinstance(place, Child) and place.given and place.given[0] is not attempt:
            self._loop.after(_REMOVE_AGAIN_S, lambda: self._kill(attempt))  # its turn comes
            return
        place.kill()

    def _end_unbegun(self, attempt: Attempt, why: str) -> None:
        attempt.asked = why
        queue = self._works[attempt.job].queue
        if attempt in queue:
            queue.remove(attempt)
        words = {"cancel": "cancelled before it began", "stop": "its runner was stopped"}
        self._ledger.end(attempt, End(reason=words.get(why, why)))

    # --- what happens to processes ---------------------------------------------------------------

    def child_parked(self, child: Child) -> None:
        """Have it do what waits."""
        pool = self._zygotes.parked(child)
        for work in self._works.values():
            if work.pool is pool and work.queue:
                self._dispatch(work)

    def child_began(self, child: Child, attempt: Attempt) -> None:
        """Note a beginning, and keep its time."""
        del child
        self._begin(attempt)

    def child_ended_attempt(self, child: Child, attempt: Attempt, end: End) -> None:
        """Note an end, and hand on more."""
        work: Work = child.work
        self._places.pop(attempt.key, None)
        # While more is at hand no process stands idle, and to tell of many costs as much as of one.
        self._ledger.end(attempt, end, can_wait=bool(child.given or work.queue))
        if child in work.children:
            if child.left <= 0:
                work.children.remove(child)
            if end.status == 0:
                work.took(end.took_s)
            if work.queue:
                self._dispatch_soon(work)

    def _dispatch_soon(self, work: Work) -> None:
        if not work.is_due:
            work.is_due = True
            self._loop.soon(lambda: self._dispatch_due(work))

    def _dispatch_due(self, work: Work) -> None:
        work.is_due = False
        self._dispatch(work)

    def child_gone(self, child: Child, untouched: list[Attempt], because: str) -> None:
        """Clear up after a process; what it had not begun is done by another."""
        work: Work | None = child.work
        if work is not None:
            if child in work.children:
                work.children.remove(child)
            for attempt in reversed(untouched):
                self._places.pop(attempt.key, None)
                if attempt.asked or self._stop_at is not None:
                    self._end_unbegun(attempt, attempt.asked or "stop")
                else:
                    work.queue.appendleft(attempt)
        self._clear(child.group, child.uid)
        pool, is_hopeless = self._zygotes.gone(child)
        if is_hopeless:
            self._note("no sandbox can be made for runs: %s" % because)
            said = {"type": "SandboxError", "message": because or "it ended while it was made"}
            self._fail_waiting(lambda one: one.pool is pool, said)
        self._loop.soon(pool.fill)
        if work is not None and work.queue:
            self._dispatch_soon(work)
        self._look_for_the_end()

    def zygote_failed(self, network: str, failure: dict[str, Any]) -> None:
        """Have every run fail that waits for it."""
        self._fail_waiting(lambda one: one.pool is not None and one.network == network, failure)

    def _fail_waiting(self, concerned: Any, failure: dict[str, Any]) -> None:
        for work in self._works.values():
            if concerned(work):
                while work.queue:
                    self._ledger.end(work.queue.popleft(), End(status=1, failure=failure))
        self._look_for_the_end()

    def _cold_ended(self, cold: Cold, attempt: Attempt, end: End) -> None:
        self._places.pop(attempt.key, None)
        self._ledger.end(attempt, end)
        self._clear(cold.group, cold.uid)
        self._loop.soon(self._dispatch_all)
        self._look_for_the_end()

    def _clear(self, group: Group, uid: int | None, times: int = _REMOVE_TIMES) -> None:
        """Remove the groups, now or when the kernel lets us; only then is the user another's."""
        if not group.removed() and times:
            self._loop.after(_REMOVE_AGAIN_S, lambda: self._clear(group, uid, times - 1))
        elif self._users is not None and uid is not None:
            self._users.give_back(uid)
            if self._lacks_users:
                self._lacks_users = False
                self._loop.soon(self._dispatch_all)

    # --- the end ---------------------------------------------------------------------------------

    def _woken(self, descriptor: int) -> None:
        os.read(descriptor, 4096)
        self._look_for_stop()

    def _look_for_stop(self) -> None:
        try:
            with open("stop.json") as file:
                grace_s = json.load(file)["grace_s"]
        except (OSError, ValueError):
            return
        self._stop_at = time.monotonic() + grace_s
        for attempt in self._ledger.live:
            if attempt.key not in self._places:
                self._end_unbegun(attempt, "stop")
        self._loop.after(grace_s, self._kill_all)
        self._look_for_the_end()

    def _kill_all(self) -> None:
        for attempt in self._ledger.live:
            attempt.asked = attempt.asked or "stop"
        for place in list(self._places.values()):
            place.kill()

    def _look_for_the_end(self) -> None:
        if self._stop_at is not None and not self._ledger.has_live and not self._is_over:
            self._is_over = True

    def _finish(self) -> None:
        """Let everything go, in the time that telling of it takes."""
        self._zygotes.close()
        ends_at = time.monotonic() + _TELL_S
        self._loop.after(_TELL_S, lambda: None)
        while time.monotonic() < ends_at and not (self._zygotes.are_over and self._line.is_clear):
            self._loop.turn()
            self._line.tell()
        self._line.close()
        self._log.close()
        groups.remove_groups(self._launch["group"])
        record.record_exit(0, None, "stopped", told=True)
