import pytest

from headway.calculate.billing import billed_s, price
from headway.model.pool import NodeType


def kind(billing_s: float, least_s: float = 60.0) -> NodeType:
    return NodeType(
        name="m", cpu=1, memory_mib=1, price_hour=2, billing_s=billing_s, billing_least_s=least_s
    )


@pytest.mark.parametrize(
    ("billing_s", "lived_s", "paid_s"),
    [(3600, 0, 3600), (3600, 3600, 3600), (3600, 3600.5, 7200), (1, 59, 60), (1, 61.2, 62)],
)
def test_what_is_begun_is_paid(billing_s, lived_s, paid_s):
    assert billed_s(kind(billing_s), lived_s) == paid_s
    assert price(kind(billing_s), lived_s) == pytest.approx(paid_s / 1800)
