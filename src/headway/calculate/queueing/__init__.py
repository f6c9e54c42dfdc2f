"""Whose turn it is among the runs that wait."""

from headway.calculate.queueing.decision import RATE_SPENT, pick_first, take_turns
from headway.calculate.queueing.line import Line
from headway.calculate.queueing.question import Ahead, Crew, Entry, Pick, Question, Terms, Turn
from headway.calculate.queueing.tallies import Tallies
from headway.calculate.queueing.turns import Turns

__all__ = [
    "RATE_SPENT",
    "Ahead",
    "Crew",
    "Entry",
    "Line",
    "Pick",
    "Question",
    "Tallies",
    "Terms",
    "Turn",
    "Turns",
    "pick_first",
    "take_turns",
]
