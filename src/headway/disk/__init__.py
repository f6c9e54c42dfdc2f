"""Files and directory trees, handled as every room that touches a disk must handle them.

Whole or not at all; never through a link; however deep.
"""
