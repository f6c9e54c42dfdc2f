"""What those may hope for that wait for a pool."""

from datetime import UTC, datetime

import pytest

from headway.control.pool.outlooks import outlooks_of
from headway.control.world import Outlook
from headway.model.demand import Demand
from headway.model.pool import Pool
from headway.model.pool_plan import PoolChange, PoolPlan, PoolVerb
from headway.model.pool_snapshot import PoolSnapshot, Waiting
from headway.model.resources import Resources

SINCE = datetime(2026, 11, 21, tzinfo=UTC)
ADDED = PoolChange(verb=PoolVerb.ADD, type="small", because="it is late")


@pytest.mark.parametrize(
    ("plan", "outlook"),
    [
        (PoolPlan(), Outlook(comes=True)),
        (PoolPlan(changes=(ADDED,)), Outlook(True, "1 node of pool default is on the way")),
        (
            PoolPlan(changes=(ADDED,), left_out={"demo~1/web": "it is full"}),
            Outlook(False, "no node of pool default is added: it is full"),
        ),
    ],
)
def test_only_who_is_left_out_has_nothing_to_hope_for(plan, outlook):
    waits = Waiting(
        demand=Demand(resources=Resources()),
        since=SINCE,
        expected_s=60,
        label="web",
        whom="demo~1/web",
    )
    snapshot = PoolSnapshot(pool=Pool(), waiting=(waits,))
    assert outlooks_of(snapshot, plan) == {"demo~1/web": outlook}
