"""Training proper: phase after phase, from where a run starts to its last epoch."""

from typing import NamedTuple

import keras

from experiments.saving.training_state import build_variables, capture
from experiments.spec.run_spec import RunSpec
from experiments.training.batch_loop import train_by_batches
from experiments.training.callbacks import (
    EarlyStopping,
    Recorder,
    ReduceLROnPlateau,
    TrainEvaluation,
)
from experiments.training.checkpoints import Checkpoints, Continuation
from experiments.training.gap_recording import GapRecording
from experiments.training.phases import Phase, Schedule
from experiments.training.resume_point import Start
from experiments.training.training_data import RunData


class Watch(NamedTuple):
    """The callbacks that live as long as the run: what records, what decides, what saves."""

    recorder: Recorder
    deciding: list[keras.callbacks.Callback]
    checkpoints: Checkpoints


def fit(data: RunData, schedule: Schedule, start: Start, watch: Watch, loop: str) -> None:
    """Train from where ``start`` says to the last epoch, by ``loop``: "fit" or "train_on_batch"."""
    borders = schedule.borders
    for number, phase in enumerate(schedule.left_after(start.epoch)):
        begins = bool(number) or (phase.first in borders and not start.batch)
        if number:  # callbacks go on counting from block to block
            start = Start(capture(schedule.model, watch.deciding, epoch=phase.first))
        if begins:
            schedule.enter(phase)  # also where a run was stopped between two phases
            start = start if phase.blocks > 1 and schedule.is_gradual else Start()
        for callback in watch.deciding:
            if isinstance(callback, EarlyStopping):
                callback.goes_on = phase.end < schedule.epochs
        _fit_phase(phase, data, schedule, start, watch, loop)
        if watch.recorder.recorded < phase.end:  # it was stopped, by the user or by a callback
            return


def _fit_phase(
    phase: Phase, data: RunData, schedule: Schedule, start: Start, watch: Watch, loop: str
) -> None:
    """One call of ``fit``, or of the loop that is chosen in its place."""
    model, dataset, copies = schedule.trained(phase, data.dataset)
    data = data.with_dataset(dataset)
    batches, validation = data.batches(start.batch, copies), data.validation()
    sample = data.training_sample()
    build_variables(model, sample.x, sample.y)
    in_fit = loop == "fit"
    callbacks = [
        batches,  # draws the order of the epoch that begins
        TrainEvaluation(sample.x, sample.y),  # adds to the logs what all later ones read …
        GapRecording(sample, data.validation_sample(), model.loss, data.batch_size),  # … this too
        watch.recorder,  # takes the epoch's values before any of those below changes the rate
        *watch.deciding,  # stop or slow down, by what was measured
        # after those: puts back the counters that they have just reset
        *([Continuation(start.state, watch.deciding, in_fit=in_fit)] if start.state else []),
        *schedule.warm_up(len(batches)),  # its rate for the first batch wins over a restored one
        watch.checkpoints,  # last: saves what all others have made of the epoch, then records it
    ]
    if in_fit:
        model.fit(
            batches.batches(),
            shuffle=False,  # the batches are drawn anew in each epoch
            initial_epoch=phase.first,
            epochs=phase.end,
            validation_data=validation,
            callbacks=callbacks,
            verbose=0,
        )
    else:
        train_by_batches(
            model,
            batches.batches(),
            validation,
            callbacks,
            steps=len(batches),
            initial_epoch=phase.first,
            epochs=phase.end,
            skip=start.batch,
        )


def deciding_callbacks(spec: RunSpec, recorder: Recorder) -> list[keras.callbacks.Callback]:
    """Keras' callbacks of a spec, for whole epochs."""
    callbacks: list[keras.callbacks.Callback] = []
    modes = {name: "max" if spec.higher_is_better(name) else "min" for name in spec.monitors()}
    if early := spec.callbacks.early_stopping:
        settings = early.model_dump()
        if spec.finetune:  # a head that has converged is where the base begins to train
            settings["start_from_epoch"] = max(early.start_from_epoch, spec.finetune.after)
        callbacks.append(EarlyStopping(recorder, **settings, mode=modes[early.monitor]))
    if reduce := spec.callbacks.reduce_lr_on_plateau:
        callbacks.append(
            ReduceLROnPlateau(recorder, **reduce.model_dump(), mode=modes[reduce.monitor])
        )
    return callbacks
