"""Where events lead: to the page of what they are about."""

from datetime import UTC, datetime

import pytest

from headway.model.event import Event
from headway.model.ids import AppName, EnvironmentId
from headway.web import links


@pytest.mark.parametrize(
    ("kind", "subject", "leads"),
    [
        ("deployment.advanced", "dep-1", "/deployments/dep-1"),
        ("deployment.forgotten", "web", "/envs/demo/apps/web"),
        ("release.forgotten", "web", "/envs/demo/apps/web"),
    ],
)
def test_what_is_about_one_deployment_leads_there_and_what_is_about_an_app_to_it(
    kind, subject, leads
):
    event = Event(
        at=datetime(2026, 11, 21, tzinfo=UTC),
        actor="headway",
        kind=kind,
        subject=subject,
        environment=EnvironmentId("demo~1"),
        app=AppName("web"),
    )
    assert links.subject(event) == leads
