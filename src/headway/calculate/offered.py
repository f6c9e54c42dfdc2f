"""What became of the sources that an app can be deployed from, and which to begin with."""

from collections.abc import Sequence

from headway.model.deployment import NOT_KEPT, Deployment
from headway.model.ids import Digest
from headway.model.release import Release
from headway.model.view.app import Offered, SourceFate


def fate(
    source: Digest,
    releases: Sequence[Release],
    deployments: Sequence[Deployment],
    live: int | None,
) -> SourceFate:
    """Say what became of a source in an environment.

    Args:
        source: Which.
        releases: Of the app, there.
        deployments: Of the app, there, the newest first.
        live: The release that serves.
    """
    own = {row.number for row in releases if row.source == source}
    if live in own:
        return SourceFate(release=live, live=True)
    last = next(
        (
            row
            for row in deployments
            if row.is_ended and (row.release in own or row.source == source)
        ),
        None,
    )
    release = max(own, default=None)
    if last is None or last.phase not in NOT_KEPT:
        return SourceFate(release=release)
    failure = last.failure
    because = (failure.exit or failure.because) if failure else last.because
    return SourceFate(release=last.release or release, not_kept=because or "it failed")


def to_begin_with(rows: Sequence[Offered]) -> Offered:
    """Choose the newest that is not known to have failed; where all have, the newest.

    Args:
        rows: At least one, the newest first.
    """
    return next((row for row in rows if not row.fate.not_kept), rows[0])
