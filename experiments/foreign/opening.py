"""Opening model files that others saved: Keras 3, Keras 2 and tf.keras, whole or in parts."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from experiments.core.errors import ExperimentsError, ModelFileError
from experiments.core.sizes import size_text
from experiments.foreign.compiling import compile_model
from experiments.foreign.config_models import build_model, count_bytes
from experiments.inspection.file_formats import Format
from experiments.inspection.file_inspection import check_inside
from experiments.inspection.inside import Inside, open_inside
from experiments.inspection.stored_optimizer import optimizer_datasets
from experiments.saving.optimizer_state import restore_optimizer
from experiments.saving.training_state import read_state, restore_seeds

#: Of weights, as the architecture asks for them; the file may hold none of them.
MAX_BUILT_BYTES = 3_000_000_000


@dataclass(frozen=True)
class OpenedModel:
    """A model as it was saved, and a sentence for each part that could not be restored."""

    model: keras.Model
    notes: tuple[str, ...]


def open_model_file(path: Path, architecture: Path | keras.Model | None = None) -> OpenedModel:
    """The model in a file of any of Keras' formats, whatever the file is called.

    The file is looked at first; then the model is built, filled and compiled in this process, so
    call it in one with limits. Files with weights alone are loaded into ``architecture``, a model
    or a file that has one. Raises ModelFileError for what is refused, for weights without an
    architecture, for more than MAX_BUILT_BYTES of weights, and for what Keras cannot build.
    """
    with open_inside(path) as inside:
        check_inside(inside)
        if inside.config is None:
            return _fill(inside, architecture)
        notes: list[str] = []
        with _errors_of(inside, "built"):
            needed = count_bytes(inside)
        if needed > MAX_BUILT_BYTES:
            raise ModelFileError(
                f"{path.name} describes a model with {size_text(needed)} of weights; allowed: "
                f"{size_text(MAX_BUILT_BYTES)}."
            )
        with _errors_of(inside, "loaded"):
            model, left_out = _load(inside)
        notes += left_out
        if inside.weights is None:
            return OpenedModel(model, (*notes, "weights: the file has none, so they are at random"))
        notes += _restore_training(model, inside)
        return OpenedModel(model, tuple(notes))


def _load(inside: Inside) -> tuple[keras.Model, list[str]]:
    """The model with its weights, not compiled."""
    if inside.kind is Format.KERAS and not (inside.keras_version or "3.").startswith("2."):
        with _named(inside, ".keras") as link:
            return keras.saving.load_model(link, compile=False, safe_mode=True), []
    model, notes = build_model(inside)
    if inside.weights is not None:
        _load_weights(model, inside)
    return model, notes


def _fill(inside: Inside, architecture: Path | keras.Model | None) -> OpenedModel:
    name = inside.path.name
    if architecture is None:
        raise ModelFileError(
            f"{name} has weights only; name the architecture that they belong to, as .json, .yaml "
            "or a whole model."
        )
    notes: tuple[str, ...] = ()
    if isinstance(architecture, Path):
        opened = open_model_file(architecture)
        model, notes = opened.model, opened.notes
        notes = tuple(note for note in notes if not note.startswith("weights:"))
    else:
        model = architecture
    with _errors_of(inside, "loaded into this architecture"):
        _load_weights(model, inside)
    return OpenedModel(model, notes)


def _load_weights(model: keras.Model, inside: Inside) -> None:
    suffix = {Format.KERAS: ".keras", Format.WEIGHTS: ".weights.h5"}.get(inside.kind, ".h5")
    with _named(inside, suffix) as link:
        model.load_weights(link)


@contextmanager
def _named(inside: Inside, suffix: str) -> Iterator[Path]:
    """The file under a name from which Keras tells the format that it has."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"model{suffix}"
        link.symlink_to(inside.path.resolve())
        yield link


def _restore_training(model: keras.Model, inside: Inside) -> list[str]:
    """Compile as the file says and put the optimizer's state and the seeds back."""
    if inside.training is None:
        return ["training config: the file has none, so the model is not compiled"]
    notes = compile_model(model, inside.training)
    if inside.weights is None:
        return notes
    if getattr(model, "optimizer", None) is not None:
        notes += restore_optimizer(model, inside.weights, inside.path.name)
    elif stored := optimizer_datasets(inside.weights, inside.path.name):
        notes.append(
            f"optimizer state: 0 of {len(stored)} variables restored, because the model is not "
            "compiled"
        )
    state = read_state(inside.weights)
    return notes + (restore_seeds(model, state) if state is not None else [])


@contextmanager
def _errors_of(inside: Inside, what: str) -> Iterator[None]:
    """Whatever Keras raises over a file becomes one ModelFileError."""
    try:
        yield
    except ExperimentsError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"{inside.path.name} cannot be {what}: {first_sentence(error)}"
        ) from error


def first_sentence(error: BaseException) -> str:
    """What an error of Keras says before it prints whole configs."""
    said: Any = " ".join(str(error).split())
    cause = said.rsplit("Exception encountered:", 1)[-1].strip()
    text = cause.split(" config={", 1)[0][:300] or type(error).__name__
    return text if text.endswith(".") else f"{text}."
