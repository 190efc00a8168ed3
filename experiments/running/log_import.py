"""Logs of other tools as runs with verdicts."""

from collections.abc import Iterable

from experiments.logs import Log
from experiments.running.run_verdict import write_verdict
from experiments.tracking.imported_runs import IMPORTED, Imported, import_log
from experiments.tracking.store import Store


def import_logs(
    store: Store, logs: Iterable[Log], experiment: str = IMPORTED, source: str = ""
) -> list[Imported]:
    """Keep logs as runs of an experiment, each with its verdict; raises StoreError."""
    kept = []
    for log in logs:
        run = import_log(store, log, experiment, source)
        if run.new:
            write_verdict(store, run.run_id, log.history, {})
        kept.append(run)
    return kept
