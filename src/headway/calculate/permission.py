"""Who may do what. The one rule that the API and the pages go by."""

from headway.model.role import Deed, DeedKind, Grant, Role


def lacking(grant: Grant, deed: Deed) -> str | None:
    """Say what somebody would have to be to do a deed; None when they may.

    >>> from headway.model.role import INSTALLATION
    >>> of_web = Deed(kind=DeedKind.APPS, apps=(("web", "shop"),))
    >>> lacking(Grant(role=Role.DEVELOPER, teams=("shop",)), of_web)
    >>> lacking(Grant(role=Role.DEVELOPER, teams=("pay",)), of_web)
    'web belongs to the team shop: this needs a developer of shop, or an operator'
    >>> lacking(Grant(role=Role.VIEWER), INSTALLATION)
    'this needs an operator'
    """
    if grant.role is Role.OPERATOR or deed.kind is DeedKind.OWN:
        return None
    if deed.kind is DeedKind.INSTALLATION:
        return "this needs an operator"
    if grant.role is Role.VIEWER:
        teams = sorted({team for _, team in deed.apps if team})
        whose = f" of {' and '.join(teams)}" if teams else ""
        return f"this needs a developer{whose}, or an operator"
    others = sorted({(app, team) for app, team in deed.apps if team not in grant.teams})
    if not others:
        return None
    app, team = others[0]
    if team is None:
        return f"{app} belongs to no team: this needs an operator"
    teams = sorted({team for _, team in others if team})
    return (
        f"{app} belongs to the team {team}: this needs a developer of {' and '.join(teams)}, "
        "or an operator"
    )
