"""RunSpec: everything that a run is, validated."""

from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from experiments.datasets.catalogue import DatasetInfo, Kind, Source, Task
from experiments.datasets.stored import find_info
from experiments.errors import DatasetError
from experiments.model_specs import (
    WITH_BASE,
    AugmentationSpec,
    Fraction,
    MLPSpec,
    ModelSpec,
    Part,
)
from experiments.training_specs import CallbacksSpec, FinetuneSpec, TrainingSpec

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]

#: Losses and metrics under Keras' own long names: a model.h5 compiled with a short name such as
#: "mse" does not load again in Keras 3 (checked up to 3.15.1).
LOSSES: dict[Task, tuple[str, ...]] = {
    Task.BINARY: ("binary_crossentropy", "mean_squared_error"),
    Task.MULTICLASS: ("sparse_categorical_crossentropy",),
    Task.REGRESSION: ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh"),
}
METRICS: dict[Task, tuple[str, ...]] = {
    Task.BINARY: ("accuracy", "auc", "precision", "recall"),
    Task.MULTICLASS: ("accuracy", "top_5_accuracy"),
    Task.REGRESSION: ("mean_absolute_error", "root_mean_squared_error", "r2_score"),
}
HIGHER_IS_BETTER = frozenset(
    ("accuracy", "auc", "precision", "recall", "top_5_accuracy", "r2_score")
)


class DatasetSpec(Part):
    """Which samples: a name of the catalogue or the whole name of a stored data set, optionally
    only the first ``max_samples``.

    ``noise`` is for two_moons: the fraction of labels that are flipped. With ``memory_mb`` samples
    of a stored data set stream from disk, never more than that of them (in 10⁶ bytes) in memory.
    """

    name: str = "digits"
    max_samples: Annotated[int, Field(ge=10)] | None = None
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    memory_mb: Annotated[int, Field(ge=8, le=1_000_000)] | None = None

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            find_info(name)
        except DatasetError as error:
            raise ValueError(str(error)) from None
        return name

    @model_validator(mode="after")
    def _only_files_stream(self) -> Self:
        if self.memory_mb is not None and self.info.source is not Source.STORED:
            raise ValueError(
                f"memory_mb: received {self.memory_mb} for {self.name}, which is small and not in "
                "a file of its own. Allowed: null; data sets that you add can stream."
            )
        return self

    @property
    def info(self) -> DatasetInfo:
        """What is known of it."""
        return find_info(self.name)


SplitMethod = Literal["last", "shuffled", "stratified", "group", "time", "given"]


class SplitSpec(Part):
    """Which samples validate, and which are kept for the test.

    ``last`` is Keras' own validation_split: the last part in file order, before any shuffle.
    ``shuffled``, ``stratified`` and ``group`` draw with ``seed``, and two_moons is made from it;
    without one the run's is taken. With one, runs of several seeds have the same samples in both
    parts. ``group`` keeps whole groups together and ``time`` takes the latest samples, by the
    columns that the data set was added with. ``given`` takes the samples for which the data set's
    file has a part of its own.

    Before that ``test_split`` of all samples are held out in the same way: nothing is chosen by
    them, and the model is evaluated on them once, when it is trained. The samples of a test part
    that the data set comes with never train or validate.

    With ``folds`` the samples are divided into so many parts, of which ``fold`` (from 1) validates
    in place of ``validation_split``. Without ``fold`` the spec stands for a run of each.
    """

    method: SplitMethod = "last"
    validation_split: Fraction = 0.2
    test_split: Fraction | None = None
    seed: Seed | None = None
    folds: Annotated[int, Field(ge=2, le=100)] | None = None
    fold: Annotated[int, Field(ge=1)] | None = None

    @property
    def validates(self) -> bool:
        """Whether any samples do."""
        return bool(self.folds or self.method == "given" or self.validation_split)

    @property
    def is_drawn(self) -> bool:
        """Whether it follows from a seed."""
        return self.method in ("shuffled", "stratified", "group")

    @property
    def is_many(self) -> bool:
        """Whether it stands for a run of each fold."""
        return self.folds is not None and self.fold is None

    @field_validator("test_split")
    @classmethod
    def _none_where_it_is_none(cls, share: float | None) -> float | None:
        return share or None

    @model_validator(mode="after")
    def _fold_is_one_of_them(self) -> Self:
        if self.fold is not None and self.fold > (self.folds or 0):
            allowed = f"null, or 1 to {self.folds}" if self.folds else "null without split.folds"
            raise ValueError(f"split.fold: received {self.fold}. Allowed: {allowed}.")
        if self.folds and self.method == "time":
            raise ValueError(
                f"split.folds: received {self.folds} with the method time, which validates on what "
                "comes after the training samples. Allowed: null, or another method."
            )
        if self.method == "given" and (self.folds or self.test_split):
            what = "folds" if self.folds else "test_split"
            raise ValueError(
                f"split.{what}: received {getattr(self, what)} with the method given, which takes "
                "the parts as the file has them. Allowed: null, or another method."
            )
        return self


class StartSpec(Part):
    """Where training starts, if not with fresh weights.

    ``run`` is whose file it is, empty for one that was given with this very run. The file is the
    artifact ``file``, or the checkpoint after ``epoch`` epochs. ``continue`` takes over weights,
    optimizer, counters and history, and needs a network with the same layers; ``weights`` takes
    weights by layer name into any network.
    """

    run: str = ""
    epoch: Annotated[int, Field(ge=1)] | None = None
    file: str = ""
    how: Literal["continue", "weights"] = "continue"


class RunSpec(Part):
    """One run, whole. Everything has a default, so ``RunSpec()`` trains."""

    name: Annotated[str, Field(max_length=200)] = ""
    dataset: DatasetSpec = DatasetSpec()
    split: SplitSpec = SplitSpec()
    model: ModelSpec = MLPSpec()
    augmentation: AugmentationSpec | None = None
    training: TrainingSpec = TrainingSpec()
    finetune: FinetuneSpec | None = None
    callbacks: CallbacksSpec = CallbacksSpec()
    start: StartSpec | None = None
    seed: Seed = 1
    priority: Annotated[int, Field(ge=-100, le=100)] = 0

    @property
    def title(self) -> str:
        """The run's name, or one made of what it is."""
        return self.name or f"{self.dataset.name.partition('@')[0]} {self.model.name}"

    @property
    def loss(self) -> str:
        """The loss by Keras' long name: the given one, or the one that fits the task."""
        return self.training.loss or LOSSES[self.dataset.info.task][0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics: the given ones, or the one that fits the task."""
        return tuple(self.training.metrics or METRICS[self.dataset.info.task][:1])

    @property
    def data_seed(self) -> int:
        """What samples that are made and splits that are drawn follow from."""
        return self.seed if self.split.seed is None else self.split.seed

    @field_validator("augmentation")
    @classmethod
    def _none_where_all_is_off(cls, augmentation: AugmentationSpec | None) -> Any:
        amounts = augmentation.model_dump(exclude={"cached_copies"}) if augmentation else {}
        return augmentation if any(amounts.values()) else None

    @field_validator("model", mode="before")
    @classmethod
    def _mlp_unless_named(cls, model: Any) -> Any:
        return {"name": "mlp"} | model if isinstance(model, dict) else model

    @model_validator(mode="after")
    def _parts_fit_each_other(self) -> Self:
        info = self.dataset.info
        if self.finetune and self.model.name not in WITH_BASE:
            raise ValueError(
                f"finetune: received one for {self.model.name}, which has no pretrained base. "
                f"Allowed: null, or model.name {' or '.join(WITH_BASE)}."
            )
        if self.augmentation and self.augmentation.cached_copies:
            self._refuse_useless_copies()
        if self.finetune and self.finetune.after >= self.training.epochs:
            raise ValueError(
                f"finetune.after: received {self.finetune.after} of {self.training.epochs} epochs. "
                f"Allowed: 0 to {self.training.epochs - 1}."
            )
        if self.model.name in ("cnn", "resnet", "application") and info.kind is not Kind.IMAGE:
            raise ValueError(
                f"model.name: received {self.model.name!r}, which needs pictures; {info.name} has "
                f"rows of {info.shape[0]} features. Allowed: linear, mlp, saved_base."
            )
        if self.augmentation and info.kind is not Kind.IMAGE:
            raise ValueError(
                f"augmentation: received one for {info.name}, which has rows of {info.shape[0]} "
                "features. Allowed: null; only pictures are augmented."
            )
        if self.split.method not in split_methods(info):
            needed = {
                "stratified": "classes", "group": "a group column", "time": "a time column",
                "given": "a validation part of its own",
            }  # fmt: skip
            raise ValueError(
                f"split.method: received {self.split.method!r}, which needs "
                f"{needed[self.split.method]}; {info.name} has none. Allowed: "
                f"{', '.join(split_methods(info))}."
            )
        if self.split.test_split and info.test_given:
            raise ValueError(
                f"split.test_split: received {self.split.test_split:g}; {info.name} comes with a "
                "test part. Allowed: null."
            )
        if self.loss not in LOSSES[info.task]:
            raise ValueError(_refused("training.loss", self.loss, info, LOSSES[info.task]))
        for metric in self.metrics:
            if metric not in METRICS[info.task]:
                raise ValueError(_refused("training.metrics", metric, info, METRICS[info.task]))
        for field in ("early_stopping", "reduce_lr_on_plateau"):
            callback = getattr(self.callbacks, field)
            if callback and callback.monitor not in self.monitors():
                raise ValueError(
                    f"callbacks.{field}.monitor: received {callback.monitor!r}. "
                    f"Allowed: {', '.join(self.monitors())}."
                )
        return self

    def _refuse_useless_copies(self) -> None:
        received = f"received {self.augmentation.cached_copies}" if self.augmentation else ""
        if self.model.name not in WITH_BASE:
            raise ValueError(
                f"augmentation.cached_copies: {received} for {self.model.name}, which has no base. "
                f"Allowed: null, or model.name {' or '.join(WITH_BASE)}."
            )
        if self.finetune and not self.finetune.after:
            raise ValueError(
                f"augmentation.cached_copies: {received} with finetune.after 0, where the base is "
                "never frozen. Allowed: null, or a later epoch."
            )

    def divides_as(self, other: "RunSpec") -> bool:
        """Whether the same samples are in the same parts."""
        seeds = [spec.data_seed for spec in (self, other)]
        drawn = self.split.is_drawn or self.dataset.info.source is Source.GENERATED
        cuts = [
            (spec.dataset.name, spec.dataset.max_samples, spec.split.model_dump(exclude={"seed"}))
            for spec in (self, other)
        ]
        return cuts[0] == cuts[1] and (seeds[0] == seeds[1] or not drawn)

    def monitors(self) -> tuple[str, ...]:
        """What a callback can watch: loss and metrics, and val_ of each if there is validation."""
        names = ("loss", *self.metrics)
        if not self.split.validates:
            return names
        return (*(f"val_{name}" for name in names), *names)

    def rises(self, metric: str) -> bool:
        """Whether higher values of a metric, or of its validation or test-mode twin, are better."""
        return metric.removeprefix("val_").removeprefix("train_eval_") in HIGHER_IS_BETTER

    def to_yaml(self) -> str:
        """The whole spec as YAML, defaults included, in the order of the fields."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def flatten(self) -> dict[str, str]:
        """The spec as MLflow params: dotted names, text values; parts that are off are left out."""
        flat = _flatten(self.model_dump(mode="json"))
        return flat | {"training.loss": self.loss, "training.metrics": ", ".join(self.metrics)}


def split_methods(info: DatasetInfo) -> list[SplitMethod]:
    """The ways in which a data set can be split."""
    methods: list[tuple[SplitMethod, bool]] = [
        ("last", True),
        ("shuffled", True),
        ("stratified", info.task is not Task.REGRESSION),
        ("group", bool(info.group)),
        ("time", bool(info.time)),
        ("given", info.validation_given),
    ]
    return [method for method, fits in methods if fits]


def _refused(field: str, received: str, info: DatasetInfo, allowed: tuple[str, ...]) -> str:
    return (
        f"{field}: received {received!r}. Allowed for {info.name} ({info.task.value}): "
        f"{', '.join(allowed)}."
    )


def _flatten(data: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            flat[f"{prefix}{name}"] = ", ".join(map(str, value))
        elif value is not None and value != "":
            flat[f"{prefix}{name}"] = str(value)
    return flat
