"""A store that counts the rows that are read of it, which is what looking at something costs."""

from collections.abc import Callable
from typing import Any

from headway.ports.store import Reader

_ROWS = ("find", "get_all", "lowest", "events")


class CountingReader:
    """A reader that counts the rows it gives."""

    def __init__(self, reader: Reader, counted: list[int]) -> None:
        self._reader, self._counted = reader, counted

    def get(self, *asked: Any) -> Any:
        found = self._reader.get(*asked)
        self._counted[0] += found is not None
        return found

    def __getattr__(self, name: str) -> Callable[..., Any]:
        ask = getattr(self._reader, name)
        if name not in _ROWS:
            return ask  # type: ignore[no-any-return]

        def counting(*asked: Any, **fields: Any) -> Any:
            found = ask(*asked, **fields)
            self._counted[0] += len(found)
            return found

        return counting


class CountingStore:
    """A store that counts the rows that are read."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.counted = [0]

    async def read(self, question: Callable[[Any], Any]) -> Any:
        return await self._store.read(lambda reader: question(CountingReader(reader, self.counted)))

    async def watch(self, *asked: Any) -> None:
        await self._store.watch(*asked)

    def rows_read(self) -> int:
        """Say how many since it was last asked."""
        count, self.counted[0] = self.counted[0], 0
        return count
