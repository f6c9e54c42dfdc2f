"""Shows what an act would do, and does what was shown."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from headway.calculate.permission import lacking
from headway.control import permission
from headway.control.errors import HeadwayError
from headway.control.permits import Permit, permitted
from headway.control.refusals import refused
from headway.web.page import Act, Ask, Field, Plan

ONLY_PLAN = "only_plan"
_UNCONFIRMED = 422


class NotDone(Exception):
    """An act was not done: this is to be seen first."""

    def __init__(self, plan: Plan, status: int = 200) -> None:
        super().__init__(plan.what)
        self.plan = plan
        self.status = status


async def shown(act: Act, ask: Ask) -> Plan:
    """Give an act with its plan, or with what refuses it.

    Raises:
        HeadwayError: What it is done to is not there.
    """
    plan = await act.see(ask)
    try:
        because = lacking(ask.grant, await act.on(ask))
        started = await act.rehearse(ask) if act.rehearse else None
    except HeadwayError as error:
        return msgspec.structs.replace(plan, refusal=refused(error, act.path))
    is_planned = started is not None or act.rehearse is None
    return msgspec.structs.replace(
        plan,
        started=started,
        lacking=because or "",
        planned=print_of(plan.fields) if is_planned else "",
    )


async def done(act: Act, ask: Ask, form: Mapping[str, str]) -> str:
    """Do an act, and give where to go on.

    Raises:
        NotDone: Its plan, or why it cannot be, is to be seen first.
        HeadwayError: What it is done to is not there.
    """
    plan = await act.see(ask)
    try:
        if ONLY_PLAN in form:  # anybody may look at that
            raise await _to_see(act, ask)
        deed = await act.on(ask)
        permission.check(ask.actor, ask.grant, deed)
        if act.rehearse and form.get("planned") != print_of(plan.fields):
            raise await _to_see(act, ask)
        if plan.confirm and form.get("confirm", "").strip() != plan.confirm:
            raise NotDone(await shown(act, ask), _UNCONFIRMED)
        with permitted(Permit(ask.actor, ask.grant, ask.credential, deed)):
            return await act.do(ask)
    except HeadwayError as error:
        said = refused(error, act.path)
        raise NotDone(msgspec.structs.replace(plan, refusal=said), said.status) from error


async def _to_see(act: Act, ask: Ask) -> NotDone:
    plan = await shown(act, ask)
    return NotDone(plan, plan.refusal.status if plan.refusal else 200)


def print_of(fields: tuple[Field, ...]) -> str:
    """Name what a form says, as far as its plan depends on it.

    >>> one = Field(name="a", label="A", value="1")
    >>> print_of((one,)) == print_of((one, Field(name="reason", label="Why", bears=False)))
    True
    >>> print_of((one,)) == print_of((Field(name="a", label="A", value="2"),))
    False
    """
    said = [(field.name, _value(field)) for field in fields if field.bears]
    return blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()


def _value(field: Field) -> str:
    """Give what a browser sends of a field that nobody touched."""
    if field.choices and field.value not in field.choices:
        return field.choices[0]
    return field.value
