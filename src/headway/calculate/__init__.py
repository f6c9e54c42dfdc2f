"""The decisions: pure functions of a snapshot and `now` that give a plan and its reasons.

Nothing here awaits, reads a clock or touches the world, so `plan`, `why` and the loops share it.
"""
