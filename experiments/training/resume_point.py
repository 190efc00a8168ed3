"""Where a training process begins: with fresh weights, where a run stopped, or with the weights
of another model. Whoever starts the process leaves the file and a note in the run's folder."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras

from experiments.core.errors import ExperimentsError, SpecError
from experiments.core.run_folder import RunFolder, read_json
from experiments.saving.training_state import TrainingState, read_state
from experiments.saving.whole_model import restore
from experiments.spec.run_spec import RunSpec

logger = logging.getLogger("kerascope.training")


class Start(NamedTuple):
    """What is behind a run when its process begins, and what became of it in words."""

    state: TrainingState | None = None
    resume_points: tuple[int, ...] = ()
    words: str = ""

    @property
    def epoch(self) -> int:
        """The first epoch to train."""
        return self.state.epoch if self.state else 0

    @property
    def batch(self) -> int:
        """How many batches of it are done already."""
        return self.state.batch if self.state else 0

    @property
    def lines(self) -> tuple[str, ...]:
        """The journal's lines of the epochs before."""
        return tuple(self.state.history) if self.state else ()


def epoch_saved_in(folder: RunFolder) -> int:
    """The epoch, counted from 0, after or in which the checkpoint was saved that a run's folder
    says it begins from."""
    note = read_json(folder.start_note)
    if not note or note["how"] == "weights":
        return 0
    with h5py.File(folder.start / note["file"], "r") as file:
        state = read_state(file)
    if not state:
        return 0
    return state.epoch if state.batch else max(state.epoch - 1, 0)


def restore_start(spec: RunSpec, folder: RunFolder, model: keras.Model) -> Start:
    """Bring a compiled model to where the run's folder says that it begins.

    Settings of the spec win over those of a checkpoint. Raises SpecError where nothing would be
    left to train, and ArtifactError for a file that does not fit.
    """
    note = read_json(folder.start_note)
    if not note:
        return Start()
    path = folder.start / note["file"]
    if note["how"] == "weights":
        from experiments.foreign.weight_transfer import transplant

        plan = transplant(path, model)
        logger.info("%s", plan.sentence)
        return Start(words=f"began with weights of {note['whose']}{_about_parts(spec, path)}")
    state, notes = restore(model, path)
    for said in notes:
        logger.info("%s", said)
    if state is None:
        return Start(words=f"began with the model of {note['whose']}")
    if state.epoch >= spec.training.epochs:
        raise SpecError(
            f"training.epochs: received {spec.training.epochs}, and {state.epoch} epochs are "
            f"behind the checkpoint. Allowed: a total above {state.epoch}."
        )
    now = _rate(spec.model_dump(), state.epoch)
    if state.spec and _rate(state.spec, state.epoch) != now:
        model.optimizer.learning_rate = now
    resumed = note["how"] == "resume"
    words = f"was {'resumed' if resumed else 'branched off ' + note['whose']} after {_where(state)}"
    words += "" if resumed else _about_parts(spec, path)
    logger.info("This run %s", words)
    resume_points = tuple(dict.fromkeys((*state.resume_points, state.epoch))) if state.epoch else ()
    return Start(state, resume_points, words)


def _about_parts(spec: RunSpec, path: Path) -> str:
    """What to say where the same data is in other parts than in the run that a file is of."""
    if not h5py.is_hdf5(path):
        return ""
    try:
        with h5py.File(path, "r") as file:
            state = read_state(file)
        before = RunSpec.model_validate(state.spec if state else None)
    except (KeyError, TypeError, ValueError, ExperimentsError):  # of others, or its data is deleted
        return ""
    if before.dataset.name != spec.dataset.name or spec.divides_as(before):
        return ""
    return (
        ", and its samples are split differently than there: some that validate or test here were "
        "trained on before"
    )


def _rate(spec: Mapping[str, Any], epoch: int) -> float | None:
    """The learning rate with which an epoch begins, by a spec."""
    tune = spec.get("finetune")
    part = tune if tune and epoch >= tune["after"] else spec.get("training", {})
    rate: float | None = part.get("learning_rate")
    return rate


def _where(state: TrainingState) -> str:
    cut = f" and {state.batch} batches" if state.batch else ""
    return f"{state.epoch} epoch{'s' * (state.epoch != 1)}{cut}"
