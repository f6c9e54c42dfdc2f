"""The small process that each container has: it starts it, keeps its log, and records its end.

Run as `python -I -S shim.py DIRECTORY`. It imports as little as it can, for its memory, and nothing
of headway. It outlives the agent and the control plane; everything they need to know of it after a
crash is in its directory:

    lock         held by the shim as long as it lives
    launch.json  how to start the container (no variable of its environment is in it)
    started      there once it may have begun: it is never begun twice
    status.json  which processes it has
    stop.json    that it is to end, and how long that may take; read when SIGTERM comes
    exit.json    how it ended
    log.N        its output in the CRI log format; N is the position of the file's first byte

Its environment and the values to be left out of the log come through descriptor 3, and word that it
started goes out on descriptor 4.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # half the memory of signal
import errno
import fcntl
import json
import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would cost every container its memory
    from typing import Any

READ_BYTES = 65536
LINE_BYTES = 16384
SECRET_BYTES_MIN = 4
KILL_AGAIN_S = 0.2
ASK_AGAIN_S = 0.02
"""While the container is being set up, nobody is there yet to be asked to end."""
DRAIN_S = 2.0
"""How long output is still read after the end: what was handed to others may stay open for ever."""


def main(directory: str) -> int:
    """Supervise the container of a directory until it has ended."""
    found = claim(directory)
    if found is not None:
        launch, private = found
        Container(launch, private, Log(launch["log_bytes"], private["secrets"])).run()
    return 0


def claim(directory: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Take the container of a directory, once and for ever; None when there is nothing to start."""
    os.chdir(directory)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None  # another shim has this container
    if os.path.exists("exit.json"):
        return None
    if os.path.exists("started"):
        record_exit(None, None, "its supervisor was killed", lost=True)
        return None
    with open("launch.json") as file:
        launch = json.load(file)
    with os.fdopen(3, "rb") as file:
        private = json.load(file)
    durable("started", "")
    return launch, private


def durable(name: str, text: str) -> None:
    """Write a file as a whole or not at all, and have it survive a loss of power."""
    part = name + ".part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(part, name)
    folder = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def record_exit(
    status: int | None,
    number: int | None,
    reason: str,
    *,
    lost: bool = False,
    oom: bool = False,
    told: bool = False,
) -> None:
    """Record the end. While the disk is full, try again: an end must not be forgotten."""
    text = json.dumps(
        {
            "status": status,
            "signal": number,
            "reason": reason,
            "at": time.time(),
            "lost": lost,
            "oom": oom,
            "told": told,
        }
    )
    while True:
        try:
            durable("exit.json", text)
            return
        except OSError:
            time.sleep(1)


class Log:
    """The container's log: two files at most, the older one dropped when the newer is full.

    Who reads can tell by the lock on the newer one that more may come.
    """

    def __init__(self, limit: int, secrets: dict[str, str], stem: str = "log") -> None:
        self._stem = stem
        self._half = max(limit // 2, 4 * LINE_BYTES)
        self._secrets = sorted(
            (
                (value.encode(), b"[" + name.encode() + b"]")
                for name, text in secrets.items()
                for value in text.splitlines()
                if len(value.encode()) >= SECRET_BYTES_MIN
            ),
            key=lambda pair: -len(pair[0]),
        )
        self._base = 0
        self._size = 0
        self._older: int | None = None
        self._file: int | None = None
        self._dropped = 0

    def write(self, stream: bytes, lines: list[tuple[bytes, bool]]) -> None:
        """Add lines, given as (bytes, whether the line ends here)."""
        if not lines:
            return
        at = stamp()
        text = b"".join(
            b"%s %s %s %s\n" % (at, stream, b"F" if ends else b"P", self._clean(line))
            for line, ends in lines
        )
        try:
            if self._dropped:
                note = b"%s headway F %d writes to the log were dropped: no space\n"
                text = note % (at, self._dropped) + text
            self._append(text)
            self._dropped = 0
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
            self._dropped += 1

    def _append(self, text: bytes) -> None:
        if self._file is None or self._size + len(text) > self._half:
            self._turn()
        assert self._file is not None
        whole = self._size
        try:
            while text:
                done = os.write(self._file, text)
                self._size += done
                text = text[done:]
        except OSError:
            os.ftruncate(self._file, whole)  # no half line
            os.lseek(self._file, whole, os.SEEK_SET)
            self._size = whole
            raise

    def _turn(self) -> None:
        base = self._base + self._size
        name = "%s.%d" % (self._stem, base)
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if self._file is not None:
            os.close(self._file)
            if self._older is not None:
                os.unlink("%s.%d" % (self._stem, self._older))
            self._older = self._base
        self._file, self._base, self._size = file, base, 0

    def close(self) -> None:
        """Say that nothing more will come."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _clean(self, line: bytes) -> bytes:
        for value, name in self._secrets:
            if value in line:
                line = line.replace(value, name)
        return line


def stamp() -> bytes:
    """Give the time as the CRI log format writes it."""
    now = time.time_ns()
    seconds, rest = divmod(now, 1_000_000_000)
    t = time.gmtime(seconds)
    return b"%04d-%02d-%02dT%02d:%02d:%02d.%09dZ" % (*t[:6], rest)


class Lines:
    """Cuts what arrives into lines; one longer than the limit is given in parts."""

    def __init__(self, longest_secret: int) -> None:
        self._kept = b""
        # A part ends early enough that no secret is cut in two.
        self._overlap = min(longest_secret, LINE_BYTES // 2)

    def feed(self, data: bytes) -> list[tuple[bytes, bool]]:
        """Take what arrived and give the lines that are whole."""
        data = self._kept + data
        *lines, self._kept = data.split(b"\n")
        found: list[tuple[bytes, bool]] = []
        for line in lines:
            found += self._parts(line, True)
        while len(self._kept) > LINE_BYTES + self._overlap:
            found.append((self._kept[:LINE_BYTES], False))
            self._kept = self._kept[LINE_BYTES:]
        return found

    def rest(self) -> list[tuple[bytes, bool]]:
        """Give what no line end followed."""
        found = self._parts(self._kept, True) if self._kept else []
        self._kept = b""
        return found

    def _parts(self, line: bytes, ends: bool) -> list[tuple[bytes, bool]]:
        parts: list[tuple[bytes, bool]] = []
        while len(line) > LINE_BYTES + self._overlap:
            parts.append((line[:LINE_BYTES], False))
            line = line[LINE_BYTES:]
        parts.append((line, ends))
        return parts


def longest_of(secrets: dict[str, str]) -> int:
    """Give the length of the longest value that is to be left out of a log."""
    return max([len(value) for value in secrets.values()] or [0])


class Container:
    """Starts the sandbox, follows it to its end, and ends it when asked."""

    def __init__(self, launch: dict[str, Any], private: dict[str, Any], log: Log) -> None:
        self._launch = launch
        self._private = private
        self._log = log
        self._lines: dict[bytes, Lines] = {}
        self._longest = longest_of(private["secrets"])
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
            timeout = max(0, (min(moments) - now) * 1000) if moments else None
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

    def _finish(self) -> None:
        for name, lines in self._lines.items():
            self._log.write(name, lines.rest())
        oom = out_of_memory(self._launch["group"])
        remove_groups(self._launch["group"])
        status, number = end_of(self._code)
        reason, told = self._reason, False
        if oom and (number == signal.SIGKILL or self._code != 0):
            reason = "memory limit %d MiB reached" % self._launch["memory_mib"]
        elif not reason and self._asked:
            told = True
            reason = "stopped" if number != signal.SIGKILL else "killed: it did not end in time"
        record_exit(status, number, reason, oom=oom, told=told)


def terminate(init: int) -> bool:
    """Send SIGTERM to a sandbox's main process; says whether somebody was there to get it."""
    main_process = _main_process(init)
    if main_process is None:
        return False
    try:
        os.kill(main_process, signal.SIGTERM)
    except OSError:
        pass
    return True


def _main_process(init: int) -> int | None:
    """The first child of the sandbox's init is the command itself."""
    if not init:
        return None
    try:
        with open("/proc/%d/task/%d/children" % (init, init)) as file:
            children = file.read().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def kill(*pids: int) -> None:
    """End every process at once: the kernel ends a pid namespace with its first process."""
    for pid in pids:
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def end_of(code: int | None) -> tuple[int | None, int | None]:
    """Give the (status, signal) that an exit code, as shells write it, stands for."""
    if code is not None and code < 0:
        return None, -code
    if code is not None and 128 < code <= 192:
        return None, code - 128
    return code, None


def read(descriptor: int) -> bytes | None:
    """Read what is there; None: nothing now, empty: never again."""
    try:
        return os.read(descriptor, READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


# --- control groups ------------------------------------------------------------------------------


def make_groups(group: dict[str, Any]) -> None:
    """Make the control groups and set their limits."""
    for folder in group["folders"]:
        try:
            os.mkdir(folder)
        except FileExistsError:
            pass
    for path, value in group["writes"]:
        try:
            with open(path, "w") as file:
                file.write(value)
        except OSError:
            pass  # not every kernel has every file: memory.memsw needs swap accounting


def out_of_memory(group: dict[str, Any]) -> bool:
    """Say whether the kernel ended a process for its memory limit."""
    for folder in group["folders"]:
        for name in ("memory.oom_control", "memory.events"):
            try:
                with open(folder + "/" + name) as file:
                    for line in file:
                        words = line.split()
                        if words[0] == "oom_kill" and int(words[1]):
                            return True
            except (OSError, ValueError, IndexError):
                pass
    return False


def remove_groups(group: dict[str, Any]) -> None:
    """Remove the groups; processes that were just killed leave them in their own time."""
    for tried in range(100):
        # Who ends by himself, such as a command that has just ended the container, may.
        if not clear(group["folders"], ends=tried > 0):
            return
        time.sleep(0.02)


def clear(folders: list[str], *, ends: bool = True) -> list[str]:
    """End what is in groups of the dead and remove them; gives those that are not empty yet."""
    left = []
    for folder in folders:
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            left.append(folder)
            if ends:
                end_all(folder)
    return left


def end_all(folder: str) -> None:
    """Kill whatever a group holds: something may have begun just when its parent was killed.

    What forks and leaves outruns who kills by a list: version 2 kills a group as a whole, and in
    version 1 a group stands still meanwhile, where it is the freezer's.
    """
    if told(folder + "/cgroup.kill", "1"):
        return
    freezes = told(folder + "/freezer.state", "FROZEN")
    try:
        with open(folder + "/cgroup.procs") as file:
            kill(*(int(pid) for pid in file.read().split()))
    except OSError:
        pass
    if freezes:
        told(folder + "/freezer.state", "THAWED")


def told(path: str, word: str) -> bool:
    """Write a word to a file of the kernel's; says whether it took it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(descriptor, word.encode())
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


# --- in the child --------------------------------------------------------------------------------


def begin(
    launch: dict[str, Any],
    private: dict[str, Any],
    out: int,
    err: int,
    told: int,
    given: dict[int, int] | None = None,
) -> None:
    """Become the sandbox. Whatever goes wrong is said on stderr, which is the container's log.

    `given` has what else the command is to have open: its descriptor's number, and ours.
    """
    given = given or {}
    try:
        os.dup2(err, 2)
        os.dup2(out, 1)
        os.dup2(given[0] if 0 in given else os.open("/dev/null", os.O_RDONLY), 0)
        for number, ours in given.items():
            os.dup2(ours, number)
        for path in launch["group"]["joins"]:
            try:
                with open(path, "w") as file:
                    file.write("0")
            except OSError as error:
                os.write(2, ("headway: %s: %s\n" % (path, error)).encode())
        try:
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("500")
        except OSError:
            pass
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        inside: Any = __import__("inside")
        inside.become(launch, private, told, set(given))
    except BaseException as error:  # nobody above could say it
        os.write(2, ("headway: the sandbox could not be started: %r\n" % error).encode())
    os._exit(125)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
