"""The metrics that a spec may name: the one table from which all that knows them derives."""

from typing import NamedTuple

from experiments.data.catalog import Task

_CLASSES = (Task.BINARY, Task.MULTICLASS)


class Metric(NamedTuple):
    """One metric under the name that histories carry; ``label`` is how a person reads it.

    ``keras_class`` in ``keras.metrics``, with its ``settings``, stands only where the plain name
    would give another one in the history.
    """

    name: str
    tasks: tuple[Task, ...]
    higher_is_better: bool
    label: str
    short: str = ""
    keras_class: str = ""
    settings: tuple[tuple[str, int], ...] = ()


#: By name. The first of a task is what it has by default.
METRICS = {
    one.name: one
    for one in (
        Metric(
            name="accuracy", tasks=_CLASSES, higher_is_better=True, label="accuracy", short="acc",
        ),
        Metric(
            name="auc", tasks=(Task.BINARY,), higher_is_better=True, label="AUC",
            keras_class="AUC",
        ),
        Metric(
            name="precision", tasks=(Task.BINARY,), higher_is_better=True, label="precision",
            keras_class="Precision",
        ),
        Metric(
            name="recall", tasks=(Task.BINARY,), higher_is_better=True, label="recall",
            keras_class="Recall",
        ),
        Metric(
            name="top_5_accuracy", tasks=(Task.MULTICLASS,), higher_is_better=True,
            label="top-5 accuracy", short="top_5",
            keras_class="SparseTopKCategoricalAccuracy", settings=(("k", 5),),
        ),
        Metric(
            name="mean_absolute_error", tasks=(Task.REGRESSION,), higher_is_better=False,
            label="MAE", short="mae",
        ),
        Metric(
            name="root_mean_squared_error", tasks=(Task.REGRESSION,), higher_is_better=False,
            label="RMSE", short="rmse", keras_class="RootMeanSquaredError",
        ),
        Metric(
            name="r2_score", tasks=(Task.REGRESSION,), higher_is_better=True,
            label="R²", short="r2", keras_class="R2Score",
        ),
    )
}  # fmt: skip
#: Short name -> long name.
LONG_METRICS = {one.short: one.name for one in METRICS.values() if one.short}


def metrics_for(task: Task) -> tuple[str, ...]:
    """The metrics that a spec may name for a task, its default first."""
    return tuple(one.name for one in METRICS.values() if task in one.tasks)
