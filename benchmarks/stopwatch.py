"""How long the callbacks of a ``fit`` take, measured the same way for everyone's."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

#: Seconds, in a list of one that is added to, by a callback's class and the hook.
Spent = dict[tuple[str, str], list[float]]

AT_END = "on_train_end"
_EACH_EPOCH = (
    "on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end",
    "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end",
)  # fmt: skip


@contextmanager
def stopwatch() -> Iterator[Spent]:
    """Adds up the seconds in the hooks of every callback that a ``fit`` is given, also of those
    that autolog adds by itself."""
    spent: Spent = defaultdict(lambda: [0.0])
    prepare = keras.callbacks.CallbackList.__init__

    def watched(self: Any, callbacks: Any = None, *rest: Any, **options: Any) -> None:
        prepare(self, callbacks, *rest, **options)
        for callback in self.callbacks:
            if isinstance(callback, keras.callbacks.History):
                continue
            for hook in (*_EACH_EPOCH, AT_END):
                _time(callback, hook, (type(callback).__name__, hook), spent)

    keras.callbacks.CallbackList.__init__ = watched
    try:
        yield spent
    finally:
        keras.callbacks.CallbackList.__init__ = prepare


def _time(callback: Any, hook: str, key: tuple[str, str], spent: Spent) -> None:
    # Keras' default for on_train_batch_end calls on_batch_end: either may do something
    names = (hook, hook.replace("_train_", "_"))
    if all(_is_default(callback, name) for name in names):
        return  # calling it a hundred times an epoch would be all that is measured
    plain: Callable[..., None] = getattr(callback, hook)

    total = spent[key]

    def timed(*arguments: Any, **options: Any) -> None:
        began = time.perf_counter()
        plain(*arguments, **options)
        total[0] += time.perf_counter() - began

    setattr(callback, hook, timed)


def _is_default(callback: Any, hook: str) -> bool:
    default = getattr(keras.callbacks.Callback, hook, None)
    return getattr(getattr(callback, hook, None), "__func__", None) is default
