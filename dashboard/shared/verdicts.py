"""A verdict on a run: from its history, and what else was recorded about it."""

import pandas as pd

from experiments.diagnosis import Pair, Verdict
from experiments.running.run_verdict import judge_history, split_faults_of
from experiments.tracking.runs import Run


def judge(run: Run, history: pd.DataFrame, pair: Pair | None = None) -> Verdict | None:
    """The verdict on what is there so far; None before the first epoch.

    ``pair`` are the columns to judge, if not those that are found by their names.
    """
    if history.empty:
        return None
    return judge_history(history, run.metrics, pair, split_faults_of(run))
