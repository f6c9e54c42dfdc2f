from headway.calculate.use import Answered, answered, use, uses
from headway.model.figures import Use
from headway.model.order import NodeReading, Reading
from headway.model.route import Traffic


def reading(at_s: float, cpu_s: float, **containers: float) -> NodeReading:
    rows = {name: Reading(cpu_s=spent, memory_bytes=7) for name, spent in containers.items()}
    return NodeReading(
        node="n", at_s=at_s, total=Reading(cpu_s=cpu_s, memory_bytes=100), containers=rows
    )


def test_what_is_used_is_what_was_counted_since_the_last_reading():
    before, now = reading(10, 5.0, web=1.0), reading(20, 12.0, web=6.0)
    assert use(before, now) == Use(cpu=0.7, memory_bytes=100)
    assert uses(before, now) == {"web": Use(cpu=0.5, memory_bytes=7)}


def test_what_was_read_once_uses_memory_and_nobody_knows_how_much_processor():
    assert use(None, reading(10, 5.0)) == Use(cpu=None, memory_bytes=100)
    assert uses(None, reading(10, 5.0, web=3.0)) == {"web": Use(cpu=None, memory_bytes=7)}


def test_a_container_that_is_new_began_since_the_last_reading():
    before, now = reading(10, 5.0), reading(20, 7.0, web=2.0)
    assert uses(before, now)["web"].cpu == 0.2


def test_a_counter_that_began_anew_tells_nothing():
    before, now = reading(10, 50.0, web=9.0), reading(20, 1.0, web=1.0)
    assert use(before, now).cpu is None
    assert uses(before, now)["web"].cpu is None
    assert answered(Traffic(requests=9), Traffic(requests=1), 10) == Answered()


def test_two_readings_at_one_moment_tell_nothing():
    assert use(reading(10, 5.0), reading(10, 5.0)).cpu is None
    assert answered(None, Traffic(requests=1), 0) == Answered()
