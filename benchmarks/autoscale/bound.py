"""What a pool would cost at least if the future were known, as a linear program.

Work is a fluid: of each class, by each moment at least what must have been done if everything began as
late as it may, and at most what could have been done if everything began at once. Nodes come when they
are wanted and live for whole billing periods. No policy can do with less.
"""

from benchmarks.autoscale.load import HOUR_S, Job

STEP_S = 180.0


def hourly_bound(jobs: list[Job], late_s: float, lazy_late_s: float) -> float | None:
    """Give the node-hours that are paid at least under hourly billing; None without SciPy."""
    try:
        import numpy as np
        from scipy.optimize import linprog
        from scipy.sparse import coo_matrix
    except ImportError:
        return None
    begin = jobs[0].at
    end = max(job.at + job.runs_s + lazy_late_s for job in jobs)
    count = int((end - begin) / STEP_S) + 2
    lows, highs = [], []
    for lazy, wait in ((False, late_s), (True, lazy_late_s)):
        rows = [job for job in jobs if job.lazy is lazy]
        lows.append(_done(np, rows, wait, begin, count))
        highs.append(_done(np, rows, 0.0, begin, count))
    each = int(HOUR_S / STEP_S)
    places, columns, values, right = [], [], [], np.zeros(count)
    for t in range(count):
        for block in (0, 1):
            places += [t, t] if t else [t]
            columns += [block * count + t, block * count + t - 1] if t else [block * count + t]
            values += [1.0, -1.0] if t else [1.0]
        live = range(max(0, t - each + 1), t + 1)
        places += [t] * len(live)
        columns += [2 * count + n for n in live]
        values += [-STEP_S] * len(live)
    matrix = coo_matrix((values, (places, columns)), shape=(count, 3 * count))
    bounds = [
        (low, high) for block in (0, 1) for low, high in zip(lows[block], highs[block], strict=True)
    ]
    bounds += [(0, None)] * count
    costs = np.concatenate([np.zeros(2 * count), np.ones(count)])
    found = linprog(costs, A_ub=matrix.tocsr(), b_ub=right, bounds=bounds, method="highs")
    return float(found.fun) if found.success else None


def _done(np, rows, wait, begin, count):
    """Give the seconds of work that are done by each moment if all begin after a wait."""
    rises = np.zeros(count + 1)
    slopes = np.zeros(count + 1)
    for job in rows:
        first, last = job.at + wait - begin, job.at + wait + job.runs_s - begin
        for moment, sign in ((first, 1.0), (last, -1.0)):
            place = min(count, int(moment / STEP_S))
            slopes[place] += sign
            rises[place] += sign * (STEP_S * (place + 1) - moment) - sign * STEP_S
    return np.maximum(0.0, np.cumsum(rises[:count] + STEP_S * np.cumsum(slopes[:count])))
