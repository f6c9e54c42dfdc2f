"""Sessions: browsers that are signed in. Only hashes of cookies and of links are stored."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from headway.control.errors import NotAllowed, NotFound
from headway.control.tokens import hashed, is_valid
from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.event import Event
from headway.model.session import Link, Session
from headway.model.token import Token
from headway.model.view.session import LinkMade, SessionView
from headway.ports.store import Reader, StoreError, Writer
from headway.ports.vault import Vault

SIGN_IN = "/sign-in"
_LINK_GOOD = timedelta(minutes=15)
_LINKS_MAX = 100
_SEEN_TO_WITHIN_S = 60.0
_SEEN_TO_WITHIN_PART = 1 / 60
"""Use is noted so often at most, of what a session may be idle: each time is a transaction."""
_AGENT_MAX = 200
_NAME_DIGITS = 8
_log = Log()


class Opened(NamedTuple):
    """A session that was opened now."""

    secret: str
    """What the cookie is to hold."""
    length_s: float


class Known(NamedTuple):
    """A session that is good, and whose it is."""

    session: Session
    token: Token


def cookie_name(vault: Vault) -> str:
    """Name the cookie: one name for each installation, as a browser tells no ports apart."""
    return f"headway-{vault.mark('cookie')[:_NAME_DIGITS]}"


def csrf(secret: str) -> str:
    """Give what a form of this session must carry. Only who has the cookie can know it."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


async def link(world: World, token: str) -> LinkMade:
    """Make an address that signs a browser in, once, with what a token is good for.

    Raises:
        NotFound: The token is good no more.
    """
    secret = secrets.token_urlsafe(32)
    now = world.clock.now()

    def deed(tx: Writer) -> Link:
        row = tx.get(Token, token)
        if row is None or not is_valid(row, now):
            raise NotFound("token-unknown", f"there is no token {token}")
        _forget(tx, world, now)
        return tx.put(Link(hash=hashed(secret), token=token, expires_at=now + _LINK_GOOD))

    row = await world.store.write(deed)
    return LinkMade(path=f"{SIGN_IN}?link={secret}", expires_at=row.expires_at)


async def owner_of(world: World, secret: str) -> Token | None:
    """Say whom a link would sign in, and leave it good."""
    now = world.clock.now()
    return await world.store.read(lambda reader: _linked(reader, secret, now))


async def follow(world: World, secret: str, agent: str, address: str) -> Opened | None:
    """Open a session by a link, which is good no more then; None where it was not."""
    now = world.clock.now()

    def deed(tx: Writer) -> Opened | None:
        token = _linked(tx, secret, now)
        tx.delete(Link, hashed(secret))
        return _open(tx, world, token, now, agent, address) if token is not None else None

    return await world.store.write(deed)


async def sign_in(world: World, token: str, agent: str, address: str) -> Opened | None:
    """Open a session by a token's secret; None where it is none."""
    now = world.clock.now()

    def deed(tx: Writer) -> Opened | None:
        rows = tx.find(Token, hash=hashed(token))
        good = bool(rows) and is_valid(rows[0], now)
        return _open(tx, world, rows[0], now, agent, address) if good else None

    return await world.store.write(deed)


async def find(world: World, secret: str, *, is_use: bool = True) -> Known | None:
    """Give the session of a cookie, and note that it is used, if it is."""
    now = world.clock.now()

    def question(reader: Reader) -> Known | None:
        rows = reader.find(Session, hash=hashed(secret))
        token = reader.get(Token, rows[0].token) if rows else None
        if token is None or not is_valid(token, now) or not _is_good(world, rows[0], now):
            return None
        return Known(rows[0], token)

    known = await world.store.read(question)
    if known is not None and is_use and _is_to_be_noted(world, known.session, now):
        try:
            await world.store.write(lambda tx: _note_use(tx, known.session.id, now))
        except StoreError as error:  # who may look may look while the disk is full, too
            _log.warning("the use of a session could not be noted", error=str(error))
    return known


async def sign_out(world: World, secret: str) -> None:
    """End the session of a cookie, if it is one's."""
    now = world.clock.now()

    def deed(tx: Writer) -> None:
        for row in tx.find(Session, hash=hashed(secret)):
            token = tx.get(Token, row.token)
            _end(tx, row, token.name if token else "", now, "signed out")

    await world.store.write(deed)
    world.bell.token()


async def listing(world: World, token: str | None) -> list[SessionView]:
    """List the sessions that are good, of one token or of all."""
    now = world.clock.now()

    def question(reader: Reader) -> list[SessionView]:
        rows = reader.find(Session) if token is None else reader.find(Session, token=token)
        owners = {row.id: row for row in reader.find(Token)}
        return [
            _view(row, owners[row.token])
            for row in rows
            if row.token in owners and _is_good(world, row, now)
        ]

    return await world.store.read(question)


async def revoke(world: World, actor: str, identity: str, token: str | None) -> SessionView:
    """End a session. It counts at once.

    Args:
        world: Where.
        actor: Who ends it.
        identity: Which.
        token: The only token whose sessions the actor may end; None: all.

    Raises:
        NotFound: There is none with this id.
        NotAllowed: It is another's.
    """
    now = world.clock.now()

    def deed(tx: Writer) -> SessionView:
        row = tx.get(Session, identity)
        owner = tx.get(Token, row.token) if row else None
        if row is None or owner is None:
            because = f"there is no session {identity}"
            raise NotFound("session-unknown", because, next=("headway sessions ls",))
        if token not in (None, row.token):
            hint = "this needs an operator"
            raise NotAllowed("not-allowed", f"{identity} is {owner.name}'s", hint=hint)
        _end(tx, row, actor, now, f"ended by {actor}")
        return _view(row, owner)

    view = await world.store.write(deed)
    world.bell.token()
    return view


def _linked(reader: Reader, secret: str, now: datetime) -> Token | None:
    row = reader.get(Link, hashed(secret))
    if row is None or row.expires_at <= now:
        return None
    token = reader.get(Token, row.token)
    return token if token is not None and is_valid(token, now) else None


def _open(
    tx: Writer, world: World, token: Token, now: datetime, agent: str, address: str
) -> Opened:
    _forget(tx, world, now)
    secret = secrets.token_urlsafe(32)
    length_s = world.settings.session_s
    row = Session(
        id=f"ses-{secrets.token_hex(5)}",
        hash=hashed(secret),
        token=token.id,
        agent="".join(letter for letter in agent if letter.isprintable())[:_AGENT_MAX],
        address=address,
        created_at=now,
        expires_at=now + timedelta(seconds=length_s),
        seen_at=now,
    )
    tx.put(row)
    tx.record(_event(row, token.name, now, "session.opened", f"signed in from {address}"))
    return Opened(secret, length_s)


def idle_at(world: World, row: Session) -> datetime:
    """Say when a session ends if nothing more is asked with it."""
    return row.seen_at + timedelta(seconds=world.settings.session_idle_s)


def _is_good(world: World, row: Session, now: datetime) -> bool:
    return row.expires_at > now and idle_at(world, row) > now


def _forget(tx: Writer, world: World, now: datetime) -> None:
    """Forget what is good no more, and of what is the oldest beyond what may be kept."""
    links = tx.find(Link)
    over = len(links) - _LINKS_MAX + 1
    for number, row in enumerate(links):
        if row.expires_at <= now or number < over:
            tx.delete(Link, row.hash)
    sessions = sorted(tx.find(Session), key=lambda row: row.seen_at)
    over = len(sessions) - world.settings.sessions_max + 1
    for number, session in enumerate(sessions):
        if number < over or not _is_good(world, session, now):
            tx.delete(Session, session.id)


def _is_to_be_noted(world: World, row: Session, now: datetime) -> bool:
    to_within_s = min(_SEEN_TO_WITHIN_S, world.settings.session_idle_s * _SEEN_TO_WITHIN_PART)
    return now - row.seen_at > timedelta(seconds=to_within_s)


def _note_use(tx: Writer, identity: str, now: datetime) -> None:
    row = tx.get(Session, identity)
    if row is not None:  # it may have ended meanwhile
        tx.put(msgspec.structs.replace(row, seen_at=now))


def _end(tx: Writer, row: Session, actor: str, now: datetime, because: str) -> None:
    tx.delete(Session, row.id)
    tx.record(_event(row, actor, now, "session.ended", because))


def _event(row: Session, actor: str, now: datetime, kind: str, because: str) -> Event:
    return Event(at=now, actor=actor, kind=kind, subject=row.id, because=because)


def _view(row: Session, owner: Token) -> SessionView:
    return SessionView(
        id=row.id,
        name=owner.name,
        role=owner.role,
        agent=row.agent,
        address=row.address,
        created_at=row.created_at,
        expires_at=row.expires_at,
        seen_at=row.seen_at,
    )
