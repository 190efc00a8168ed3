"""Verdicts that were stored by earlier rules, made anew."""

import logging
from collections.abc import Callable

from experiments.core.errors import ExperimentsError
from experiments.diagnosis import RULES
from experiments.running.run_verdict import split_faults_of, write_verdict
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import Run, Tag, list_runs
from experiments.tracking.store import Store

_MOST = 100_000  # runs

logger = logging.getLogger(__name__)


def refresh_verdicts(store: Store, stopped: Callable[[], bool] = lambda: False) -> int:
    """Judge the runs of this project that ended under other rules again, until ``stopped``.

    So every page says the same of a run. Returns how many were judged; raises StoreError.
    """
    done = 0
    for run in list_runs(store, most=_MOST):
        if stopped():
            break
        if _is_of_other_rules(run):
            try:
                history = get_history(store, run)
                write_verdict(store, run.id, history, run.metrics, split_faults_of(run))
                done += 1
            except ExperimentsError as error:
                logger.warning("Run %s keeps its verdict: %s", run.id, error)
    return done


def _is_of_other_rules(run: Run) -> bool:
    ended = run.is_ours and not run.status.is_active and run.verdict is not None
    return ended and run.tags.get(Tag.VERDICT_RULES) != str(RULES)
