"""The process of a runner: does the runs of one release, each in a sandbox of its own.

Run as `python -I -S runner.py DIRECTORY`, in place of a shim and by the same rules. It uses the
standard library only, and of headway only the files that do so, too.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from headway.engines.process.runs.supervisor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
