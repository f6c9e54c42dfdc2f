"""What a run could not reach because of the network that its job has."""

import re

from headway.model.job import JobNetwork

_UNREACHED = re.compile(
    r"name resolution|name or service not known|nodename nor servname|getaddrinfo|EAI_AGAIN"
    r"|could(?: not|n't) resolve|no address associated|network is (?:unreachable|down)|ENETUNREACH"
    r"|no route to host|connection refused|ECONNREFUSED",
    re.IGNORECASE,
)
_REACHES = {
    JobNetwork.NONE: "`network: none`, the default, reaches nothing",
    JobNetwork.DEPENDENCIES: "`network: dependencies` reaches what its app depends on, no more",
}


def out_of_reach(network: JobNetwork, said: str) -> str:
    """Say what a job's network has to do with how a run failed; empty: nothing, as far as is seen.

    >>> out_of_reach(JobNetwork.NONE, "URLError: Temporary failure in name resolution")
    '`network: none`, the default, reaches nothing: headway docs jobs.NAME.network'
    >>> out_of_reach(JobNetwork.INTERNET, "Connection refused")
    ''
    >>> out_of_reach(JobNetwork.NONE, "KeyError: 'a'")
    ''
    """
    reaches = _REACHES.get(network)
    if reaches is None or not _UNREACHED.search(said):
        return ""
    return f"{reaches}: headway docs jobs.NAME.network"
