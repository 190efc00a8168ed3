"""How a run trains, as parts of its spec: the loop, the callbacks, the fine-tuning of a base."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from experiments.core.spec_part import Fraction, Positive, SpecPart
from experiments.spec.losses import LONG_LOSSES
from experiments.spec.metrics import LONG_METRICS
from experiments.spec.optimizers import OPTIMIZERS, WITH_MOMENTUM, OptimizerName


class TrainingSpec(SpecPart):
    """How the weights move. ``loss`` and ``metrics`` left out are those that fit the task.

    ``loop`` is what goes over the batches: Keras' ``fit``, or a plain loop of ``train_on_batch``
    and ``test_on_batch``, which records the same history.
    """

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 30
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 32
    optimizer: OptimizerName = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 0.001
    momentum: Fraction = 0.0
    loss: str | None = None
    metrics: list[str] | None = None
    loop: Literal["fit", "train_on_batch"] = "fit"

    @field_validator("loss")
    @classmethod
    def _long_loss(cls, loss: str | None) -> str | None:
        return LONG_LOSSES.get(loss, loss) if loss else None

    @field_validator("metrics")
    @classmethod
    def _long_metrics(cls, metrics: list[str] | None) -> list[str] | None:
        if not metrics:
            return None
        return list(dict.fromkeys(LONG_METRICS.get(name, name) for name in metrics))

    @model_validator(mode="after")
    def _momentum_is_used(self) -> Self:
        if self.momentum and not OPTIMIZERS[self.optimizer].takes_momentum:
            raise ValueError(
                f"momentum: received {self.momentum} with {self.optimizer}, which has none. "
                f"Allowed: 0, or optimizer {' or '.join(WITH_MOMENTUM)}."
            )
        return self


class EarlyStoppingSpec(SpecPart):
    """keras.callbacks.EarlyStopping, under Keras' names."""

    monitor: str = "val_loss"
    patience: Annotated[int, Field(ge=0)] = 5
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    start_from_epoch: Annotated[int, Field(ge=0)] = 0
    restore_best_weights: bool = True


class ReduceLROnPlateauSpec(SpecPart):
    """keras.callbacks.ReduceLROnPlateau, under Keras' names."""

    monitor: str = "val_loss"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=0)] = 3
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-4
    min_lr: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class FinetuneSpec(SpecPart):
    """When and how the base of an application trains too; before, the head alone does.

    From epoch ``after`` on (counted from 0) the layers of the base from ``from_layer`` on train (a
    layer or a block), all of them where it is empty, with an optimizer that begins anew at
    ``learning_rate``. Early stopping counts from there on.

    With ``unfreeze_every`` it is one block from the end, and one more every so many epochs. Each
    block learns at ``rate_decay`` times the rate of the block after it. In the first
    ``warmup_epochs`` the rate rises from 0. The base runs in inference mode and its batch
    normalization stays as it is, unless ``train_batch_norm``: then it runs in training mode.
    """

    after: Annotated[int, Field(ge=0)] = 5
    from_layer: str = ""
    learning_rate: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 1e-5
    unfreeze_every: Positive | None = None
    rate_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    train_batch_norm: bool = False


class CallbacksSpec(SpecPart):
    """What acts between epochs; none by default.

    The last and the best checkpoint are always kept, and that of every k-th epoch if asked for.
    """

    early_stopping: EarlyStoppingSpec | None = None
    reduce_lr_on_plateau: ReduceLROnPlateauSpec | None = None
    keep_checkpoint_every: Positive | None = None
