"""The composition root: the only room that knows every other.

`python -m headway.serve up` runs the control plane in the foreground; the command line calls it.
"""
