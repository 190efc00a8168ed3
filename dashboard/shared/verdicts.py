"""A verdict on a run: from its history, and what else was recorded about it."""

import pandas as pd

from experiments.diagnosis import Pair, Verdict, diagnose
from experiments.tracking.runs import Run


def judge(run: Run, history: pd.DataFrame, pair: Pair | None = None) -> Verdict | None:
    """The verdict on what is there so far; None before the first epoch.

    ``pair`` are the columns to judge, if not those that are found by their names.
    """
    if history.empty:
        return None
    samples = run.metrics.get("val_samples")
    return diagnose(
        history,
        pair=pair,
        constant_loss=run.metrics.get("constant_loss"),
        validation_samples=int(samples) if samples else None,
    )
