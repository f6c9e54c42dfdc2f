"""Pictures of anything: well-formed, whole, the same in whatever order things are told."""

from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from headway.calculate.layers import layered
from headway.model.deployment import Phase
from headway.model.run import RunState
from headway.model.view.amount import Amount
from headway.web.pictures.attempts import attempts
from headway.web.pictures.crowd import Crowd, crowd
from headway.web.pictures.density import Bucket, density
from headway.web.pictures.graph import Box, graph
from headway.web.pictures.heatmap import heatmap
from headway.web.pictures.lane import lane
from headway.web.pictures.packing import Packed, packing
from headway.web.pictures.parts.text import fit, measure
from headway.web.pictures.spark import Spark, spark
from headway.web.pictures.strip import Times, strip
from headway.web.pictures.traffic import Share, traffic
from headway.web.pictures.waterfall import waterfall
from headway.web.tone import Tone
from tests.unit.web.pictures.reading import Seen
from tests.unit.web.pictures.things import NOW, ago, attempt, container, deployment, queue, run

FEW = settings(max_examples=25)
TEXT = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["</svg><script>", "\u202ecod.exe", "\x1b]0;x\x07", "]]>", "W" * 300, "﷽" * 9]),
)
WIDTH = st.floats(320, 1600)
TONE = st.sampled_from(Tone)
SECONDS = st.floats(0, 1e7)
NODES = st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=10, unique=True)
EDGES = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("abcdefghij")))


@FEW
@given(TEXT, st.floats(0, 500), st.floats(8, 20))
def test_a_text_never_needs_more_than_its_room(text: str, room: float, size: float) -> None:
    assert measure(fit(text, room, size), size) <= room + 0.02


@given(NODES, EDGES, st.randoms())
def test_layers_are_the_same_in_whatever_order_they_are_told(nodes, edges, random) -> None:
    found = layered(nodes, edges)
    random.shuffle(nodes)
    random.shuffle(edges)
    assert layered(nodes, edges) == found


@given(NODES, EDGES)
def test_every_node_and_every_line_has_a_place_of_its_own(nodes, edges) -> None:
    found = layered(nodes, edges)
    assert {place.node for place in found.places} == set(nodes)
    own = {(place.layer, place.rank) for place in found.places}
    passed = {(p.layer, p.rank) for line in found.lines for p in line.places if not p.node}
    assert len(own) == len(nodes)
    assert not own & passed
    assert len(own | passed) == sum(found.heights)
    wanted = {(a, b) for a, b in edges if a != b and {a, b} <= set(nodes)}
    assert {(line.begin, line.end) for line in found.lines} == wanted
    for line in found.lines:
        layers = [place.layer for place in line.places]
        assert layers == list(range(layers[0], layers[0] + len(layers)))


@given(st.lists(st.builds(Box, name=TEXT, word=TEXT, tone=TONE, detail=TEXT, to=TEXT)), st.data())
def test_a_graph_is_whole_and_its_boxes_are_apart(boxes, data) -> None:
    names = [box.name for box in boxes] or [""]
    ends = st.sampled_from(names)
    needs = data.draw(st.lists(st.tuples(ends, ends), max_size=20))
    svg = graph(boxes, needs)
    seen = Seen(svg)
    seen.assert_whole()
    drawn = seen.extents("rect", "box")
    for number, one in enumerate(drawn):
        assert not any(one.touches(other) for other in drawn[number + 1 :])
    last = {box.name: box for box in boxes}
    assert graph(list(last.values())[::-1], needs[::-1]) == svg


@settings(max_examples=5)
@given(st.integers(), st.integers(0, 1000))
def test_a_thousand_apps_are_drawn(seed, wrong) -> None:
    random = Random(seed)
    names = [f"app-{number}" for number in range(1000)]
    boxes = [
        Box(name=name, word="x", tone=Tone.BAD if number < wrong else Tone.GOOD)
        for number, name in enumerate(names)
    ]
    needs = [(random.choice(names), random.choice(names)) for _ in range(5000)]
    Seen(graph(boxes, needs)).assert_whole()


@FEW
@given(
    st.lists(st.tuples(SECONDS, st.sampled_from(Phase), TEXT, TEXT), max_size=12),
    st.lists(st.tuples(SECONDS, st.none() | SECONDS, TEXT), max_size=4),
    WIDTH,
)
def test_a_waterfall_is_whole(steps, rows, width) -> None:
    row = deployment(*sorted(steps))
    containers = tuple(
        container(slot, healthy=healthy, ended=ended, answer=answer)
        for slot, (healthy, ended, answer) in enumerate(rows)
    )
    Seen(waterfall(row, containers, NOW, width)).assert_whole()


TRIES = st.builds(
    attempt, st.integers(1, 1000), SECONDS, st.none() | SECONDS, st.sampled_from(RunState)
)
RUNS = st.builds(
    lambda number, state, tries, created: run(number, state, *tries, created=created),
    st.integers(0, 9999),
    st.sampled_from(RunState),
    st.lists(TRIES, max_size=3),
    SECONDS,
)


@FEW
@given(RUNS, WIDTH)
def test_attempts_are_whole(row, width) -> None:
    Seen(attempts(row, NOW, width)).assert_whole()


@FEW
@given(st.lists(RUNS, max_size=60), WIDTH, st.randoms())
def test_the_last_runs_are_whole_and_in_order_of_time(rows, width, random) -> None:
    svg = heatmap(rows, NOW, width)
    Seen(svg).assert_whole()
    apart = list({(row.created_at, row.id): row for row in rows}.values())
    svg = heatmap(apart, NOW, width)
    random.shuffle(apart)
    assert heatmap(apart, NOW, width) == svg


@FEW
@given(st.lists(st.builds(Share, name=TEXT, percent=st.floats(-1, 1e6), tone=TONE), max_size=9))
def test_traffic_is_whole(shares) -> None:
    Seen(traffic(shares)).assert_whole()


NUMBER = st.floats(-1e3, 1e12)
AMOUNT = st.builds(
    Amount, name=TEXT, unit=TEXT, there=NUMBER, reserved=NUMBER, used=st.none() | NUMBER
)
PACKED = st.builds(
    Packed,
    name=TEXT,
    word=TEXT,
    tone=TONE,
    amounts=st.lists(AMOUNT, max_size=3).map(tuple),
    note=TEXT,
    to=TEXT,
)


@FEW
@given(st.lists(PACKED, max_size=30), WIDTH)
def test_packing_is_whole(nodes, width) -> None:
    Seen(packing(nodes, width)).assert_whole()


TENTHS = st.lists(st.integers(0, 10**6), min_size=10, max_size=10).map(tuple)
CROWD = st.builds(
    Crowd,
    counts=st.dictionaries(TEXT, st.integers(0, 10**6), max_size=5),
    amounts=st.lists(AMOUNT, max_size=3).map(tuple),
    reserved=TENTHS,
    used=TENTHS,
    odd=st.lists(PACKED, max_size=30).map(tuple),
    odd_count=st.integers(0, 10**6),
)


@FEW
@given(CROWD, WIDTH)
def test_a_crowd_of_nodes_is_whole(what, width) -> None:
    Seen(crowd(what, width)).assert_whole()


MEASURED = st.builds(
    Spark,
    name=TEXT.filter(bool),
    unit=TEXT,
    values=st.lists(st.none() | st.floats(-1e3, 1e12), max_size=80).map(tuple),
    step_s=st.floats(0.1, 1e4),
)


@FEW
@given(MEASURED)
def test_a_sparkline_is_whole(row) -> None:
    Seen(spark(row)).assert_whole()


@FEW
@given(st.integers(0, 10**9), st.integers(0, 10**9), st.none() | st.integers(1, 10**6), WIDTH)
def test_a_lane_is_whole(running, waiting, concurrency, width) -> None:
    view = queue(running=running, waiting=waiting, concurrency=concurrency)
    Seen(lane(view, width)).assert_whole()


@FEW
@given(
    st.lists(st.tuples(SECONDS, st.integers(0, 10**6), st.integers(0, 10**6)), max_size=60), WIDTH
)
def test_density_is_whole(rows, width) -> None:
    buckets = [
        Bucket(begin=ago(begin), lines=max(lines, stderr), stderr=stderr)
        for begin, lines, stderr in sorted(rows, reverse=True)
    ]
    Seen(density(buckets, NOW, width)).assert_whole()


@FEW
@given(
    st.lists(
        st.builds(
            Times,
            name=TEXT,
            at=st.lists(SECONDS.map(lambda s: ago(-s)), max_size=9).map(sorted).map(tuple),
            paused=st.booleans(),
            to=TEXT,
        ),
        max_size=6,
    ),
    st.floats(60, 1e7),
    WIDTH,
)
def test_a_schedule_strip_is_whole(rows, span, width) -> None:
    Seen(strip(rows, NOW, timedelta(seconds=span), width)).assert_whole()
