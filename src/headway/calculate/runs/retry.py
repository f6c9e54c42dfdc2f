"""How long a failed attempt waits for the next."""

from headway.model.job import Retries


def retry_delay_s(retries: Retries, failures: int, jitter: float) -> float:
    """Give the seconds before the next attempt: doubling, bounded, and a little uneven.

    Args:
        retries: The job's.
        failures: Attempts that failed so far, at least 1.
        jitter: From 0 to 1: a quarter less to a quarter more.

    >>> [retry_delay_s(Retries(delay_s=1, delay_max_s=5), n, 0.5) for n in (1, 2, 3, 4)]
    [1.0, 2.0, 4.0, 5.0]
    """
    doubled = retries.delay_s * 2.0 ** min(failures - 1, 60)
    return round(min(doubled, retries.delay_max_s) * (0.75 + jitter / 2), 6)
