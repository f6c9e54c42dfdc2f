"""What every filling of the engine port promises about logs."""

import asyncio
import itertools

import pytest

from headway.model.ids import ContainerId
from headway.model.log import Stream
from headway.model.resources import MIB, Resources
from headway.ports.engine import Engine, NoSuchContainer
from tests.contract.engine.orders import begun, ended, lines, order, result, said, texts

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


async def test_lines_come_in_order_with_their_stream_and_a_rising_cursor(engine: Engine) -> None:
    wanted = order("for i in 1 2 3; do echo $i; done; echo bad >&2; printf unfinished")
    await result(engine, wanted)
    log = await lines(engine, wanted.id)
    assert [line.text for line in log if line.stream is Stream.STDOUT] == [
        "1",
        "2",
        "3",
        "unfinished",
    ]
    assert [line.text for line in log if line.stream is Stream.STDERR] == ["bad"]
    cursors = [line.cursor for line in log]
    assert cursors == sorted(set(cursors))
    assert all(one.at <= two.at for one, two in itertools.pairwise(log))


async def test_every_cursor_leads_to_exactly_the_lines_behind_it(engine: Engine) -> None:
    wanted = order("seq 1 20")
    await result(engine, wanted)
    log = await lines(engine, wanted.id)
    for number, line in enumerate(log):
        assert await lines(engine, wanted.id, after=line.cursor) == log[number + 1 :]


@pytest.mark.parametrize("tail", [0, 1, 7, 20, 21])
async def test_a_tail_is_the_last_lines(engine: Engine, tail: int) -> None:
    wanted = order("seq 1 20")
    await result(engine, wanted)
    expected = [str(number) for number in range(1, 21)]
    assert await texts(engine, wanted.id, tail=tail) == expected[20 - min(tail, 20) :]


async def test_pages_of_lines_can_be_turned_back_to_the_first(engine: Engine) -> None:
    wanted = order("seq 1 20")
    await result(engine, wanted)
    log = await lines(engine, wanted.id)
    for number, line in enumerate(log):
        ahead = await lines(engine, wanted.id, before=line.cursor, tail=3)
        assert ahead == log[max(0, number - 3) : number]
    assert await lines(engine, wanted.id, before=log[4].cursor) == log[:4]
    assert await lines(engine, wanted.id, after=log[1].cursor, before=log[4].cursor) == log[2:4]
    assert await lines(engine, wanted.id, before=log[-1].cursor + 1, tail=1) == log[-1:]
    assert await lines(engine, wanted.id, before=1, tail=5) == []


async def test_following_gives_lines_as_they_come_and_ends_with_the_container(
    engine: Engine,
) -> None:
    wanted = order("echo one; while ! [ -e /tmp/go ]; do sleep 0.02; done; echo two")
    await begun(engine, wanted)
    seen: list[str] = []
    async with asyncio.timeout(20):
        async for line in engine.logs(wanted.id, follow=True):
            seen.append(line.text)
            if line.text == "one":
                session = await engine.exec(wanted.id, ("touch", "/tmp/go"))
                async for _ in session.output():
                    pass
                assert await session.close() == 0
    assert seen == ["one", "two"]


async def test_a_line_longer_than_16_kib_comes_in_parts_that_join(engine: Engine) -> None:
    wanted = order("head -c 50000 /dev/zero | tr '\\0' x; echo; echo after")
    await result(engine, wanted)
    *parts, after = await lines(engine, wanted.id)
    assert [part.partial for part in parts] == [True] * (len(parts) - 1) + [False]
    assert "".join(part.text for part in parts) == "x" * 50_000
    assert all(len(part.text) <= 16 * 1024 for part in parts)
    assert (after.text, after.partial) == ("after", False)


async def test_a_full_log_keeps_its_newest_lines_under_stable_cursors(engine: Engine) -> None:
    wanted = order('seq -f "%08.0f" 1 60000', resources=Resources(log_mib=1))
    await result(engine, wanted)
    log = await lines(engine, wanted.id)
    stamped_bytes = len("2026-11-21T04:17:00.123456789Z stdout F 00000001\n")
    assert len(log) * stamped_bytes <= MIB
    numbers = [int(line.text) for line in log]
    assert numbers[0] > 1
    assert numbers == list(range(numbers[0], 60_001))
    middle = log[len(log) // 2]
    assert (await lines(engine, wanted.id, after=middle.cursor))[0] == log[len(log) // 2 + 1]
    assert await lines(engine, wanted.id, after=0) == log
    assert await lines(engine, wanted.id, tail=5) == log[-5:]
    assert (
        await lines(engine, wanted.id, before=middle.cursor, tail=5)
        == log[len(log) // 2 - 5 : len(log) // 2]
    )
    assert await lines(engine, wanted.id, before=log[3].cursor, tail=5) == log[:3]


async def test_secrets_never_reach_the_log(engine: Engine) -> None:
    wanted = order(
        'echo "a $TOKEN b$TOKEN"; echo "$PEM" >&2; printf "%s" "$TOKEN" | dd bs=1 2>/dev/null;'
        'echo; echo "$SHORT $PLAIN"',
        variables={
            "TOKEN": "hunter2hunter2",
            "PEM": "-----BEGIN-----\nQUJDREVG\n-----END-----",
            "SHORT": "abc",
            "PLAIN": "shown",
        },
        secrets=("TOKEN", "PEM", "SHORT"),
    )
    await result(engine, wanted)
    log = await lines(engine, wanted.id)
    out = [line.text for line in log if line.stream is Stream.STDOUT]
    assert out == ["a [TOKEN] b[TOKEN]", "[TOKEN]", "abc shown"]
    assert [line.text for line in log if line.stream is Stream.STDERR] == ["[PEM]"] * 3


async def test_bytes_that_are_no_text_are_shown_as_far_as_they_are(engine: Engine) -> None:
    wanted = order(r"printf 'a\377b\n\n\r\nz\000z\n'")
    await result(engine, wanted)
    assert await texts(engine, wanted.id) == ["a�b", "", "\r", "z\0z"]


async def test_a_process_that_left_its_output_open_does_not_keep_the_end_back(
    engine: Engine,
) -> None:
    wanted = order("(setsid sleep 600 &); echo up; exit 3")
    fact, log = await result(engine, wanted)
    assert fact.exit.status == 3
    assert log == ["up"]


async def test_a_flood_of_output_neither_blocks_the_container_nor_its_stop(engine: Engine) -> None:
    wanted = order("echo up; exec yes", resources=Resources(log_mib=1))
    await begun(engine, wanted)
    await said_early(engine, wanted.id)
    await engine.stop(wanted.id, 10)
    assert (await ended(engine, wanted.id)).exit.signal == 15


async def said_early(engine: Engine, container: ContainerId) -> None:
    """Wait for output, whichever line is the oldest that is still kept."""
    async with asyncio.timeout(20):
        async for line in engine.logs(container, follow=True):
            if line.text in ("up", "y"):
                return


async def test_there_is_no_log_of_what_never_was(engine: Engine) -> None:
    with pytest.raises(NoSuchContainer):
        await lines(engine, ContainerId("never-started"))


async def test_a_log_can_be_read_while_it_is_written(engine: Engine) -> None:
    wanted = order("echo one; exec sleep 600")
    await begun(engine, wanted)
    await said(engine, wanted.id, "one")
    assert await texts(engine, wanted.id) == ["one"]
    assert await texts(engine, wanted.id, tail=1) == ["one"]
