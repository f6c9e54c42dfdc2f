import pytest

from headway.calculate.permission import lacking
from headway.model.role import HELD, INSTALLATION, LOCKS, Deed, DeedKind, Grant, Role

OPERATOR = Grant(role=Role.OPERATOR)
VIEWER = Grant(role=Role.VIEWER)
OF_SHOP = Grant(role=Role.DEVELOPER, teams=("shop",))
OF_BOTH = Grant(role=Role.DEVELOPER, teams=("pay", "shop"))


def on(*apps: tuple[str, str | None]) -> Deed:
    return Deed(kind=DeedKind.APPS, apps=apps)


@pytest.mark.parametrize(
    ("grant", "deed"),
    [
        (OPERATOR, INSTALLATION),
        (OPERATOR, on(("web", None), ("bank", "pay"))),
        (OF_SHOP, LOCKS),
        (OF_SHOP, HELD),
        (OF_SHOP, on(("web", "shop"))),
        (OF_BOTH, on(("web", "shop"), ("bank", "pay"))),
    ],
)
def test_may(grant, deed):
    assert lacking(grant, deed) is None


@pytest.mark.parametrize(
    ("grant", "deed", "because"),
    [
        (VIEWER, LOCKS, "a developer, or an operator"),
        (VIEWER, HELD, "a developer, or an operator"),
        (VIEWER, on(("web", "shop")), "a developer of shop, or an operator"),
        (VIEWER, on(), "a developer"),
        (VIEWER, INSTALLATION, "an operator"),
        (OF_SHOP, INSTALLATION, "an operator"),
        (OF_SHOP, on(("web", "shop"), ("bank", "pay")), "bank belongs to the team pay"),
        (OF_SHOP, on(("web", "shop"), ("db", None)), "db belongs to no team"),
        (OF_SHOP, on(("web", "Shop")), "a developer of Shop"),
        # An app that is given from one team to another is both teams' matter.
        (OF_SHOP, on(("web", "shop"), ("web", "pay")), "web belongs to the team pay"),
    ],
)
def test_may_not_and_is_told_who_may(grant, deed, because):
    assert because in (lacking(grant, deed) or "")
