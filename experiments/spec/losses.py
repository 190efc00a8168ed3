"""The losses, under Keras' own long names: a model.h5 compiled with a short one such as "mse" does
not load again in Keras 3 (checked up to 3.15.1)."""

from typing import NamedTuple

from experiments.data.catalog import Task


class Loss(NamedTuple):
    """``tasks`` are those that a spec may name it for; none where only others' files have it."""

    name: str
    tasks: tuple[Task, ...] = ()
    short: str = ""


#: By name. The first of a task is what it has by default.
LOSSES = {
    one.name: one
    for one in (
        Loss("binary_crossentropy", (Task.BINARY,)),
        Loss("sparse_categorical_crossentropy", (Task.MULTICLASS,)),
        Loss("mean_squared_error", (Task.BINARY, Task.REGRESSION), "mse"),
        Loss("mean_absolute_error", (Task.REGRESSION,), "mae"),
        Loss("huber", (Task.REGRESSION,)),
        Loss("log_cosh", (Task.REGRESSION,)),
        Loss("mean_absolute_percentage_error", short="mape"),
        Loss("mean_squared_logarithmic_error", short="msle"),
    )
}
#: Short name -> long name.
LONG_LOSSES = {one.short: one.name for one in LOSSES.values() if one.short}


def losses_for(task: Task) -> tuple[str, ...]:
    """The losses that a spec may name for a task, its default first."""
    return tuple(one.name for one in LOSSES.values() if task in one.tasks)
