"""What each picture says, to the eye and read out."""

from datetime import timedelta

import msgspec
import pytest

from headway.model.deployment import Phase
from headway.model.failure import Failure
from headway.model.run import RunState
from headway.model.view.amount import Amount
from headway.web.gallery import both
from headway.web.pictures.attempts import attempts
from headway.web.pictures.crowd import Crowd, crowd
from headway.web.pictures.density import Bucket, density
from headway.web.pictures.graph import BOXES_MAX, Box, graph
from headway.web.pictures.heatmap import COLUMNS, heatmap
from headway.web.pictures.lane import lane
from headway.web.pictures.packing import Packed, packing
from headway.web.pictures.spark import Spark, spark
from headway.web.pictures.strip import TIMES_MAX, Times, strip
from headway.web.pictures.traffic import Share, traffic
from headway.web.pictures.waterfall import waterfall
from headway.web.tone import Tone
from tests.unit.web.pictures.reading import Seen
from tests.unit.web.pictures.things import NOW, ago, attempt, container, deployment, queue, run

WIDTHS = pytest.mark.parametrize("width", [340.0, 920.0])


def box(name: str, word: str = "healthy", tone: Tone = Tone.GOOD) -> Box:
    return Box(name=name, word=word, tone=tone, detail="v2", to=f"/envs/demo/apps/{name}")


def test_the_graph_has_each_app_with_its_state_and_leads_to_it() -> None:
    seen = Seen(graph([box("web", "failed", Tone.BAD), box("db")], [("web", "db")]))
    seen.assert_whole()
    assert {"web", "failed · v2", "db", "healthy · v2"} <= set(seen.texts)
    assert seen.links == ["/envs/demo/apps/web", "/envs/demo/apps/db"]
    assert "web needs db" in seen.titles
    assert seen.says == "What needs what: 2 apps: 1 failed, 1 healthy. web is failed · v2"
    assert seen.with_class("mark", "bad")


def test_a_large_graph_is_what_is_wrong_and_what_is_next_to_it() -> None:
    boxes = [box(f"app-{number:03}") for number in range(300)]
    boxes[7] = box("app-007", "failed", Tone.BAD)
    edges = [("app-006", "app-007"), ("app-007", "app-008"), ("app-100", "app-101")]
    seen = Seen(graph(boxes, edges))
    seen.assert_whole()
    assert {text for text in seen.texts if text.startswith("app")} == {
        "app-006",
        "app-007",
        "app-008",
    }
    assert "not drawn: 297 healthy" in seen.texts


def test_where_everything_is_wrong_the_graph_stays_small() -> None:
    boxes = [box(f"a{number}", "failed", Tone.BAD) for number in range(1000)]
    seen = Seen(graph(boxes, [(f"a{n}", f"a{n * 7 % 1000}") for n in range(1000)]))
    assert len(seen.links) == BOXES_MAX
    assert "and 988 more" in seen.says


def test_an_environment_without_apps_has_a_graph_that_says_so() -> None:
    assert Seen(graph([], [])).says == "What needs what: 0 apps: none"


ROLLED_BACK = deployment(
    (1, Phase.BUILDING, "building", ""),
    (14, Phase.WAITING, "built", "build b1 succeeded"),
    (22, Phase.STARTING, "starting v12", ""),
    (30, Phase.REVERTING, "going back to v11", "web.2 answered 503"),
    (34, Phase.ROLLED_BACK, "v11 serves everything", "web.2 answered 503"),
)


@WIDTHS
def test_the_waterfall_has_steps_in_time_and_what_probes_answered(width: float) -> None:
    containers = (
        container(1, healthy=14, ended=None, answer="200"),
        container(2, healthy=None, ended=10, answer="503"),
    )
    seen = Seen(waterfall(ROLLED_BACK, containers, NOW, width))
    seen.assert_whole()
    assert {"queued", "building", "built", "starting v12", "web.1", "web.2"} <= set(seen.texts)
    assert "done · 13 s" in seen.texts
    assert "web.2 answered 503" in seen.texts
    assert "ended · 8.0 s" in seen.texts
    assert any("GET /health → 200, 3 tries" in title for title in seen.titles)
    assert "web, deployment 12: rolled back after 34 s, because web.2 answered 503" in seen.says


def test_the_step_that_failed_is_told_from_those_before_and_after_it() -> None:
    failed = msgspec.structs.replace(ROLLED_BACK, failure=Failure(because="web.2 answered 503"))
    seen = Seen(waterfall(failed, (), NOW))
    assert "failed · 8.0 s" in seen.texts
    assert len([text for text in seen.texts if text.startswith("done")]) == 4
    assert not [text for text in Seen(waterfall(ROLLED_BACK, (), NOW)).texts if "failed" in text]


def test_a_container_that_is_not_well_yet_has_failed_only_when_the_deployment_is_over() -> None:
    slow = container(1, healthy=None, ended=None, answer="503")
    moving = deployment((1, Phase.STARTING, "starting v12", ""))
    assert not Seen(waterfall(moving, (slow,), NOW)).with_class("bar", "bad")
    seen = Seen(waterfall(ROLLED_BACK, (slow,), NOW))
    assert seen.with_class("bar", "bad")
    assert [text for text in seen.texts if text.startswith("never healthy")]


@WIDTHS
def test_what_goes_on_is_told_from_what_is_over(width: float) -> None:
    moving = deployment((1, Phase.BUILDING, "building", ""))
    seen = Seen(waterfall(moving, (), NOW, width))
    seen.assert_whole()
    assert len(seen.with_class("bar", "moving", "open")) == 1
    assert "building for 40 s" in seen.says


def test_what_came_after_a_deployment_is_no_part_of_its_waterfall() -> None:
    done = deployment((22, Phase.STARTING, "starting v12", ""), (30, Phase.SUCCEEDED, "done", ""))
    later = container(1, healthy=14, ended=1, answer="200")
    seen = Seen(waterfall(done, (later,), NOW + timedelta(days=9)))
    assert "healthy · 8.0 s" in seen.texts
    assert max(text for text in seen.texts if text.endswith(" s") and len(text) == 4) == "30 s"


def test_of_many_containers_those_in_trouble_are_drawn() -> None:
    moving = deployment((1, Phase.STARTING, "starting v12", ""))
    good = [container(slot, healthy=14, ended=None, answer="200") for slot in range(100)]
    bad = container(100, healthy=None, ended=10, answer="503")
    texts = Seen(waterfall(moving, (*good, bad), NOW)).texts
    assert "web.100" in texts
    assert "and 77 more" in texts


def test_containers_of_other_deployments_are_not_in_the_waterfall() -> None:
    foreign = container(9, healthy=1, ended=None, answer="200")
    moving = deployment((1, Phase.BUILDING, "building", ""))
    assert "web.9" in Seen(waterfall(moving, (foreign,), NOW)).texts
    other = type(moving)(
        **{name: getattr(moving, name) for name in moving.__struct_fields__ if name != "id"},
        id="dep-2",
    )
    assert "web.9" not in Seen(waterfall(other, (foreign,), NOW)).texts


@WIDTHS
def test_the_attempts_of_a_run_are_told_apart(width: float) -> None:
    row = run(
        7,
        RunState.RUNNING,
        attempt(1, 90, 30, RunState.FAILED),
        attempt(2, 20, None, None),
        created=100,
    )
    seen = Seen(attempts(row, NOW, width))
    seen.assert_whole()
    assert {"waited", "attempt 1", "failed · 31 s", "attempt 2", "running · 21 s"} <= set(
        seen.texts
    )
    assert seen.links == ["/runs/run-0007?attempt=1", "/runs/run-0007?attempt=2"]
    assert "run-0007 is running after 1 min 40 s and 2 attempts" in seen.says


def test_a_run_with_many_attempts_has_the_last_ones_drawn() -> None:
    tries = [attempt(n, 4000 - 10 * n, 5, RunState.FAILED) for n in range(1, 201)]
    seen = Seen(attempts(run(7, RunState.DEAD, *tries, created=4000), NOW))
    seen.assert_whole()
    assert "waited, and 170 attempts more" in seen.texts


def test_a_run_that_waits_says_so() -> None:
    assert "waiting · 1 h" in Seen(attempts(run(1, RunState.WAITING), NOW)).texts


def test_traffic_has_each_release_with_its_share() -> None:
    shares = [Share(name="v11", percent=90), Share(name="v12", percent=10, tone=Tone.MOVING)]
    seen = Seen(traffic(shares))
    seen.assert_whole()
    old, new = seen.extents("rect")
    assert (old.right - old.left) / (new.right - new.left) == pytest.approx(9, rel=0.1)
    assert seen.says == "Traffic: v11 gets 90 %, v12 gets 10 %"


def test_traffic_of_nothing_says_so() -> None:
    assert Seen(traffic([])).says == "Traffic: no requests go anywhere"


@WIDTHS
def test_the_last_runs_are_columns_by_outcome_and_length(width: float) -> None:
    rows = [
        run(
            n,
            RunState.SUCCEEDED,
            attempt(1, 60 * (60 - n), 10, RunState.SUCCEEDED),
            created=3700 - n,
        )
        for n in range(50)
    ]
    rows.append(run(50, RunState.FAILED, attempt(1, 60, 40, RunState.FAILED), created=60))
    seen = Seen(heatmap(rows, NOW, width))
    seen.assert_whole()
    assert len(seen.links) == COLUMNS
    assert seen.links[-1] == "/runs/run-0050"
    (bad,) = seen.extents("rect", "bad")
    good = seen.extents("rect", "good")[0]
    assert (bad.bottom - bad.top) / (good.bottom - good.top) == pytest.approx(4, rel=0.01)
    assert len(seen.with_class("mark", "bad")) == 1
    assert "47 succeeded, 1 failed; one that succeeds takes 10 s" in seen.says


def test_a_job_without_runs_says_so() -> None:
    assert Seen(heatmap([], NOW)).texts == ["no run yet"]


def node(number: int, reserved: float = 4, word: str = "ready", tone: Tone = Tone.GOOD) -> Packed:
    cpu = Amount(name="cpu", unit="cores", there=8, reserved=reserved, used=1.5)
    memory = Amount(name="memory", unit="GiB", there=32, reserved=8)
    return Packed(
        name=f"node-{number:04}",
        word=word,
        tone=tone,
        amounts=(cpu, memory),
        note="room for 3 of web",
        to=f"/nodes/node-{number:04}",
    )


@WIDTHS
def test_nodes_say_what_is_reserved_used_and_free(width: float) -> None:
    seen = Seen(packing([node(2, word="lost", tone=Tone.BAD), node(1)], width))
    seen.assert_whole()
    assert seen.links == ["/nodes/node-0001", "/nodes/node-0002"]
    assert {"cpu 4 of 8 cores reserved", "1.5 used", "4 free"} <= set(seen.texts)
    assert {"memory 8 of 32 GiB reserved", "not measured"} <= set(seen.texts)
    place = seen.extents("rect", "place")[0]
    whole = place.right - place.left
    shares = [
        (bar.right - bar.left) / whole
        for word in ("reserved", "used")
        for bar in seen.extents("rect", word)[1:2]  # behind the one that stands at its word
    ]
    assert shares == pytest.approx([0.5, 1.5 / 8], rel=0.01)
    assert seen.says == (
        "Packing: 2 nodes: 1 lost, 1 ready. "
        "cpu 8 of 16 cores reserved, 3 used, 8 free; "
        "memory 16 of 64 GiB reserved, not measured, 48 free"
    )


@WIDTHS
def test_of_a_large_fleet_it_is_said_how_many_are_how_full_and_which_are_wrong(
    width: float,
) -> None:
    cpu = Amount(name="cpu", unit="cores", there=15992, reserved=7000, used=300)
    what = Crowd(
        counts={"ready": 1970, "lost": 30},
        amounts=(cpu,),
        reserved=(0, 0, 0, 1000, 0, 0, 0, 0, 250, 750),
        used=(0, 2000, 0, 0, 0, 0, 0, 0, 0, 0),
        odd=tuple(node(number, word="lost", tone=Tone.BAD) for number in range(30)),
        odd_count=30,
    )
    seen = Seen(crowd(what, width))
    seen.assert_whole()
    assert seen.links == [f"/nodes/node-{number:04}" for number in range(24)]
    assert "250 nodes: 80 to 90 % reserved" in seen.titles
    assert "2000 nodes: 10 to 20 % used" in seen.titles
    assert "and 6 more that are not ready" in seen.texts
    assert seen.says == (
        "Packing: 2000 nodes: 30 lost, 1970 ready. "
        "cpu 7000 of 15992 cores reserved, 300 used, 8992 free"
    )


@WIDTHS
def test_the_lane_of_a_queue_has_what_runs_what_is_free_and_what_waits(width: float) -> None:
    seen = Seen(lane(queue(running=2, waiting=3, concurrency=4), width))
    seen.assert_whole()
    assert [len(seen.extents("rect", one)) for one in ("moving", "place", "quiet")] == [2, 2, 3]
    assert seen.says == "Queue mail: 2 of 4 running, 3 waiting, the oldest for 1 min 15 s"


@WIDTHS
def test_a_deep_queue_keeps_to_its_width(width: float) -> None:
    seen = Seen(lane(queue(running=5000, waiting=1_000_000, concurrency=9000, paused=True), width))
    seen.assert_whole()
    assert seen.says.startswith("Queue mail: paused, 5000 of 9000 running, 1000000 waiting")


@WIDTHS
def test_the_density_of_a_log_shows_where_stderr_is(width: float) -> None:
    buckets = [Bucket(begin=ago(600 - 60 * n), lines=10 * n, to=f"/l?{n}") for n in range(10)]
    buckets[4] = Bucket(begin=ago(360), lines=40, stderr=1, to="/l?4")
    seen = Seen(density(buckets, NOW, width))
    seen.assert_whole()
    assert len(seen.links) == 10
    assert len(seen.extents("rect", "care")) == 1
    assert "450 lines, 1 of them to stderr" in seen.says


@WIDTHS
def test_the_schedule_strip_has_a_dot_for_each_time(width: float) -> None:
    rows = [
        Times(name="nightly", at=(ago(-1800), ago(-90000))),
        Times(name="paused-one", paused=True),
        Times(name="never"),
    ]
    seen = Seen(strip(rows, NOW, timedelta(hours=24), width))
    seen.assert_whole()
    assert len(seen.with_class("dot")) == 1
    assert seen.says == (
        "Times to come: 3 schedules over 1 d: "
        "nightly in 30 min; paused-one paused; never no time to come"
    )


@WIDTHS
@pytest.mark.parametrize(("every_s", "ends"), [(60, 1), (3600, 0)])
def test_a_schedule_with_more_times_than_are_known_is_drawn_to_the_end(width, every_s, ends):
    at = tuple(ago(-every_s * (number + 1)) for number in range(TIMES_MAX))
    seen = Seen(strip([Times(name="often", at=at)], NOW, timedelta(hours=24), width))
    seen.assert_whole()
    assert len(seen.extents("rect", "good")) == ends


def test_a_page_has_a_picture_for_a_desk_and_one_for_a_phone() -> None:
    shown = both(lambda width: packing([], width))
    assert shown.count("<svg") == 2
    assert 'width="800"' in shown
    assert 'width="300"' in shown


def measured(*values: float | None, name: str = "cpu", unit: str = "cores") -> Spark:
    return Spark(name=name, unit=unit, values=values, step_s=60)


def test_a_sparkline_says_what_is_now_and_has_been() -> None:
    seen = Seen(spark(measured(0.5, 2, 1.25)))
    seen.assert_whole()
    assert seen.says == "cpu: now 1.2 cores; between 0.5 and 2 in 3 min, in means of 1 min"
    (curve,) = seen.extents("path", "curve")
    (under,) = seen.extents("path", "under")
    assert curve.bottom - curve.top == pytest.approx(0.75 * (under.bottom - under.top), abs=0.1)


def test_where_nothing_was_measured_a_sparkline_has_no_line() -> None:
    seen = Seen(spark(measured(1, 2, None, 3, None, 4, 4, None, None)))
    seen.assert_whole()
    assert len(seen.extents("path", "curve")) == 2
    assert len(seen.extents("path", "point")) == 1
    assert seen.says == "cpu: now not measured; between 1 and 4 in 9 min, in means of 1 min"


def test_a_sparkline_of_nothing_says_so() -> None:
    for values in ((), (None, None)):
        seen = Seen(spark(measured(*values)))
        seen.assert_whole()
        assert not seen.with_class("curve")
        assert "not measured in" in seen.says


def test_a_mean_of_what_is_counted_is_not_told_as_a_count() -> None:
    assert measured(0, 1, 0.4, name="running", unit="").reading == "mean 0.4"
    assert measured(0.4).reading == "0.4 cores"


def test_what_is_stretched_has_no_words_that_would_be_stretched_with_it() -> None:
    drawn = (spark(measured(1, None, 2)), traffic([Share(name="v1", percent=100)]))
    for seen in map(Seen, drawn):
        assert seen.root.attrib["preserveAspectRatio"] == "none"
        assert seen.texts == []


def test_a_sparkline_of_zeros_lies_on_the_ground() -> None:
    seen = Seen(spark(measured(0, 0, 0)))
    seen.assert_whole()
    (curve,) = seen.extents("path", "curve")
    assert curve.top == curve.bottom
