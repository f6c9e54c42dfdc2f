"""All pages and acts, one noun a file. A noun's file lists its own; here they come together."""

from headway.web.page import Act, Page
from headway.web.pages import (
    apps,
    dead,
    deployment,
    environment,
    environment_acts,
    environments,
    events,
    installation,
    job,
    jobs,
    jump,
    leases,
    logs,
    member,
    member_acts,
    node,
    nodes,
    now,
    pools,
    queues,
    run,
    run_acts,
    runs,
    schedules,
)

_NOUNS: tuple[tuple[Page | Act, ...], ...] = (
    now.OFFERS,
    environments.OFFERS,
    environment.OFFERS,
    environment_acts.OFFERS,
    apps.OFFERS,
    member.OFFERS,
    member_acts.OFFERS,
    deployment.OFFERS,
    jobs.OFFERS,
    job.OFFERS,
    runs.OFFERS,
    run.OFFERS,
    run_acts.OFFERS,
    dead.OFFERS,
    queues.OFFERS,
    schedules.OFFERS,
    nodes.OFFERS,
    node.OFFERS,
    pools.OFFERS,
    leases.OFFERS,
    events.OFFERS,
    installation.OFFERS,
    jump.OFFERS,
    logs.OFFERS,
)

PAGES = tuple(what for noun in _NOUNS for what in noun if isinstance(what, Page))
ACTS = tuple(what for noun in _NOUNS for what in noun if isinstance(what, Act))
