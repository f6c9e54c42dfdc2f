"""When a runner's loop calls whom."""

import os

from headway.engines.process.runs.loop import Loop


def test_what_is_to_happen_in_years_keeps_nothing_from_happening_now():
    loop, called = Loop(), []
    reading, writing = os.pipe()
    loop.add(reading, lambda: called.append("now"))
    loop.after(3650 * 86_400.0, lambda: called.append("in ten years"))
    os.write(writing, b".")
    loop.turn()
    assert called == ["now"]
    os.close(reading)
    os.close(writing)
