"""Every page with something hostile in each of its texts: names, reasons, values, log lines."""

from datetime import timedelta

import msgspec
import pytest

from headway.control.glance import AwayNode, FailedRuns
from headway.model.app import Commit
from headway.model.build import Build, BuildState
from headway.model.config import ConfigChange
from headway.model.container import Container, ContainerState, Exit
from headway.model.deployment import Phase, Step
from headway.model.environment import EnvironmentState
from headway.model.event import Event
from headway.model.failure import Failure, ProbeAnswer
from headway.model.happening import happenings
from headway.model.log import LogLine, Stream
from headway.model.node import Node, NodeHold, NodeState
from headway.model.past import Life, PastView
from headway.model.problem import Problem
from headway.model.story import DeploymentStory
from headway.model.view.app import AppView, Place
from headway.model.view.change import Obstacle, PlannedChange, Started
from headway.model.view.check import Check
from headway.model.view.config import ConfigValue, ConfigVersion, ConfigView
from headway.model.view.difference import ConfigDifference
from headway.model.view.log import LogEntry
from headway.model.view.refusal import Refusal
from headway.model.view.release import ReleaseView
from headway.model.view.standing import MemberState
from headway.model.view.why import Why
from headway.web.drawing import Visit, draw, rows
from headway.web.page import Field, FieldKind, Plan
from headway.web.pages.apps import AppPage, AppsPage
from headway.web.pages.config import ConfigPage, ConfigVersionPage
from headway.web.pages.deployment import DeploymentPage
from headway.web.pages.environment import environment_page
from headway.web.pages.environments import environments_page
from headway.web.pages.events import EventsPage, WhyPage
from headway.web.pages.installation import RouteRow, RoutesPage, StatusPage
from headway.web.pages.jump import Hit, JumpPage
from headway.web.pages.logs import LogsPage, row_of
from headway.web.pages.member import MemberPage
from headway.web.pages.mistake import MistakePage
from headway.web.pages.now import now_page
from headway.web.pages.past import PastPage
from headway.web.traffic import ReleaseShare
from tests.unit.web.hostile import EVIL, Harmless, hostile
from tests.unit.web.members import NOW, deployment, environment, member

_EVENT = Event(sequence=1, at=NOW, actor="ana", kind="deployment.advanced", subject="dep-1",
               environment="demo~1", app="web", because="asked")  # fmt: skip
_COMMIT = Commit(id="4f1c2e0000", subject="blue button", author="ana")
_FAILURE = Failure(because="it ended", exit="exit status 3", log=("a", "b"), hints=("x",),
                   next=("headway logs",),
                   probe=ProbeAnswer(asked="GET /", healthy=False, answer="503", tries=3,
                                     listening=("127.0.0.1:1",)))  # fmt: skip
_CONTAINER = Container(id="web-1", environment="demo~1", app="web", process="web", release=2,
                       node="n1", state=ContainerState.EXITED, because="asked", created_at=NOW,
                       exit=Exit(status=3, reason="limit", at=NOW))  # fmt: skip
_DEPLOYMENT = deployment(phase=Phase.ROLLED_BACK, release=2, previous=1, failure=_FAILURE,
                         steps=(Step(at=NOW, what="built", because="build"),), because="it ended",
                         commits=(_COMMIT,), config_changed=("KEY",), reason="why not",
                         ended_at=NOW, scale={"web": 2})  # fmt: skip
_MEMBER = member("web", MemberState.FAILED, because="exit", live=2, urls=("http://web.demo",),
                 split={"2": 100}, dependencies=("api",), deployment=_DEPLOYMENT,
                 containers=(_CONTAINER,))  # fmt: skip
_ENVIRONMENT = environment("demo", _MEMBER, member("api"), ends_in=timedelta(minutes=5))
_LINE = LogLine(at=NOW, stream=Stream.STDERR, text="text", cursor=7, partial=True)
_ENTRY = LogEntry(container="web-1", app="web", label="web.1", release=2, line=_LINE)
_SHARE = ReleaseShare(release=2, percent=20, containers=1, requests=5, errors=1, in_flight=1)
_BUILD = Build(id="b", app="web", source="s", state=BuildState.FAILED, created_at=NOW,
               started_at=NOW, ended_at=NOW, created_by="ana")  # fmt: skip
_APP = AppView(name="web", source="sha256-1", team="shop", commit=_COMMIT, branch="main",
               dependencies=("api",), environments=("demo",), updated_at=NOW,
               places=(Place(environment="demo", state="stuck", because="full"),))  # fmt: skip
_LIFE = Life(id="demo~1", name="demo", state=EnvironmentState.ENDED, because="it is over",
             holder="ana", until=NOW, under="lse-1", created_at=NOW, created_by="ana",
             ended_at=NOW)  # fmt: skip
_CONFIG = ConfigView(environment="demo", app="web", number=1, missing=("NONE",),
                     values=(ConfigValue(key="A", value="1", default=True),
                             ConfigValue(key="B", value=None, secret=True)))  # fmt: skip
_CHANGE = ConfigChange(number=1, at=NOW, by="ana", set=("A", "B"), unset=("C",))
_DIFFERENCES = (ConfigDifference(key="A", before="1", after="2"),
                ConfigDifference(key="B", before=None, after=None, secret=True))  # fmt: skip
_RELEASES = tuple(
    ReleaseView(app="web", number=number, fingerprint="f", created_at=NOW, created_by="ana")
    for number in (2, 1)
)
_RELEASE = ReleaseView(app="web", number=2, fingerprint="f", commit=_COMMIT, branch="main",
                       live=True, created_at=NOW, created_by="ana")  # fmt: skip
_NODE = AwayNode(node=Node(id="n1", cpu=1, memory_mib=1, state=NodeState.LOST),
                 hold=NodeHold(node="n1", state=NodeState.DRAINING, because="disk", by="ana",
                               at=NOW))  # fmt: skip
_REFUSAL = Refusal(type="t", title="Conflict", status=409, detail="no", code="c", hint="h", id="i",
                   problems=(Problem(message="m", hint="h"),), next=("headway",))  # fmt: skip

PAGES = {
    "now.html": msgspec.structs.replace(
        now_page([_ENVIRONMENT], {"routing": (NOW, "no")}, NOW, nodes=2, away=[_NODE]),
        failed=(FailedRuns(environment="demo", app="web", job="report", run="run-1", state="failed",
                           because="no", at=NOW, count=2, is_well=True),)),
    "environments.html": environments_page([_ENVIRONMENT]),
    "environment.html": environment_page(_ENVIRONMENT, [_EVENT]),
    "member.html": MemberPage(member=_MEMBER, traffic=(_SHARE,), containers=(_CONTAINER,),
                              config=_CONFIG, releases=(_RELEASE,), deployments=(_DEPLOYMENT,),
                              older="dep-0"),
    "deployment.html": DeploymentPage(
        story=DeploymentStory(deployment=_DEPLOYMENT, environment="demo", is_there=True, live=1,
                              build=_BUILD, containers=(_CONTAINER,), reasons=(_EVENT,),
                              next=deployment("web")),
        traffic=(_SHARE,), log=(_ENTRY,)),
    "apps.html": AppsPage(apps=(_APP,), after="web", total=2),
    "app.html": AppPage(app=_APP, members=(_MEMBER,), needed_by=("shop",)),
    "events.html": EventsPage(events=(_EVENT,), environment="demo", app="web", subject="x",
                              before=7),
    "why.html": WhyPage(why=Why(thing="web", state="failed", because="it",
                                happened=happenings([_EVENT], 1), next=("headway ps",))),
    "routes.html": RoutesPage(rows=(RouteRow(environment="demo", app="web", hosts=("web.demo",),
                                             port=None, shares=(_SHARE,), is_answered=True),),
                              http_port=7080),
    "status.html": StatusPage(version="0", python="3", started_at="", checks=(
        Check(name="disk", ok=False, detail="full", fix="rm"),)),
    "jump.html": JumpPage(q="we", hits=(Hit(kind="app", name="web", state="", url="/apps/web"),)),
    "logs.html": LogsPage(environment="demo", app="web", text="a", rows=(row_of("demo", _ENTRY),),
                          before="web-1:7", apps=("web",), at=NOW, searched=3),
    "config.html": ConfigPage(config=_CONFIG, history=(_CHANGE,), older=1, releases=_RELEASES,
                              asked=(1, 2), differences=_DIFFERENCES),
    "config_version.html": ConfigVersionPage(version=ConfigVersion(
        environment="demo", app="web", change=_CHANGE, last=2, releases=(2, 1),
        values=_CONFIG.values, differences=_DIFFERENCES)),
    "past.html": PastPage(past=PastView(life=_LIFE, deployments=(_DEPLOYMENT,),
                                        deployed={"web": 2}, containers=(_CONTAINER,),
                                        others=(_LIFE,)), happened=happenings([_EVENT], 1)),
    "mistake.html": MistakePage(refusal=_REFUSAL),
    "act.html": Plan(what="Destroy demo", verb="Destroy", sentence="all", confirm="demo",
                     command="headway", lacking="no", refusal=_REFUSAL, planned="a",
                     started=Started(environment="demo", plan=(
                         PlannedChange(app="web", verb="stop", what="stop it", because="so"),),
                         obstacles=(Obstacle(app="web", what="would fail", because="no room"),)),
                     fields=(Field(name="a", label="b", value="c", hint="d"),
                             Field(name="i", label="j", value="k", kind=FieldKind.TEXT),
                             Field(name="l", label="m", value="n", known=("o",)),
                             Field(name="e", label="f", value="g", choices=("g", "h"),
                                   labels={"h": "i"}))),
}  # fmt: skip


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
@pytest.mark.parametrize("template", PAGES)
def test_whatever_stands_in_a_text_is_shown_and_does_nothing(template, evil):
    visit = Visit("/x?" + evil, evil, NOW, evil, evil, evil)
    page = draw(template, hostile(PAGES[template], evil), visit, is_live=True)
    reader = Harmless()
    reader.feed(page)
    reader.close()


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_so_are_lines_that_are_added_to_a_page(evil):
    entry = hostile(_ENTRY, evil)
    reader = Harmless()
    reader.feed(rows("lines", [row_of(evil, entry)], NOW))
    reader.close()
