"""In the child: from a fork of the shim to the sandbox."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would cost every container its memory
    from typing import Any


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
        from headway.engines.process import inside  # in the child only: the shim stays small

        inside.become(launch, private, told, set(given))
    except BaseException as error:  # nobody above could say it
        os.write(2, ("headway: the sandbox could not be started: %r\n" % error).encode())
    os._exit(125)
