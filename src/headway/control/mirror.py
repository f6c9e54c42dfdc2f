"""Rows as they are shown again and again: held in memory, and read again when they change."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from headway.model.value import Value
from headway.ports.store import Reader, Store

K = TypeVar("K")
V = TypeVar("V")
_STALE_MAX = 1000
"""So many keys that changed are remembered at least."""


class _State(Enum):
    """What is held in memory."""

    NOTHING = auto()
    BEGUN = auto()
    """All of it is being read for the first time."""
    WHOLE = auto()


class Mirror(Generic[K, V]):
    """What the store has under each key. To look at all of it costs what has changed since.

    Nothing is held, and nothing watched, before somebody looks for the first time.
    """

    def __init__(
        self,
        store: Store,
        kinds: Mapping[type[Value], tuple[str, ...]],
        read: Callable[[Reader, Collection[K] | None], dict[K, V]],
        key: Callable[..., K],
    ) -> None:
        """Begin with nothing.

        Args:
            store: What is mirrored.
            kinds: The nouns of which something under a key is made, each with the fields that
                make its key; they never change.
            read: Gives what there is under keys; under all of them, where none are given.
            key: Makes a key of the values of those fields.
        """
        self._store, self._kinds, self._read, self._key = store, kinds, read, key
        self._known: dict[K, V] = {}
        self._state = _State.NOTHING
        self._stale: set[K] = set()
        self._one_at_a_time = asyncio.Lock()

    @property
    def held(self) -> int:
        """How much is held in memory: keys that are known, and those that are to be read."""
        return len(self._known) + len(self._stale)

    async def all(self) -> Mapping[K, V]:
        """Give all of it: as of now, and of what is read later as of then."""
        async with self._one_at_a_time:
            while self._stale or self._state is not _State.WHOLE:
                await (self._renew() if self._state is _State.WHOLE else self._begin())
            return self._known

    async def _begin(self) -> None:
        await self._store.watch(self._kinds, self._changed)
        self._state = _State.BEGUN
        self._stale.clear()
        self._known = await self._store.read(lambda reader: self._read(reader, None))
        self._state = _State.WHOLE

    async def _renew(self) -> None:
        stale, self._stale = self._stale, set()
        try:
            fresh = await self._store.read(lambda reader: self._read(reader, stale))
        except BaseException:
            self._stale |= stale
            raise
        for key in stale - fresh.keys():
            self._known.pop(key, None)
        self._known.update(fresh)

    def _changed(self, keys: Collection[tuple[Any, ...]]) -> None:
        """Hear of rows that are not as they were; also of what is being read just now."""
        if self._state is _State.NOTHING:
            return
        self._stale.update(self._key(*values) for values in keys)
        if self._state is _State.WHOLE and len(self._stale) > max(_STALE_MAX, len(self._known)):
            # Nobody has looked for long: it is read anew when somebody does.
            self._state, self._known = _State.NOTHING, {}
            self._stale.clear()
