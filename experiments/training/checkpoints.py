"""A checkpoint after each epoch, so that a run goes on where it stopped, however it stopped."""

import logging
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras

from experiments.core.checkpoint_files import BEST, LAST, epoch_name, link, path_of
from experiments.core.run_folder import RunFolder
from experiments.saving.incremental_save import Rewriter
from experiments.saving.legacy_h5 import describe
from experiments.saving.training_state import (
    TrainingState,
    capture,
    restore_callbacks,
    restore_metrics,
)
from experiments.saving.whole_model import save_model
from experiments.spec.run_spec import RunSpec
from experiments.training.callbacks import Recorder

logger = logging.getLogger("kerascope.training")


class Checkpoints(keras.callbacks.Callback):
    """Saves ``last`` after each epoch, gives the best one and every k-th a name of their own, and
    then has the epoch recorded.

    In this order a process that is killed in between leaves no epoch that is recorded and not
    saved: such an epoch would be trained again and recorded twice. Of an epoch that was cut off
    the state after its last batch is saved, before validation and callbacks see it. It must be
    the last callback. ``whole`` is saved where only a part of it is trained.
    """

    def __init__(
        self,
        folder: RunFolder,
        spec: RunSpec,
        recorder: Recorder,
        watching: Sequence[keras.callbacks.Callback],
        resume_points: Sequence[int] = (),
        whole: keras.Model | None = None,
    ) -> None:
        super().__init__()
        self._whole = whole
        self.folder, self.spec, self.recorder = folder, spec, recorder
        self.watching, self.resume_points = watching, list(resume_points)
        self._early = next(
            (c for c in watching if isinstance(c, keras.callbacks.EarlyStopping)), None
        )
        self.seconds = 0.0
        self._rewriter: Rewriter | None = None
        self._is_saved = False
        self._best = min(recorder.values_of(self._monitor), default=math.inf)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Describe the model once: that takes longer than writing a small one."""
        model = self._whole or self.model
        self._description = describe(model)
        self._rewriter = None
        if Rewriter.is_worth_it(model):
            self._rewriter = Rewriter(path_of(self.folder.artifacts, LAST).parent, model)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leave the checkpoints alone on disk."""
        if self._rewriter:
            self._rewriter.close()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save in the middle of an epoch when training was asked to end there."""
        if not self.recorder.cut_after:
            return
        try:
            self._save(self.recorder.cut_after)
        except OSError as error:
            self._is_saved = False
            logger.warning(
                "The cut epoch could not be saved; a resume will start it over: %s", error
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save, name and record a whole epoch; a full disk does not end training."""
        if self.recorder.cut_after:
            return
        is_best = self._is_best(epoch)
        try:
            self._save()
            self._name(epoch, is_best)
        except OSError as error:
            self._is_saved = False
            logger.warning("The checkpoint could not be saved, training goes on: %s", error)
            if is_best:
                with suppress(OSError):  # it is of an earlier epoch, so no longer the best
                    path_of(self.folder.artifacts, BEST).unlink()
        self.recorder.publish()

    def _name(self, epoch: int, is_best: bool) -> None:
        last = path_of(self.folder.artifacts, LAST)
        if is_best:
            link(last, path_of(self.folder.artifacts, BEST))
        every = self.spec.callbacks.keep_checkpoint_every
        if every and (epoch + 1) % every == 0:
            link(last, path_of(self.folder.artifacts, epoch_name(epoch + 1)))

    def final(self) -> Path | None:
        """The checkpoint that is the model as training left it, or None if it is not there."""
        if not self._is_saved:
            return None
        went_back = self._early and self._early.restore_best_weights and self._early.best_weights
        path = path_of(self.folder.artifacts, BEST if went_back else LAST)
        return path if path.exists() else None

    def _save(self, batch: int = 0) -> None:
        started = time.perf_counter()
        model = self._whole or self.model
        state = capture(
            model,
            self.watching,
            epoch=self.recorder.recorded,
            batch=batch,
            history=self.recorder.lines,
            resume_points=self.resume_points,
            spec=self.spec.model_dump(mode="json"),
            measured=self.model,
        )
        path = path_of(self.folder.artifacts, LAST)
        if self._rewriter:
            self._rewriter.save(path, state, self._description)
        else:
            save_model(model, path, state, self._description)
        self._is_saved = True
        self.seconds += time.perf_counter() - started

    @property
    def _monitor(self) -> str:
        return self.spec.monitors()[0]

    def _is_best(self, epoch: int) -> bool:
        """Whether the best epoch so far is this one, as EarlyStopping sees it where there is one,
        so that ``best`` is what it goes back to."""
        if self._early:
            return bool(self._early.best_epoch == epoch)
        value = self.recorder.values_of(self._monitor, since=-1)[0]
        better = value < self._best
        self._best = value if better else self._best
        return better


class Continuation(keras.callbacks.Callback):
    """Puts back what Keras resets at the beginning of ``fit`` and of an epoch."""

    def __init__(
        self,
        state: TrainingState,
        watching: Sequence[keras.callbacks.Callback],
        *,
        in_fit: bool = True,
    ) -> None:
        super().__init__()
        self.state, self.watching, self.in_fit = state, watching, in_fit

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """The counters of the callbacks, which have just been reset."""
        for note in restore_callbacks(self.watching, self.state):
            logger.info("%s", note)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """The running metrics of an epoch that was cut off, and no work for its first batches.

        A pass over the data that ends early would not do: TensorFlow still counts the step that
        finds no data (2.21, optimizer.iterations and seed generators).
        """
        if not self.state.batch or epoch != self.state.epoch:
            return
        restore_metrics(self.model, self.state)
        if not self.in_fit:  # a loop of our own begins where the epoch was cut off
            return
        train = self.model.train_function
        done = iter(range(self.state.batch))

        def skip(iterator: Any) -> Any:
            if next(done, None) is not None:
                return {}
            self.model.train_function = train
            return train(iterator)

        self.model.train_function = skip
