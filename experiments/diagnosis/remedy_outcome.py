"""What became of the runs that tried remedies: seed by seed against the unchanged one."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.diagnosis.remedies import CONTROL

_MEASURES = ("gap", "gap_at_best", "best_val_loss")


class Trial(NamedTuple):
    """A run that tried a remedy with one seed, or its control.

    ``finished`` is None while it is under way. ``restores_best`` says whether early stopping went
    back to the weights of the best epoch, ``validation_samples`` is how many validated.
    """

    run_id: str
    remedy: str
    seed: int
    finished: bool | None
    restores_best: bool
    validation_samples: float


class RunResult(NamedTuple):
    """What one run came to. ``gap`` is that of the model that is kept: of the best epoch where
    early stopping goes back to it, else of the last. ``val_error`` is the standard error of
    ``best_val_loss``, ``validation`` how many samples it is a mean of."""

    gap: float
    gap_at_best: float
    best_val_loss: float
    val_error: float
    validation: float


def outcome(trials: Sequence[Trial], histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a remedy, from the runs that tried it and their controls.

    ``histories`` are by run id. ``runs`` were made, ``pairs`` have ended with a control of the
    same seed that has ended too, ``failed`` came to no number. For each of ``gap``,
    ``gap_at_best`` and ``best_val_loss`` there is the mean change over pairs and, from two pairs
    on, ``<measure>_low`` and ``<measure>_high``: the 95 % interval by Student's t. A gap is
    val_loss − train_eval_loss, below 0 is closed. The L1/L2 penalty is taken out of every loss.
    ``words`` say it.
    """
    kept: dict[str, dict[int, RunResult | None]] = {}
    for trial in trials:
        found = kept.setdefault(trial.remedy, {})
        if trial.finished is not None and trial.seed not in found:
            history = histories.get(trial.run_id, pd.DataFrame())
            found[trial.seed] = _kept(trial, history) if trial.finished else None
    controls = kept.pop(CONTROL, {})
    rows = {name: _row(tried, controls) for name, tried in kept.items()}
    for name, row in rows.items():
        row["runs"] = sum(trial.remedy == name for trial in trials)
        row["words"] = _words(row)
    return pd.DataFrame.from_dict(rows, orient="index")


def _kept(trial: Trial, history: pd.DataFrame) -> RunResult | None:
    """None for a run that ended without a number, as one that diverged."""
    if not {"val_loss", "train_eval_loss"} <= set(history.columns):
        return None
    penalty = history.get("loss_penalty", pd.Series(0.0, history.index)).fillna(0.0)
    val_loss = history["val_loss"] - penalty
    gap = history["val_loss"] - history["train_eval_loss"]
    if not np.isfinite(val_loss.iloc[-1]) or not np.isfinite(gap.iloc[-1]):
        return None
    best = int(val_loss.argmin())
    error = history["se_val_loss"].iloc[best] if "se_val_loss" in history else math.nan
    return RunResult(
        gap=float(
            gap.iloc[int(history["val_loss"].argmin())] if trial.restores_best else gap.iloc[-1]
        ),
        gap_at_best=float(gap.iloc[best]),
        best_val_loss=float(val_loss.iloc[best]),
        val_error=float(error),
        validation=trial.validation_samples,
    )


def _row(
    trials: dict[int, RunResult | None], controls: dict[int, RunResult | None]
) -> dict[str, object]:
    ended = [(trials[seed], controls[seed]) for seed in sorted(trials) if seed in controls]
    pairs = [(trial, control) for trial, control in ended if trial and control]
    row: dict[str, object] = {"pairs": len(pairs), "failed": len(ended) - len(pairs)}
    other_samples = [
        math.hypot(trial.val_error, control.val_error)
        for trial, control in pairs
        if trial.validation != control.validation
    ]
    # which samples validate is the same chance in all pairs: their spread does not show it
    common = float(np.nanmean(other_samples)) if other_samples else 0.0
    for measure in _MEASURES:
        changes = np.array([getattr(trial, measure) - getattr(c, measure) for trial, c in pairs])
        low, high = _interval(changes, common)
        mean = float(changes.mean()) if len(changes) else math.nan
        row |= {measure: mean, f"{measure}_low": low, f"{measure}_high": high}
    return row


def _interval(changes: np.ndarray, common: float) -> tuple[float, float]:
    """The 95 % interval of a mean of paired changes, and of what is chance to all of them."""
    from scipy.special import stdtrit  # scipy.stats takes ten times as long to import

    n = len(changes)
    if n < 2:
        return math.nan, math.nan
    error = math.hypot(float(changes.std(ddof=1)) / math.sqrt(n), common)
    reach = float(stdtrit(n - 1, 0.975)) * error
    return float(changes.mean()) - reach, float(changes.mean()) + reach


def _words(row: dict[str, object]) -> str:
    pairs, failed = row["pairs"], row["failed"]
    runs = "1 run diverged and is" if failed == 1 else f"{failed} runs diverged and are"
    said = f" {runs} not counted." if failed else ""
    if not pairs:
        return said.strip() or "Not yet."
    if pairs == 1:
        return f"One seed is not enough to rule out chance.{said}"
    return f"{_gap_words(row)}, {_loss_words(row)} ({pairs} seeds).{said}"


def _gap_words(row: dict[str, object]) -> str:
    change, low, high = (float(str(row[name])) for name in ("gap", "gap_low", "gap_high"))
    if low <= 0 <= high:
        return (
            f"Can't tell whether the gap changed (95 % interval {_signed(low)} … {_signed(high)})"
        )
    verb, ends = ("Closed", (-high, -low)) if change < 0 else ("Widened", (low, high))
    interval = f"95 % interval {_number(ends[0])} … {_number(ends[1])}"
    return f"{verb} the gap by {_number(abs(change))} ({interval})"


def _loss_words(row: dict[str, object]) -> str:
    names = ("best_val_loss", "best_val_loss_low", "best_val_loss_high")
    change, low, high = (float(str(row[name])) for name in names)
    if low == high == 0:
        return "and the best val loss is the same"
    interval = f"{_signed(low)} … {_signed(high)}"
    if low <= 0 <= high:
        return f"and can't tell whether the best val loss changed ({interval})"
    verb = "cost" if change > 0 else "won"
    return f"and {verb} {_number(abs(change))} of best val loss ({interval})"


def _number(value: float) -> str:
    return f"{value:.2g}" if abs(value) < 100 else f"{value:,.0f}"


def _signed(value: float) -> str:
    return _number(value).replace("-", "−") if value <= 0 else f"+{_number(value)}"
