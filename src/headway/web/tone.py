"""How a state looks: its tone, for the eye, and its word."""

from enum import StrEnum


class Tone(StrEnum):
    """What a state means to who looks."""

    GOOD = "good"
    MOVING = "moving"
    CARE = "care"
    BAD = "bad"
    QUIET = "quiet"


_WORDS = {
    Tone.GOOD: "healthy succeeded ready held active passed ok done live",
    Tone.MOVING: (
        "building releasing starting probing switching running queued waiting pending draining "
        "stopping requested booting booked ending leaving canary"
    ),
    Tone.CARE: (
        "degraded stuck paused reverting rolled_back unhealthy cordoned late suspect expired "
        "unanswered"
    ),
    Tone.BAD: "failed timed_out lost dead refused broken trouble stranded",
}
_TONES = {word: tone for tone, words in _WORDS.items() for word in words.split()}


def tone(word: str) -> Tone:
    """Give the tone of a state's word; what is unknown or over is quiet.

    >>> tone("rolled_back").value, tone("healthy").value, tone("exited").value
    ('care', 'good', 'quiet')
    """
    return _TONES.get(word, Tone.QUIET)


def words(state: str) -> str:
    """Write a state's word for people.

    >>> words("timed_out")
    'timed out'
    """
    return state.replace("_", " ")
