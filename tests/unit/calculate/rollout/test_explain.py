"""What is likely of a container that failed, by what a probe heard."""

from datetime import UTC, datetime

import pytest

from headway.calculate.rollout.explain import _hints
from headway.model.container import Container, ContainerState
from headway.model.failure import ProbeAnswer
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId


@pytest.mark.parametrize(
    ("answer", "is_said"),
    [
        ("connection refused", True),
        ('500 {"db": "password refused"}', False),
        ("503 postgres: connection refused", False),
    ],
)
def test_only_a_port_that_refuses_has_nobody_listening(answer, is_said):
    container = Container(
        id=ContainerId("web-web-1-a"),
        environment=EnvironmentId("demo~1"),
        app=AppName("web"),
        process="web",
        release=1,
        node=NodeId("local"),
        created_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        state=ContainerState.STARTING,
        ports={"http": 5000},
        probe=ProbeAnswer(asked="GET http://127.0.0.1:5000/", healthy=False, answer=answer),
    )
    assert any("nothing listens on port 5000" in hint for hint in _hints(container)) == is_said
