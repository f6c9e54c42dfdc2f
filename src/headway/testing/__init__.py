"""Jobs in an app's own tests: in memory, under a time that passes when it is told to.

>>> from headway.sdk import job
>>> @job(delivery="at_least_once", retries=2, retry_delay="1m")
... def greet(name: str) -> str:
...     return f"hello {name}"
>>> jobs = Jobs([greet])
>>> run = jobs.invoke("greet", {"name": "Ana"}, delay="1h")
>>> run.state.value, jobs.advance("2h"), run.state.value, run.result
('waiting', [...], 'succeeded', 'hello Ana')

What a run's state becomes, when it is attempted again and what its parameters may be is decided as
a real headway decides it. A job runs in the test's own process, without limits of any kind.
"""

from headway.model.run import RunState
from headway.sdk.job import ParameterError
from headway.testing.jobs import BEGIN, Jobs, UnknownJobError
from headway.testing.run import Run

__all__ = ["BEGIN", "Jobs", "ParameterError", "Run", "RunState", "UnknownJobError"]
