"""Laws of rollouts, over made-up histories of deployments, crashes, aborts and time."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.model.container import ContainerState
from headway.model.deployment import Ask, Phase
from headway.model.manifest import Canary, CanaryStep, Deploy, Judgement, Strategy
from tests.unit.calculate.small_world import SmallWorld, manifest

_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("deploy"),
            st.sampled_from(Strategy),
            st.sampled_from(["healthy", "exits", "silent"]),
        ),
        st.tuples(st.just("crash"), st.integers(0, 5), st.none()),
        st.tuples(st.just("sicken"), st.integers(0, 5), st.none()),
        st.tuples(st.just("abort"), st.none(), st.none()),
        st.tuples(st.just("promote"), st.none(), st.none()),
        st.tuples(st.just("time"), st.floats(0.1, 40), st.none()),
    ),
    max_size=12,
)


def lived(steps, scale: int) -> SmallWorld:
    world = SmallWorld()
    does: dict[int, str] = {}
    world.behaviour = lambda row: does.get(row.release, "healthy")
    policy = Canary(steps=(CanaryStep(weight_percent=25, pause_s=5),), judgement=Judgement.TIMED)
    for what, first, second in steps:
        if what == "deploy":
            number = world.release(
                manifest(scale=scale, deploy=Deploy(strategy=first, canary=policy))
            )
            does[number] = second
            world.deploy(number)
        elif what in ("crash", "sicken") and world.live():
            row = world.live()[first % len(world.live())]
            if what == "crash":
                world.crash(row)
            elif row.state is ContainerState.HEALTHY:
                world.containers[row.id] = msgspec.structs.replace(
                    row, state=ContainerState.UNHEALTHY, healthy_at=None
                )
        elif what in ("abort", "promote"):
            for row in world.deployments.values():
                if not row.is_ended:
                    ask = Ask.ABORT if what == "abort" else Ask.PROMOTE
                    world.set_deployment(row.id, asked=ask, asked_by="ana")
                    break
        elif what == "time":
            world.pass_time(first)
        world.run()
    return world


@settings(max_examples=150, deadline=None)
@given(_STEPS, st.integers(1, 3))
def test_whatever_happens_it_ends_with_the_live_release_as_it_should_be(steps, scale):
    world = lived(steps, scale)
    world.pass_time(700)
    world.pass_time(700)
    assert all(row.is_ended for row in world.deployments.values())
    live = world.member.live
    running = world.live()
    if live is None:
        assert running == []
    else:
        assert {row.release for row in running} <= {live}
        good = [row for row in running if row.state is ContainerState.HEALTHY]
        assert len(good) == scale
        assert set(world.serving()) == {live}


@settings(max_examples=100, deadline=None)
@given(_STEPS, st.integers(1, 3))
def test_a_slot_of_a_release_never_has_two_containers_that_stay(steps, scale):
    world = SmallWorld()
    twice: list[object] = []

    def watch(watched: SmallWorld) -> None:
        staying = [
            (row.release, row.process, row.slot)
            for row in watched.live()
            if row.state not in (ContainerState.DRAINING, ContainerState.STOPPING)
        ]
        twice.extend(key for key in staying if staying.count(key) > 1)

    original = SmallWorld.beat

    def beat(self: SmallWorld) -> bool:
        result = original(self)
        watch(self)
        return result

    SmallWorld.beat = beat  # type: ignore[method-assign]
    try:
        lived(steps, scale)
    finally:
        SmallWorld.beat = original  # type: ignore[method-assign]
    assert world is not None
    assert twice == []


@settings(max_examples=100, deadline=None)
@given(_STEPS)
def test_only_what_succeeded_or_served_before_is_ever_live(steps):
    world = lived(steps, 2)
    proved = {
        row.release
        for row in world.deployments.values()
        if row.phase in (Phase.SUCCEEDED, Phase.SWITCHING)
    }
    assert world.member.live is None or world.member.live in proved
