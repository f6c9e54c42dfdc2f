"""What a run could not reach because of the network that its job has."""

import re

from headway.model.job import JobNetwork

_UNREACHED = (
    r"name resolution|name or service not known|nodename nor servname|getaddrinfo|EAI_AGAIN"
    r"|could(?: not|n't) resolve|no address associated|network is (?:unreachable|down)|ENETUNREACH"
    r"|no route to host"
)
_SIGNS = {
    JobNetwork.NONE: re.compile(rf"{_UNREACHED}|connection refused|ECONNREFUSED", re.IGNORECASE),
    # What refuses a connection was reached, or is a dependency that is down.
    JobNetwork.DEPENDENCIES: re.compile(_UNREACHED, re.IGNORECASE),
}
_REACHES = {
    JobNetwork.NONE: "`network: none`, the default, reaches nothing",
    JobNetwork.DEPENDENCIES: "`network: dependencies` reaches what its app depends on, no more, "
    "which may be why",
}


def out_of_reach(network: JobNetwork, said: str) -> str:
    """Say what a job's network has to do with how a run failed; empty: nothing, as far as is seen.

    >>> out_of_reach(JobNetwork.NONE, "URLError: Temporary failure in name resolution")
    '`network: none`, the default, reaches nothing: headway docs jobs.NAME.network'
    >>> out_of_reach(JobNetwork.DEPENDENCIES, "Connection refused")
    ''
    >>> out_of_reach(JobNetwork.INTERNET, "Network is unreachable")
    ''
    >>> out_of_reach(JobNetwork.NONE, "KeyError: 'a'")
    ''
    """
    signs = _SIGNS.get(network)
    if signs is None or not signs.search(said):
        return ""
    return f"{_REACHES[network]}: headway docs jobs.NAME.network"
