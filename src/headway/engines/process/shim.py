"""The small process that each container has: it starts it, keeps its log, and records its end.

Run as `python -I -S shim.py DIRECTORY`. It is a few lines, as Python compiles a script each time
that it is run; what it does is in `shims`, which is compiled once. It outlives the agent and the
control plane; everything they need to know of it after a crash is in its directory:

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

import os
import sys

sys.path.append(os.path.abspath(__file__).rsplit("/", 4)[0])

from headway.engines.process.shims.container import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
