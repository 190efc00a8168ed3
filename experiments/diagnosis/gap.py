"""Why loss and val_loss differ, taken apart for each epoch. docs/gap.md says what is what."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

#: What the difference is made of, and how a sentence calls it. A history has some of them.
PARTS = {
    "training_mode": "what acts only in training",
    "moving_average": "averaging over the epoch while the weights changed",
    "training": "training mode and averaging over the epoch together",
    "penalty": "the penalty, which changed during the epoch,",
    "generalization": "what is left",
    "rest": "all the rest together",
}
_CHANCE = 1.96  # standard errors: 95 % of chance lies within


class GapParts(NamedTuple):
    """What lies between the two losses.

    ``frame`` is indexed by epoch, without epochs that were not validated. Its columns are
    ``difference`` (loss − val_loss) and those of PARTS that are known, which add up to it:
    ``generalization`` is train_eval_loss − val_loss, below 0 where validation is worse. Beside them
    ``<part>_error`` is the standard error of a part, and ``penalty_in_loss`` and
    ``penalty_in_val_loss`` are how much of each loss is L1 and L2. ``epoch`` is the one with the
    lowest val_loss; None without any.
    """

    frame: pd.DataFrame
    epoch: int | None
    sentence: str

    @property
    def names(self) -> list[str]:
        """The parts that are known."""
        return [name for name in PARTS if name in self.frame]


def take_apart(history: pd.DataFrame, acting: str = "") -> GapParts:
    """Where the difference between loss and val_loss comes from, epoch by epoch.

    ``history`` has Keras' columns and recorded.OF_THE_GAP. Without that, only
    training mode and averaging together are known (by train_eval_loss); without train_eval_loss
    too, averaging is estimated: loss is about that of the middle of the epoch. ``acting`` names
    what acts only in training, such as dropout.
    """
    if "loss" not in history or "val_loss" not in history:
        missing = "validation" if "loss" in history else "training"
        return GapParts(
            pd.DataFrame(), None, f"There is no {missing} loss, so there is nothing to compare."
        )
    needed = [name for name in ("loss", "val_loss", "train_eval_loss") if name in history]
    history = history.loc[np.isfinite(history[needed].to_numpy(dtype=np.float64)).all(axis=1)]
    if history.empty:
        return GapParts(pd.DataFrame(), None, "No epoch has a finite value for all its losses.")
    frame = pd.DataFrame({"difference": history["loss"] - history["val_loss"]})
    if "train_eval_loss" not in history:
        frame = frame.join(_estimated(history["loss"], history["val_loss"]))
    elif "se_train_eval_loss" not in history:
        test = history["train_eval_loss"]
        frame = frame.assign(
            training=history["loss"] - test, generalization=test - history["val_loss"]
        )
    else:
        frame = frame.join(_measured(history))
    best = int(history["val_loss"].argmin())
    epoch = int(history.index[best])
    return GapParts(frame, epoch, _sentence(frame.iloc[best].dropna(), epoch, acting))


def acting_in_training(params: Mapping[str, str]) -> str:
    """What acts only in training in one of our runs, in words, by its params."""
    found = []
    if float(params.get("model.dropout", 0)) > 0:
        found.append("dropout")
    if params.get("model.batch_norm") == "True" or params.get("model.name") == "resnet":
        found.append("batch normalization")
    if any(name.startswith("augmentation.") for name in params):
        found.append("augmentation")
    return ", ".join(found[:-1]) + " and " * (len(found) > 1) + found[-1] if found else ""


def _measured(history: pd.DataFrame) -> pd.DataFrame:
    nothing = pd.Series(0.0, history.index)
    test = history["train_eval_loss"]
    has_modes = "loss_training_mode" in history
    trained = history["loss_training_mode"] if has_modes else test
    parts = pd.DataFrame({"training_mode": trained - test}) if has_modes else pd.DataFrame()
    averaged = history["loss"] - trained
    if "loss_penalty" in history:
        # it moves slowly: its mean over an epoch is about that of its values before and after
        after = history["loss_penalty"]
        mean = (after.shift(1).fillna(after) + after) / 2
        parts["penalty"] = mean - after
        parts["penalty_in_loss"], parts["penalty_in_val_loss"] = mean, after
        averaged = averaged - parts["penalty"]
    parts["moving_average"] = averaged
    parts["generalization"] = test - history["val_loss"]
    sampled = history["se_train_eval_loss"]
    drawn = history.get("se_loss_training_mode", nothing)
    if has_modes:
        parts["training_mode_error"] = drawn
    parts["moving_average_error"] = np.hypot(sampled, drawn)
    if "se_val_loss" in history:
        parts["generalization_error"] = np.hypot(sampled, history["se_val_loss"])
    return parts


def _estimated(loss: pd.Series, val_loss: pd.Series) -> pd.DataFrame:
    """Averaging from the slope of the loss: half an epoch later it is lower by half a step."""
    epochs = loss.index.to_numpy(dtype=np.float64)
    slope = np.gradient(loss, epochs) if len(loss) > 1 else np.zeros(len(loss))
    averaging = pd.Series(-slope / 2, loss.index)
    return pd.DataFrame({"moving_average": averaging, "rest": loss - averaging - val_loss})


def _sentence(at: pd.Series, epoch: int, acting: str) -> str:
    say = _Speaker([at[name] for name in ("difference", *PARTS) if name in at])
    side = "higher" if at["difference"] > 0 else "lower"
    said = [
        f"At the best epoch ({epoch}) the training loss is {say(abs(at['difference']))} {side} "
        "than the validation loss."
    ]
    names = PARTS | ({"training_mode": acting} if acting else {})
    adds = [
        f"{names[name]} {'adds' if at[name] >= 0 else 'subtracts'} {say(abs(at[name]))}"
        for name in ("training_mode", "training", "moving_average", "penalty")
        if name in at and say(abs(at[name])) != say(0.0)
    ]
    if adds:
        text = "; ".join(adds)
        said.append(f"{text[0].upper()}{text[1:]}.")
    if "penalty_in_loss" in at:
        said.append(
            f"The L1/L2 penalty is in both: {say(at['penalty_in_loss'])} of the training loss, "
            f"{say(at['penalty_in_val_loss'])} of the validation loss."
        )
    return " ".join([*said, _left(at, say, "What is left" if adds else "All of it")])


def _left(at: pd.Series, say: "_Speaker", what: str) -> str:
    if "rest" in at:
        return (
            "That is estimated from the slope. This run did not measure its training samples in "
            "test mode, so the effect of dropout and the true gap cannot be separated."
        )
    gap = -at["generalization"]
    side = "above" if gap >= 0 else "below"
    true = f"{what} is the true gap: measured in the same way, validation lies {say(abs(gap))}"
    error = at.get("generalization_error", math.nan)
    if not math.isfinite(error):
        return f"{true} {side} training; its error was not recorded."
    said = f"{true} ± {say(_CHANCE * error)} {side} training:"
    if abs(gap) <= _CHANCE * error:
        return f"{said} a gap this small can be chance."
    return f"{said} more than chance."


class _Speaker:
    """Numbers of one sentence, all with as many decimals as the largest of them needs."""

    def __init__(self, values: list[float]) -> None:
        largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
        self._magnitude = math.floor(math.log10(largest)) if largest else 0

    def __call__(self, value: float) -> str:
        if not -4 <= self._magnitude < 7:
            return f"{value:.2g}"
        return f"{value:,.{max(1 - self._magnitude, 0)}f}"
