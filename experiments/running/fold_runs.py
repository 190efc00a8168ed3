"""A spec with folds as a run of each fold: siblings that know each other by a tag."""

import uuid
from collections.abc import Iterable
from pathlib import Path

from experiments.running.queue import submit
from experiments.spec.run_spec import RunSpec
from experiments.tracking.runs import Run, RunStatus, Tag
from experiments.tracking.store import Store

_LONGEST_TITLE = 150


def in_folds(spec: RunSpec) -> list[RunSpec]:
    """The specs that a spec stands for: itself, or one for each fold, on the same division."""
    if not spec.split.is_many:
        return [spec]
    folds, title = spec.split.folds or 0, spec.title[:_LONGEST_TITLE]
    return [
        spec.model_copy(
            update={
                "name": f"{title} · fold {fold} of {folds}",
                "split": spec.split.model_copy(update={"fold": fold}),
            }
        )
        for fold in range(1, folds + 1)
    ]


def submit_all(
    store: Store, spec: RunSpec, parent_id: str | None = None, start_file: Path | None = None
) -> list[str]:
    """Queue the run of a spec, or those of its folds; returns their ids."""
    specs = in_folds(spec)
    tags = _together(specs)
    return [submit(store, one, parent_id, start_file, tags) for one in specs]


def run_all_inline(store: Store, spec: RunSpec) -> list[tuple[str, RunStatus]]:
    """Train the run of a spec, or those of its folds one after another, here and now; ends early
    where one is stopped."""
    from experiments.running.inline_launcher import run_inline

    specs = in_folds(spec)
    tags = _together(specs)
    ended: list[tuple[str, RunStatus]] = []
    for one in specs:
        ended.append(run_inline(store, one, tags=tags))
        if ended[-1][1] is RunStatus.KILLED:
            break
    return ended


def siblings_of(run: Run, runs: Iterable[Run]) -> list[Run]:
    """The runs of all folds that were launched with ``run``, itself among them, by fold; none
    where it has no folds."""
    together = run.tags.get(Tag.FOLDS)
    found = [one for one in runs if together and one.tags.get(Tag.FOLDS) == together]
    return sorted(found, key=lambda one: int(one.params.get("split.fold", 0)))


def _together(specs: list[RunSpec]) -> dict[Tag, str]:
    return {Tag.FOLDS: uuid.uuid4().hex} if len(specs) > 1 else {}
