"""RunSpec: everything that a run is, validated."""

from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from experiments.core.spec_part import Seed, SpecPart, flatten
from experiments.data.catalog import DatasetInfo, Kind, Source
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.split.split_spec import SplitSpec, split_methods
from experiments.spec.losses import losses_for
from experiments.spec.metrics import METRICS, metrics_for
from experiments.spec.model_specs import WITH_BASE, AugmentationSpec, MLPSpec, ModelSpec
from experiments.spec.training_specs import CallbacksSpec, FinetuneSpec, TrainingSpec


class StartSpec(SpecPart):
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


class RunSpec(SpecPart):
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
        return self.training.loss or losses_for(self.dataset.info.task)[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics: the given ones, or the one that fits the task."""
        return tuple(self.training.metrics or metrics_for(self.dataset.info.task)[:1])

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
                f"model.name: received {self.model.name!r}, which needs images; {info.name} has "
                f"rows of {info.shape[0]} features. Allowed: linear, mlp, saved_base."
            )
        if self.augmentation and info.kind is not Kind.IMAGE:
            raise ValueError(
                f"augmentation: received one for {info.name}, which has rows of {info.shape[0]} "
                "features. Allowed: null; only images are augmented."
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
        losses, metrics = losses_for(info.task), metrics_for(info.task)
        if self.loss not in losses:
            raise ValueError(_refused("training.loss", self.loss, info, losses))
        for metric in self.metrics:
            if metric not in metrics:
                raise ValueError(_refused("training.metrics", metric, info, metrics))
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

    def higher_is_better(self, metric: str) -> bool:
        """Whether higher values of a metric, or of its validation or test-mode twin, are better."""
        plain = metric.removeprefix("val_").removeprefix("train_eval_")
        return plain in METRICS and METRICS[plain].higher_is_better

    def to_yaml(self) -> str:
        """The whole spec as YAML, defaults included, in the order of the fields."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def flatten(self) -> dict[str, str]:
        """The spec as MLflow params: dotted names, text values; parts that are off are left out."""
        flat = {
            name: ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in flatten(self.model_dump(mode="json")).items()
            if value is not None and value != ""
        }
        return flat | {"training.loss": self.loss, "training.metrics": ", ".join(self.metrics)}


def _refused(field: str, received: str, info: DatasetInfo, allowed: tuple[str, ...]) -> str:
    return (
        f"{field}: received {received!r}. Allowed for {info.name} ({info.task.value}): "
        f"{', '.join(allowed)}."
    )
