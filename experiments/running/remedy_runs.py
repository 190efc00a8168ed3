"""Remedies tried for real: as queued children of the run that they are for."""

import math
from collections.abc import Iterable, Sequence

from experiments.diagnosis.remedies import PlannedRun, Remedy, plan
from experiments.diagnosis.remedy_outcome import Trial
from experiments.running.queue import submit
from experiments.spec.run_spec import RunSpec
from experiments.tracking.runs import Run, RunStatus, Tag
from experiments.tracking.store import Store


def children_of(run: Run, runs: Iterable[Run]) -> list[Run]:
    """The runs that tried a remedy for ``run``, in the order of ``runs``; those that were
    stopped before they began do not count."""
    return [
        other
        for other in runs
        if other.parent_id == run.id
        and Tag.REMEDY in other.tags
        and not (other.status is RunStatus.KILLED and other.started is None)
    ]


def trial_of(child: Run) -> Trial:
    """What remedy_outcome.outcome asks of a run that tried a remedy."""
    return Trial(
        run_id=child.id,
        remedy=child.tags[Tag.REMEDY],
        seed=int(child.params["seed"]),
        finished=None if child.status.is_active else child.status is RunStatus.FINISHED,
        restores_best=child.params.get("callbacks.early_stopping.restore_best_weights") == "True",
        validation_samples=child.metrics.get("val_samples", math.nan),
    )


def missing(
    spec: RunSpec, remedies: Sequence[Remedy], seeds: Sequence[int], children: Iterable[Run]
) -> list[PlannedRun]:
    """What of the plan no child has tried yet: controls are shared by all remedies."""
    tried = {(child.tags[Tag.REMEDY], int(child.params["seed"])) for child in children}
    return [
        planned
        for planned in plan(spec, remedies, seeds)
        if (planned.remedy, planned.seed) not in tried
    ]


def launch_remedies(
    store: Store, run: Run, runs: Iterable[PlannedRun], *, inline: bool = False
) -> list[str]:
    """Queue runs of a plan as children of ``run``, tagged with their remedy; returns their ids.

    With ``inline`` they are trained here and now, one after another.
    """
    launched = []
    for planned in runs:
        tags = {Tag.REMEDY: planned.remedy}
        if inline:
            from experiments.running.inline_launcher import run_inline

            run_id, _ = run_inline(store, planned.spec, parent_id=run.id, tags=tags)
        else:
            run_id = submit(store, planned.spec, parent_id=run.id, tags=tags)
        launched.append(run_id)
    return launched


def seconds_for(run: Run, spec: RunSpec, runs: Iterable[PlannedRun]) -> float | None:
    """About how long runs of a plan take one after another, from what ``run`` took an epoch."""
    if not run.seconds or not spec.training.epochs:
        return None
    epochs = sum(planned.spec.training.epochs for planned in runs)
    return run.seconds * epochs / spec.training.epochs
