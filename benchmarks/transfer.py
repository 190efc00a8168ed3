"""What pretraining is worth: digits 5 to 9 learned from ten samples a class, with and without."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from experiments.spec.run_spec import RunSpec

#: A ResNet of this project at the digits' own 8 pixels: a network of keras.applications wants
#: images of 32, and trains some hundred times as long for the same digits.
NETWORK = {"name": "resnet", "filters": [16, 32]}
CUT = "average"  # the layer that the base ends with
A_CLASS = 170  # of the 174 or more that there are: the same of each
SHOTS = 10


class Lengths(NamedTuple):
    """Epochs of pretraining, and of each of the two that are compared; of the first of these the
    head alone trains for ``head``."""

    pretraining: int
    epochs: int
    head: int


class Accuracies(NamedTuple):
    """Of one seed: the share of the 800 validation samples that is recognised in the best epoch,
    with and without pretraining, on the same split."""

    fine_tuned: float
    from_scratch: float


def store_digits() -> tuple[str, str]:
    """Digits 0 to 4 and 5 to 9 as datasets of their own; returns their names."""
    from sklearn.datasets import load_digits

    from experiments.data.reading.reader import ReadOptions
    from experiments.data.reading.storing import store_file

    digits = load_digits()
    images = (15 * digits.images[..., None]).astype("uint8")
    names = []
    with TemporaryDirectory() as folder:
        for first in (0, 5):
            rows = [np.flatnonzero(digits.target == first + n)[:A_CLASS] for n in range(5)]
            chosen = np.sort(np.concatenate(rows))
            path = Path(folder) / f"digits-{first}-to-{first + 4}.npz"
            np.savez(path, x=images[chosen], y=digits.target[chosen] - first)
            names.append(store_file(path, path.stem, ReadOptions(target="y")).name)
    return names[0], names[1]


def pretraining(dataset: str, lengths: Lengths) -> dict[str, Any]:
    """The spec of the run whose base is taken over."""
    return {
        "dataset": {"name": dataset},
        "model": NETWORK,
        "split": {"method": "stratified", "validation_split": 0.1},
        "training": {"epochs": lengths.pretraining},
    }


def fine_tuned(dataset: str, lengths: Lengths, seed: int, run_id: str) -> dict[str, Any]:
    """The spec of a run on ten samples a class: first a head on the base of a run, then all."""
    return {
        "dataset": {"name": dataset},
        "model": {"name": "saved_base", "run": run_id, "layer": CUT},
        "split": {"method": "stratified", "validation_split": 1 - (SHOTS + 0.1) / A_CLASS},
        "training": {"epochs": lengths.epochs, "batch_size": SHOTS, "learning_rate": 0.003},
        "finetune": {"after": lengths.head, "learning_rate": 0.001},
        "seed": seed,
    }


def compare(home: Path, lengths: Lengths, seeds: range) -> tuple[float, list[Accuracies]]:
    """Pretrain once, then train both for each seed, all in the store of this workspace; returns
    the validation accuracy of pretraining too."""
    import os

    from experiments.core.settings import read_settings, use_settings
    from experiments.diagnosis.from_scratch import from_scratch
    from experiments.spec.spec_files import parse_spec
    from experiments.tracking.store import Store

    os.environ["KERASCOPE_HOME"] = str(home)
    store = Store(use_settings(read_settings()))
    before, after = store_digits()
    run_id, pretrained = train_here(store, parse_spec(pretraining(before, lengths)))
    found = []
    for seed in seeds:
        spec = parse_spec(fine_tuned(after, lengths, seed, run_id))
        found.append(
            Accuracies(train_here(store, spec)[1], train_here(store, from_scratch(spec))[1])
        )
    return pretrained, found


def _all_trains(dataset: str, seed: int) -> dict[str, Any]:
    return {
        "dataset": {"name": dataset},
        "model": NETWORK,
        "finetune": {"after": 0, "learning_rate": 0.001},
        "seed": seed,
    }


def train_here(store: Any, spec: "RunSpec") -> tuple[str, float]:
    """The run's id and its best val_accuracy."""
    import json

    from experiments.running.inline_launcher import run_inline
    from experiments.tracking.artifacts import fetch_artifact

    run_id, status = run_inline(store, spec)
    if status.value != "FINISHED":
        raise RuntimeError(f"The run {run_id} ended as {status.value}.")
    history = json.loads(fetch_artifact(store, run_id, "history.json").read_text())
    return run_id, max(history["val_accuracy"])
