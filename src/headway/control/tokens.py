"""Tokens: who may speak to the API. Only hashes are stored; of environments not even these."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

import msgspec

from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.requests import TokenRequest
from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.environment import Environment, EnvironmentState
from headway.model.event import Event
from headway.model.ids import EnvironmentId
from headway.model.role import Role
from headway.model.session import Link, Session
from headway.model.token import Token
from headway.model.view.token import TokenMade, TokenView
from headway.ports.store import Reader, Store, StoreError, Writer
from headway.ports.vault import Vault

PREFIX = "hw_"
_OF_ENVIRONMENT = "hwe_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_OWN_NAME = "headway"
_USED_TO_WITHIN = timedelta(minutes=1)
_log = Log()


def hashed(secret: str) -> str:
    """Give what is stored of a token's secret.

    A token has 256 random bits, so a fast hash is enough.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_local(store: Store, name: str, now: datetime) -> str:
    """Make the token of this machine's own user, and give its secret."""
    secret, row = _made(name, Role.OPERATOR, (), now, None, name)

    def deed(tx: Writer) -> None:
        tx.put(row)
        tx.record(_event(row, now, name, "token.created", "the local user's"))

    await store.write(deed)
    return secret


async def create(world: World, actor: str, wish: TokenRequest) -> TokenMade:
    """Make a token, and give its secret, which is shown this once.

    Raises:
        Invalid: Its name, its teams or its length cannot be.
        Conflict: There is one of this name, or there are too many.
    """
    _check(wish)
    now = world.clock.now()
    until = now + timedelta(seconds=wish.length_s) if wish.length_s is not None else None
    secret, row = _made(wish.name, wish.role, wish.teams, now, until, actor)

    def deed(tx: Writer) -> None:
        rows = tx.find(Token)
        if any(other.name == wish.name for other in rows):
            raise Conflict(
                "token-exists",
                f"there is a token {wish.name} already",
                hint="its secret cannot be shown again; revoke it to make another",
                next=(f"headway tokens revoke {wish.name}",),
            )
        if len(rows) >= world.settings.tokens_max:
            raise Conflict(
                "too-many-tokens",
                f"there are {len(rows)} tokens, and no more are allowed",
                next=("headway tokens ls", "headway tokens revoke NAME"),
            )
        tx.put(row)
        whose = f" of {', '.join(row.teams)}" if row.teams else ""
        tx.record(_event(row, now, actor, "token.created", f"{row.role.value}{whose}"))

    await world.store.write(deed)
    return TokenMade(secret=secret, token=view(row))


async def listing(world: World) -> list[TokenView]:
    """List tokens, oldest first."""
    return await world.store.read(lambda reader: [view(row) for row in reader.find(Token)])


async def revoke(world: World, actor: str, named: str) -> TokenView:
    """End a token, named by its name or its id, and all sessions it opened. It counts at once.

    Raises:
        NotFound: There is none.
        Conflict: Several have this name.
    """
    now = world.clock.now()

    def deed(tx: Writer) -> Token:
        row = _one(tx, named)
        tx.delete(Token, row.id)
        for session in tx.find(Session, token=row.id):
            tx.delete(Session, session.id)
        for link in tx.find(Link, token=row.id):
            tx.delete(Link, link.hash)
        tx.record(_event(row, now, actor, "token.revoked", f"revoked by {actor}"))
        return row

    row = await world.store.write(deed)
    world.bell.token()
    return view(row)


def view(row: Token) -> TokenView:
    """Show a token."""
    return TokenView(
        id=row.id,
        name=row.name,
        role=row.role,
        teams=row.teams,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )


def is_valid(row: Token, now: datetime) -> bool:
    """Say whether a token has not expired."""
    return row.expires_at is None or row.expires_at > now


async def owner(world: World, secret: str) -> Token | None:
    """Give the record of a token that is valid now, and note that it is used."""
    wanted = hashed(secret)
    now = world.clock.now()

    def question(reader: Reader) -> Token | None:
        rows = reader.find(Token, hash=wanted)
        return rows[0] if rows else None

    row = await world.store.read(question)
    if row is None or not is_valid(row, now):
        return None
    if row.used_at is None or now - row.used_at > _USED_TO_WITHIN:
        try:
            await world.store.write(lambda tx: _note_use(tx, row.id, now))
        except StoreError as error:  # who may ask may ask while the disk is full, too
            _log.warning("the use of a token could not be noted", error=str(error))
    return row


def _note_use(tx: Writer, identity: str, now: datetime) -> None:
    row = tx.get(Token, identity)
    if row is not None:  # it may have been revoked meanwhile
        tx.put(msgspec.structs.replace(row, used_at=now))


def _check(wish: TokenRequest) -> None:
    if not _NAME.fullmatch(wish.name) or wish.name.lower() == _OWN_NAME:
        raise Invalid(
            "token-name",
            f"{wish.name[:100]!r} cannot name a token",
            hint="1 to 64 letters, digits and . _ @ + -, such as ana@example.com; not `headway`",
        )
    if (wish.role is Role.DEVELOPER) != bool(wish.teams):
        because = (
            "a developer's token is for the apps of its teams: name at least one"
            if not wish.teams
            else f"teams are a developer's: a token of a {wish.role.value} has none"
        )
        raise Invalid("token-teams", because, hint="--role developer --team TEAM")


def _made(
    name: str,
    role: Role,
    teams: tuple[str, ...],
    now: datetime,
    until: datetime | None,
    actor: str,
) -> tuple[str, Token]:
    secret = PREFIX + secrets.token_urlsafe(32)
    row = Token(
        id=f"tok-{secrets.token_hex(5)}",
        name=name,
        hash=hashed(secret),
        role=role,
        teams=teams,
        created_at=now,
        created_by=actor,
        expires_at=until,
    )
    return secret, row


def _one(reader: Reader, named: str) -> Token:
    rows = [row for row in reader.find(Token) if named in (row.id, row.name)]
    if len(rows) > 1:
        raise Conflict(
            "token-ambiguous",
            f"{len(rows)} tokens have the name {named}: say which by its id",
            next=tuple(f"headway tokens revoke {row.id}" for row in rows[:5]),
        )
    if not rows:
        raise NotFound("token-unknown", f"there is no token {named}", next=("headway tokens ls",))
    return rows[0]


def _event(row: Token, now: datetime, actor: str, kind: str, because: str) -> Event:
    return Event(
        at=now,
        actor=actor,
        kind=kind,
        subject=row.id,
        because=because,
        data={"name": row.name, "role": row.role.value, "teams": list(row.teams)},
    )


def of_environment(vault: Vault, environment: EnvironmentId) -> str:
    """Give the token by which the containers of an environment make runs of its jobs.

    It is made of the environment's id by a keyed hash, so it ends with that life of the name.
    """
    return f"{_OF_ENVIRONMENT}{environment}_{vault.mark(f'token of {environment}')}"


async def environment(world: World, secret: str) -> Environment | None:
    """Give the active environment whose containers hold a token."""
    if not secret.startswith(_OF_ENVIRONMENT):
        return None
    named = EnvironmentId(secret.removeprefix(_OF_ENVIRONMENT).rpartition("_")[0])
    if not hmac.compare_digest(of_environment(world.vault, named).encode(), secret.encode()):
        return None
    row = await world.store.read(lambda reader: reader.get(Environment, named))
    return row if row is not None and row.state is EnvironmentState.ACTIVE else None
