"""A cache in memory that drops what was not used for longest."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """What was used last, up to ``most`` of what ``weigh`` counts (by default one each).

    What one caller asks for at once stays together, however much it is: else its next look would
    find only the end of it. Safe to share between threads.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._most, self._weigh = most, weigh
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, keys: Iterable[K]) -> dict[K, V]:
        """Those that are here; they count as used now."""
        found = {}
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found[key] = self._kept[key][0]
        return found

    def keep(self, values: Mapping[K, V], asked: Collection[K] = ()) -> None:
        """Keep these, and drop others until the rest fits; ``asked`` are dropped no more than
        ``values`` are."""
        with self._lock:
            for key, value in values.items():
                self._weight -= self._kept.pop(key, (value, 0))[1]
                self._kept[key] = value, self._weigh(value)
                self._weight += self._kept[key][1]
            stay = {*values, *asked}
            for key in list(self._kept):
                if self._weight <= self._most:
                    break
                if key not in stay:
                    self._weight -= self._kept.pop(key)[1]

    def __len__(self) -> int:
        return len(self._kept)
