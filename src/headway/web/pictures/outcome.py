"""How states of runs look."""

from headway.model.run import RunState
from headway.web.pictures.parts.tone import Tone

TONES = {
    RunState.WAITING: Tone.QUIET,
    RunState.QUEUED: Tone.QUIET,
    RunState.STARTING: Tone.MOVING,
    RunState.RUNNING: Tone.MOVING,
    RunState.SUCCEEDED: Tone.GOOD,
    RunState.FAILED: Tone.BAD,
    RunState.CANCELLED: Tone.CARE,
    RunState.TIMED_OUT: Tone.BAD,
    RunState.LOST: Tone.BAD,
    RunState.EXPIRED: Tone.CARE,
    RunState.DEAD: Tone.BAD,
}


def word(state: RunState) -> str:
    """Write a state for people.

    >>> word(RunState.TIMED_OUT)
    'timed out'
    """
    return state.value.replace("_", " ")
