"""A shelf of things that take long to make: the last few stay, each is made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Shelf"]

T = TypeVar("T")
#: Things of one kind that stay.
_KEPT = 16


class Shelf(Generic[T]):
    """The last few things made, by key; one key is made once, however many ask at a time."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._made: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._made)

    def at_hand(self, key: Hashable) -> T | None:
        """What is there already, or None; never waits for one that is being made."""
        with self._lock:
            if (found := self._made.get(key)) is not None:
                self._made.move_to_end(key)
            return found

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is there, or is made now; errors of ``make`` pass through, and nothing is kept."""
        if (found := self.at_hand(key)) is not None:
            return found
        with self._lock:
            making = self._making.setdefault(key, Lock())
        with making:
            try:
                if (found := self.at_hand(key)) is None:
                    found = make()
                    with self._lock:
                        self._made[key] = found
                        while len(self._made) > self._kept:
                            self._made.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return found
