"""The documentation; its pages that are made from code are written by `python -m docs`."""
