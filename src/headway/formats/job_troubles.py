"""What is wrong with a job though each of its keys is right by itself."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from headway.formats.parameters import schema_problem
from headway.model.gang import GANG_MAX
from headway.model.job import Delivery, Job


class Trouble(NamedTuple):
    """One mistake."""

    key: str
    """Of the job."""
    message: str
    hint: str = ""


def job_troubles(job: Job, raw: Any) -> Iterator[Trouble]:
    """Say what of a job does not go together.

    Args:
        job: As it was read.
        raw: As it was written: a command, or a mapping.
    """
    problem = schema_problem(job.parameters) if job.parameters is not None else None
    if problem:
        yield Trouble("parameters", problem)
    said = isinstance(raw, dict) and raw.get("placement", {}).get("preemptible")
    if said and job.delivery is Delivery.AT_MOST_ONCE:
        yield Trouble(
            "placement.preemptible",
            "an at_most_once run is never ended for another: it may not begin again",
            "say `delivery: at_least_once`, or leave it out",
        )
    if job.name in job.gang:
        hint = "the run itself is its gang's leader: name the jobs of the others"
        yield Trouble(f"gang.{job.name}", "a run is not started by itself once more", hint)
    if job.gang_size > GANG_MAX:
        yield Trouble("gang", f"{job.gang_size} runs start together, and {GANG_MAX} may")
