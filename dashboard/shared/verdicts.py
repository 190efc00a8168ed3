"""A verdict on a run: from its history, and what else was recorded about it."""

from typing import NamedTuple

import pandas as pd

from experiments.diagnosis import RULES, Pair, Verdict
from experiments.running.run_verdict import judge_run
from experiments.tracking.runs import Run, Tag


def judge(run: Run, history: pd.DataFrame, pair: Pair | None = None) -> Verdict | None:
    """The verdict on what is there so far; None before the first epoch.

    ``pair`` are the columns to judge, if not those that are found by their names.
    """
    if history.empty:
        return None
    return judge_run(run, history, pair)


class Told(NamedTuple):
    """What a run's tags tell of its verdict."""

    label: str
    onset_epoch: int | None


def told_by_tags(run: Run) -> Told | None:
    """The verdict that was stored at the run's end; None where there is none by today's rules."""
    if run.verdict is None or run.tags.get(Tag.VERDICT_RULES) != str(RULES):
        return None
    onset = run.tags.get(Tag.ONSET_EPOCH, "")
    return Told(run.verdict, int(onset) if onset else None)
