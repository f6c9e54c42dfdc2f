"""Time that is made up: it jumps, keeps its order, and needs no clock, thread or socket."""

import asyncio
import time
from functools import partial

import pytest

from headway.control.probe import ask
from headway.model.container import Container
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId
from headway.model.manifest import CheckType, HealthCheck
from headway.sim.engine import SimulatedEngine
from headway.sim.network import MadeUpNetwork
from headway.sim.virtual import Stuck, VirtualLoop, run_virtually
from tests.contract.store.test_store import NOW


def test_a_year_passes_at_once_and_timers_come_in_order():
    async def main(loop: VirtualLoop) -> list[str]:
        said: list[str] = []

        async def say(word: str, after_s: float) -> None:
            await asyncio.sleep(after_s)
            said.append(f"{word} {loop.time():g}")

        await asyncio.gather(say("year", 31536000), say("day", 86400), say("now", 0))
        return said

    began = time.monotonic()
    assert run_virtually(main) == ["now 0", "day 86400", "year 3.1536e+07"]
    assert time.monotonic() - began < 60


def test_timers_of_one_moment_come_in_the_order_in_which_they_were_set():
    async def main(loop: VirtualLoop) -> list[int]:
        said: list[int] = []
        timers = [loop.call_at(10, said.append, number) for number in range(50)]
        timers[7].cancel()
        await asyncio.sleep(10)
        return said

    assert run_virtually(main) == [number for number in range(50) if number != 7]


def test_a_callback_that_fails_is_told_of_and_the_others_are_called():
    async def main(loop: VirtualLoop) -> list[str]:
        told: list[str] = []
        loop.set_exception_handler(
            lambda _loop, what: told.append(type(what["exception"]).__name__)
        )
        loop.call_soon(int, "no number")
        loop.call_later(1, told.append, "later")
        await asyncio.sleep(2)
        return told

    assert run_virtually(main) == ["ValueError", "later"]


def test_what_libraries_ask_for_as_from_another_thread_is_called_in_its_turn():
    async def main(loop: VirtualLoop) -> list[str]:
        told: list[str] = []
        loop.call_soon(told.append, "first")
        loop.call_soon_threadsafe(told.append, "second")
        await asyncio.sleep(0)
        return told

    assert run_virtually(main) == ["first", "second"]


def test_limits_that_were_never_reached_are_not_kept_until_they_would_have_been():
    async def main(loop: VirtualLoop) -> int:
        for _ in range(10_000):
            async with asyncio.timeout(3600):
                await asyncio.sleep(0)
        assert loop.time() == 0
        return len(loop._timers)

    assert run_virtually(main) < 4000


def test_time_limits_hold_in_made_up_time():
    async def main(loop: VirtualLoop) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return loop.time()

    assert run_virtually(main) == 30


def test_waiting_for_what_never_comes_is_said():
    async def main(_loop: VirtualLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        run_virtually(main)


async def going_on() -> None:
    while True:
        await asyncio.sleep(0)


def test_who_goes_on_and_on_in_one_moment_is_named():
    async def main(_loop: VirtualLoop) -> None:
        task = asyncio.create_task(going_on())
        await asyncio.sleep(1)
        task.cancel()

    with pytest.raises(Stuck, match="going_on goes on and on"):
        run_virtually(main)


def test_who_is_told_of_it_may_end_it():
    async def main(loop: VirtualLoop) -> list[str]:
        said: list[str] = []
        task = asyncio.create_task(going_on())
        loop.on_spin = lambda who: (said.append(who), task.cancel())
        await asyncio.sleep(1)
        return said

    assert run_virtually(main) == ["going_on"]


def test_more_may_happen_in_one_moment_where_there_is_more():
    async def through(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)

    async def main(loop: VirtualLoop, *, size: int) -> None:
        loop.size = lambda: size
        task = asyncio.create_task(through(25_000))
        await asyncio.sleep(1)
        await task

    run_virtually(partial(main, size=20_000))
    with pytest.raises(Stuck, match="through goes on and on"):
        run_virtually(partial(main, size=100))


def test_who_makes_ever_more_in_one_moment_is_named():
    async def main(loop: VirtualLoop) -> None:
        made: list[int] = []
        loop.size = lambda: len(made)

        async def making() -> None:
            while True:
                made.append(1)
                await asyncio.sleep(0)

        asyncio.create_task(making())  # noqa: RUF006 (it never ends)
        await asyncio.sleep(1)

    with pytest.raises(Stuck, match="making goes on and on"):
        run_virtually(main)


@pytest.mark.parametrize(
    ("well", "healthy", "answer"),
    [(True, True, "200"), (False, False, "503 no"), (None, False, "connection refused")],
)
def test_health_checks_go_over_the_made_up_network(well, healthy, answer):
    network = MadeUpNetwork()
    network.answering = lambda host, port: well if (host, port) == ("10.0.0.1", 20000) else None
    container = Container(
        id=ContainerId("a"),
        environment=EnvironmentId("demo~1"),
        app=AppName("web"),
        process="web",
        release=1,
        node=NodeId("n1"),
        host="10.0.0.1",
        ports={"http": 20000},
        created_at=NOW,
    )

    async def main(_loop: VirtualLoop):
        return await ask(SimulatedEngine([]), container, HealthCheck(type=CheckType.HTTP))

    said = run_virtually(main, network)
    assert (said.healthy, said.answer) == (healthy, answer)


def test_a_group_of_tasks_is_cancelled_in_the_same_order_wherever_its_tasks_lie_in_memory():
    def cancelled(spread: int) -> list[int]:
        said: list[int] = []
        kept: list[bytearray] = []

        async def stand(number: int) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                said.append(number)

        async def main(_loop: VirtualLoop) -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(100):
                    group.create_task(stand(number))
                    kept.extend(bytearray(24) for _ in range(spread * number % 7))
                await asyncio.sleep(1)
                raise LookupError

        with pytest.raises(ExceptionGroup):
            run_virtually(main)
        return said

    orders = [cancelled(spread) for spread in range(5)]
    assert sorted(orders[0]) == list(range(100))
    assert all(order == orders[0] for order in orders)
