"""What a network says of images: the likeliest of its classes, for any application with its
ImageNet head and any run that classifies images."""

import json
import statistics
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np

from experiments.core.errors import ArtifactError, InputError, unknown
from experiments.data.catalog import Kind, Task
from experiments.data.reading.images.image_decoding import decode, quiet_pillow
from experiments.data.reading.images.image_members import BadPartError
from experiments.inference.loaded_models import load_run
from experiments.inference.prediction import predict
from experiments.inference.scores import probabilities
from experiments.models.application_times import remember_time
from experiments.models.application_weights import fetching_weights
from experiments.models.bases import input_values
from experiments.models.weight_files import download, is_here, place_of
from experiments.spec.applications import CLASSES_FILE, application_names, find_application
from experiments.tracking.store import Store

Answer = dict[str, Any]

_MOST_IMAGES = 64
_TIMED = 5  # batches
_TIMED_BATCH = 8
_ASK_AGAIN = 300.0  # seconds after which a server that did not answer is asked again
_names_failed = (0.0, "")  # until when it is not, and what was said


def classify_application(
    store: Store, application: str, paths: Sequence[str], top: int = 5
) -> Answer:
    """The ``top`` likeliest of ImageNet's classes for each image file.

    ``images`` have ``name`` and ``classes`` (``name``, ``number``, ``probability``), or
    ``refused``; ``notice`` says what is missing. The network is that of Keras with its whole head,
    its own size and preprocessing; its weights are downloaded at first use. Raises InputError for
    an unknown network and ArtifactError where its weights cannot be had.
    """
    if application not in application_names():
        raise InputError(unknown("application", application, application_names()))
    model = _whole(application)
    names, notice = _class_names(model.output_shape[-1])
    kernel, bias = input_values(application, 3)
    facts = find_application(application)
    side = model.input_shape[1] or (facts.side if facts else 224)
    shape = (side, side, 3)

    def feed(image: np.ndarray) -> np.ndarray:
        return image.astype("float32") / 255 @ kernel[0, 0] + bias

    return {"images": _classify(model, paths, shape, feed, names, top), "notice": notice}


def classify_run(store: Store, run_id: str, paths: Sequence[str], top: int = 5) -> Answer:
    """The same by the model of a run, with the classes of its data.

    Raises InputError for a run of rows or numbers.
    """
    loaded = load_run(store, run_id)
    info = loaded.dataset.info
    if info.kind is not Kind.IMAGE or info.task is Task.REGRESSION:
        raise InputError(
            f"{loaded.spec.title} does not classify images. Allowed: a run on images with "
            "classes, or a network of keras.applications."
        )

    def feed(image: np.ndarray) -> np.ndarray:
        return image.astype("float32") / 255 * info.white

    names = list(info.class_names)
    return {
        "images": _classify(loaded.model, paths, info.shape, feed, names, top),
        "notice": None,
    }


def time_application(store: Store, application: str, side: int) -> Answer:
    """How many milliseconds a network takes for an image of that side here, without its head.

    The median over some batches after one that is not counted; the values of the weights do not
    matter, so they are random. It is kept. Raises InputError for a side that it does not take.
    """
    if application not in application_names():
        raise InputError(unknown("application", application, application_names()))
    try:
        make = getattr(keras.applications, application)
        model = make(include_top=False, weights=None, input_shape=(side, side, 3))
    except ValueError as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{application} takes no images of {side} pixels: {said}") from None
    batch = np.zeros((_TIMED_BATCH, side, side, 3), "float32")
    model.predict_on_batch(batch)
    seconds = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        model.predict_on_batch(batch)
        seconds.append(time.perf_counter() - started)
    milliseconds = 1000 * statistics.median(seconds) / _TIMED_BATCH
    remember_time(store.settings, application, side, milliseconds)
    return {"milliseconds": milliseconds, "side": side}


def _classify(
    model: keras.Model,
    paths: Sequence[str],
    shape: tuple[int, ...],
    feed: Any,
    names: Sequence[str],
    top: int,
) -> list[Answer]:
    if not 1 <= len(paths) <= _MOST_IMAGES:
        raise InputError(f"Received {len(paths)} images. Allowed: 1 to {_MOST_IMAGES}.")
    quiet_pillow()
    answers: list[Answer] = []
    decoded: list[np.ndarray] = []
    for path in map(Path, paths):
        answer: Answer = {"name": path.name}
        try:
            height, width, channels = shape
            image = decode(path.read_bytes(), (height, width, 1 if channels == 1 else 3))
            answer["seen"] = image.tolist() if height <= 64 else None
            decoded.append(image if image.shape == shape else _with_alpha(image, channels))
        except (BadPartError, OSError) as error:
            answer["refused"] = f"{path.name}: {error}."
        answers.append(answer)
    if decoded:
        shares = probabilities(predict(model, np.stack([feed(one) for one in decoded])))[0]
        for answer, row in zip((a for a in answers if "refused" not in a), shares, strict=True):
            order = np.argsort(-row, kind="stable")[:top]
            answer["classes"] = [
                {"name": names[i], "number": int(i), "probability": float(row[i])} for i in order
            ]
    return answers


def _with_alpha(image: np.ndarray, channels: int) -> np.ndarray:
    """For a model of images with alpha: all of it is there."""
    opaque = np.full((*image.shape[:2], channels - 3), 255, image.dtype)
    return np.concatenate([image, opaque], axis=-1)


@lru_cache(maxsize=2)
def _whole(application: str) -> keras.Model:
    with fetching_weights():
        return getattr(keras.applications, application)(weights="imagenet")


def _class_names(classes: int) -> tuple[list[str], str | None]:
    """The names of ImageNet's classes; where they cannot be had, numbers and why."""
    global _names_failed
    try:
        if not is_here(CLASSES_FILE) and time.monotonic() < _names_failed[0]:
            raise ArtifactError(_names_failed[1])
        path = download(CLASSES_FILE)
        index = json.loads(path.read_text(encoding="utf-8"))
        return [index[str(i)][1].replace("_", " ") for i in range(classes)], None
    except ArtifactError as error:
        _names_failed = (time.monotonic() + _ASK_AGAIN, str(error))
        said = str(error).replace("The ImageNet weights", "The names of the classes")
        return [f"class {i}" for i in range(classes)], said
    except (ValueError, KeyError, IndexError):
        file = place_of(CLASSES_FILE)
        why = f"{file} is not what Keras expects. Delete it to have it fetched again."
        return [f"class {i}" for i in range(classes)], why
