"""Say where each planted bug is found now: `python -m tests.simulation.planted [bug…]`.

What has another world than the one that is kept with it takes longer to be found than it need.
"""

import sys

from tests.simulation.planted import BUGS
from tests.simulation.planted.search import NotFound, search


def main() -> None:
    for name in sys.argv[1:] or BUGS:
        kept = BUGS[name].world
        try:
            world = search(BUGS[name])
        except NotFound as error:
            line = f"not found {error}"
        else:
            line = str(world) if world == kept else f"{world}; kept is: {kept}"
        sys.stdout.write(f"{name}: {line}\n")
        sys.stdout.flush()


main()
