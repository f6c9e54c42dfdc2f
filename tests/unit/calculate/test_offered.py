"""What became of the sources of an app, and which a deployment begins with."""

from datetime import timedelta

from headway.calculate.offered import fate, to_begin_with
from headway.model.build import Artifact
from headway.model.deployment import Deployment, DeploymentKind, Phase
from headway.model.failure import Failure
from headway.model.ids import DeploymentId, Digest
from headway.model.manifest import Strategy
from headway.model.release import Release
from headway.model.view.app import Offered, SourceFate, SourceView
from tests.unit.calculate.small_world import APP, ENVIRONMENT, START, manifest

_OLD, _NEW = Digest("sha256-old"), Digest("sha256-new")


def release(number: int, source: Digest) -> Release:
    return Release(
        environment=ENVIRONMENT,
        app=APP,
        number=number,
        fingerprint=str(number),
        artifact=Artifact(digest=source, slug=source),
        manifest=manifest(),
        source=source,
        created_at=START,
        created_by="ana",
    )


def deployment(number: int, phase: Phase, **fields: object) -> Deployment:
    values: dict[str, object] = {
        "id": DeploymentId(f"dep-{number}"),
        "environment": ENVIRONMENT,
        "app": APP,
        "number": number,
        "kind": DeploymentKind.DEPLOY,
        "strategy": Strategy.ROLLING,
        "phase": phase,
        "created_at": START,
        "created_by": "ana",
        "progress_at": START,
        "ended_at": START + timedelta(minutes=1),
    }
    return Deployment(**values | fields)


def offered(source: Digest, **became: object) -> Offered:
    view = SourceView(digest=source, app=APP, size_bytes=1)
    return Offered(source=view, received_at=START, fate=SourceFate(**became))


_EXITED = Failure(because="web.1 of v2 ended before it was well", exit="exit status 1")


def test_a_source_whose_last_deployment_went_back_was_not_kept_and_that_which_serves_is_live():
    releases = [release(2, _NEW), release(1, _OLD)]
    rows = [
        deployment(2, Phase.ROLLED_BACK, release=2, source=_NEW, failure=_EXITED),
        deployment(1, Phase.SUCCEEDED, release=1, source=_OLD),
    ]
    assert fate(_NEW, releases, rows, 1) == SourceFate(release=2, not_kept="exit status 1")
    assert fate(_OLD, releases, rows, 1) == SourceFate(release=1, live=True)


def test_a_source_that_was_never_built_to_its_end_was_not_kept_either():
    failure = Failure(because="the build ended with exit status 2")
    rows = [deployment(2, Phase.FAILED, source=_NEW, failure=failure)]
    assert fate(_NEW, [], rows, None) == SourceFate(not_kept=failure.because)


def test_a_source_nobody_deployed_or_that_somebody_stopped_has_not_failed():
    rows = [deployment(1, Phase.ABORTED, release=1, source=_OLD)]
    assert fate(_NEW, [release(1, _OLD)], rows, None) == SourceFate()
    assert fate(_OLD, [release(1, _OLD)], rows, None) == SourceFate(release=1)


def test_what_has_failed_is_begun_with_only_where_everything_has():
    failed, good = offered(_NEW, not_kept="exit status 1"), offered(_OLD, live=True)
    assert to_begin_with([failed, good]) is good
    assert to_begin_with([good, failed]) is good
    assert to_begin_with([failed, offered(_OLD, not_kept="too")]) is failed
