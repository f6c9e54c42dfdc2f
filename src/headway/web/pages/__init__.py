"""All pages and acts, one noun a file. A noun's file lists its own; here they come together."""

from headway.web.page import Act, Page
from headway.web.pages import (
    apps,
    deployment,
    environment,
    environment_acts,
    environments,
    events,
    installation,
    job,
    jobs,
    jump,
    logs,
    member,
    member_acts,
    now,
    run,
    run_acts,
    runs,
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
    events.OFFERS,
    installation.OFFERS,
    jump.OFFERS,
    logs.OFFERS,
)

PAGES = tuple(what for noun in _NOUNS for what in noun if isinstance(what, Page))
ACTS = tuple(what for noun in _NOUNS for what in noun if isinstance(what, Act))
