"""The page of what `headway doctor` says."""

from datetime import UTC, datetime

from headway.model.view.check import Check
from headway.web.drawing import Visit, draw
from headway.web.pages.installation import StatusPage


def test_only_what_is_not_well_is_told_how_to_mend():
    checks = (
        Check(name="git", ok=True, detail="/usr/bin/git", fix="install git"),
        Check(name="disk", ok=False, detail="full", fix="remove something"),
    )
    visit = Visit("/status", "ana", datetime(2026, 1, 1, tzinfo=UTC), "0")
    shown = StatusPage(version="0", python="3", started_at="", checks=checks)
    page = draw("status.html", shown, visit, is_live=True)
    assert "remove something" in page
    assert "install git" not in page
