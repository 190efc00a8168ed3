"""What Kerascope knows of models and histories, for your own code. No run and no store is needed.

Importing it is cheap: Keras is imported when a model is loaded or saved, pandas when a history is
diagnosed. Every error that these functions raise on purpose is an ``ExperimentsError``, and says
what was received, what is allowed and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.core.errors import ExperimentsError, HistoryError, InputError, ModelFileError
from experiments.core.version import VERSION

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from experiments.diagnosis import Verdict
    from experiments.foreign.opening import OpenedModel

__version__ = VERSION

__all__ = [
    "ExperimentsError",
    "HistoryError",
    "InputError",
    "ModelFileError",
    "__version__",
    "diagnose",
    "load_model",
    "save_model",
]


def load_model(
    path: str | PathLike[str],
    *,
    architecture: str | PathLike[str] | keras.Model | None = None,
) -> OpenedModel:
    """The model in a file of Keras 3, Keras 2 or tf.keras, compiled, so that ``fit`` goes on.

    The optimizer's state comes back whole, and from files that ``save_model`` or a run wrote the
    seed generators too: stock Keras 3.15 restores 2 of Adam's 10 variables from ``.h5``. The format
    is told by what is in the file, not by its name.

    The file is looked at before Keras sees it, and refused if it would run code. What passes is
    built in this process: for files of strangers `kerascope inspect FILE --load` does the same in a
    process with limits.

    Args:
        path: A whole model (``.h5``, ``.keras``), an architecture (``.json``, ``.yaml``), or
            weights alone (``.h5``, ``.weights.h5``), which need ``architecture``.
        architecture: The model that weights alone are loaded into, or a file that has it. It is
            not used for a file that has an architecture of its own.

    Returns:
        ``model``, and ``notes``: a sentence for each part that could not be restored; none if all
        of it was.

    Raises:
        ModelFileError: There is no such file, it is no model, it would run code or lead out of
            itself, its weights have no architecture or do not fit it, it describes more than 3 GB
            of weights, or Keras cannot build it.

    Example:
        >>> import keras, kerascope
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> kerascope.save_model(model, "model.h5")
        >>> opened = kerascope.load_model("model.h5")
        >>> opened.model.optimizer.name, opened.notes
        ('adam', ())
    """
    from experiments.foreign.opening import open_model_file

    if isinstance(architecture, str | PathLike):
        architecture = Path(architecture)
    return open_model_file(Path(path), architecture)


def save_model(model: keras.Model, path: str | PathLike[str]) -> None:
    """Write one HDF5 file with everything: architecture, weights, training config, the optimizer's
    state and the seed generators of Dropout and augmentation.

    Stock Keras 3 and tf.keras 2 open it as well. It is written under another name and then renamed,
    so a process that is killed meanwhile leaves the file of before. Folders are made as needed.

    Args:
        model: A built model, compiled or not.
        path: The file to write, ``.h5`` or ``.hdf5``.

    Raises:
        InputError: The name has another ending, under which Keras would not open this format.
        OSError: The file cannot be written.

    Example:
        >>> import keras, kerascope
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> kerascope.save_model(model, "models/untrained.h5")
    """
    from experiments.saving.training_state import capture
    from experiments.saving.whole_model import save_model as write

    path = Path(path)
    if path.suffix not in (".h5", ".hdf5") or path.name.endswith(".weights.h5"):
        raise InputError(
            f"Received {path.name}. A whole model in HDF5 is written, which Keras opens under a "
            "name that ends in .h5 or .hdf5 and not in .weights.h5: choose one of these."
        )
    fitted = getattr(model, "history", None)  # of the last fit, if there was one
    write(model, path, capture(model, epoch=len(fitted.epoch) if fitted else 0))


def diagnose(
    history: keras.callbacks.History | Mapping[str, Any] | pd.DataFrame,
) -> Verdict:
    """Whether a training overfits, since which epoch, how sure that is, and what to do about it.

    Args:
        history: What ``model.fit`` returned, its ``.history``, or a DataFrame with one row an epoch
            (``CSVLogger`` writes one). Names of other tools, such as ``train_loss`` and
            ``eval/loss``, are understood. An ``epoch`` column, or the index, labels the epochs. A
            list that is n times shorter than the others was measured every n-th epoch.

    Returns:
        ``label`` (``overfitting``, ``underfitting``, ``good_fit``, ``still_improving``,
        ``diverged`` or ``cant_tell``), ``reason`` and ``advice`` in words, ``best_epoch`` and
        ``onset_epoch`` (labels of epochs, or None), ``gap_at_best`` and ``gap_at_end`` (validation
        minus training loss), ``wasted_epochs``, ``confidence`` from 0 to 1 and ``evidence``;
        ``to_dict()`` has all of it for JSON. A short or broken history is no error but
        ``cant_tell`` or ``diverged``.

    Raises:
        HistoryError: What was given is no history.

    Example:
        >>> import kerascope
        >>> verdict = kerascope.diagnose({
        ...     "loss": [1.0, 0.7, 0.5, 0.4, 0.3, 0.22, 0.16, 0.12, 0.09, 0.07],
        ...     "val_loss": [1.1, 0.9, 0.8, 0.75, 0.78, 0.85, 0.95, 1.1, 1.2, 1.4],
        ... })
        >>> verdict.label.value, verdict.best_epoch
        ('overfitting', 3)
    """
    from experiments.diagnosis import diagnose as judge
    from experiments.diagnosis import history_from_keras

    return judge(history_from_keras(_columns(history)))


def _columns(history: Any) -> Any:
    """A list of values for each metric, with the labels of the epochs where they have some."""
    import pandas as pd

    if isinstance(history, pd.DataFrame):
        labels = {} if "epoch" in history else {"epoch": history.index}
        return {name: list(column) for name, column in (labels | dict(history.items())).items()}
    if hasattr(history, "history") and hasattr(history, "epoch"):  # keras.callbacks.History
        return {"epoch": history.epoch, **history.history}
    return history
