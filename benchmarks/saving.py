"""`saving`: a large model saved and loaded, a checkpoint each epoch, and the bytes of both."""

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.processes import Forks
from benchmarks.results import Line, Section
from benchmarks.workspaces import Workspaces
from experiments.core.settings import ROOT
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec, read_spec

if TYPE_CHECKING:
    from benchmarks.checkpointing import CheckpointMeasure, RoundTrip

STOCK, OURS = "stock Keras", "Kerascope"
_MB = 1_000_000
_EXAMPLES = ROOT / "experiments" / "examples"


def _spec(epochs: int, model: dict[str, Any], rate: float, **callbacks: object) -> RunSpec:
    training = {"epochs": epochs, "learning_rate": rate}
    return parse_spec({"model": model, "training": training, "callbacks": callbacks})


_WIDE = {"name": "mlp", "layers": [1024, 1024]}  # 1.1 million parameters
_EARLY = {"monitor": "val_loss", "patience": 2, "restore_best_weights": True}

#: Runs whose last epoch is, and is not, the best one: a small learning rate, and one that is far
#: too large for what comes after the first epochs.
ON_DISK = {
    "last is best": _spec(4, _WIDE, 1e-5),
    "last is not best": _spec(15, _WIDE, 3e-3),
    "early stopping, best weights restored": _spec(40, _WIDE, 3e-3, early_stopping=_EARLY),
}


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Seconds and bytes; every save, load and run is in a process of its own."""
    home, forks = workspaces.new("saving").home, Forks()
    return [
        *_round_trips(forks, home, repeats),
        _checkpoints(forks, home, repeats),
        _on_disk(forks, home),
    ]


def _round_trips(forks: Forks, home: Path, repeats: int) -> list[Section]:
    found: dict[str, list[RoundTrip]] = {STOCK: [], OURS: []}
    for _ in range(repeats):
        for name in found:
            found[name].append(forks.call(_round_trip, name, home))
    back = "; ".join(
        f"{name}: {trips[0].restored} of {trips[0].variables} variables of Adam came back from "
        f"{trips[0].bytes / _MB:.0f} MB"
        for name, trips in found.items()
    )
    sums = [Line(name, [t.save + t.load for t in trips]) for name, trips in found.items()]
    saves = [Line(name, [t.save for t in trips]) for name, trips in found.items()]
    loads = [Line(name, [t.load for t in trips]) for name, trips in found.items()]
    return [
        Section(
            "ResNet50 with Adam as .h5: save and load (aim: at most 1.3 ×)", sums, STOCK, (back,)
        ),
        Section("of it, save", saves, STOCK),
        Section("of it, load", loads, STOCK),
    ]


def _checkpoints(forks: Forks, home: Path, repeats: int) -> Section:
    specs = {
        "digits mlp": _shortened(read_spec(_EXAMPLES / "digits_mlp.yaml"), 12),
        "digits cnn": _shortened(read_spec(_EXAMPLES / "digits_cnn.yaml"), 12),
        "digits resnet, three stages of two blocks": _spec(
            4, {"name": "resnet", "filters": [32, 64, 128], "blocks": 2}, 0.001
        ),
    }
    found: dict[str, list[CheckpointMeasure]] = {name: [] for name in specs}
    for _ in range(repeats):
        for name, spec in specs.items():
            found[name].append(forks.call(_train, spec, home))
    notes = [
        f"{name}: an epoch of {1000 * median(run.epoch for run in runs):,.0f} ms, a checkpoint of "
        f"{1000 * median(run.checkpoint for run in runs):.1f} ms and "
        f"{runs[0].model_bytes / _MB:.2f} MB"
        for name, runs in found.items()
    ]
    lines = [
        Line(name, [100 * run.checkpoint / run.epoch for run in runs], "%")
        for name, runs in found.items()
    ]
    return Section("a checkpoint, as a share of its epoch", lines, notes=notes)


def _on_disk(forks: Forks, home: Path) -> Section:
    runs = {name: forks.call(_train, spec, home) for name, spec in ON_DISK.items()}
    one = Line("one model file", [runs["last is best"].model_bytes / _MB], "MB")
    lines = [Line(name, [run.all_bytes / _MB], "MB") for name, run in runs.items()]
    notes = [f"{name}: {', '.join(run.roles)}" for name, run in runs.items()]
    return Section("on disk for the model, last and best", [one, *lines], one.label, notes)


def _shortened(spec: RunSpec, epochs: int) -> RunSpec:
    return spec.model_copy(update={"training": spec.training.model_copy(update={"epochs": epochs})})


def _round_trip(name: str, home: Path) -> "RoundTrip":
    from benchmarks.checkpointing import round_trip  # imports Keras, which only the fork may

    return round_trip(name, home)


def _train(spec: RunSpec, home: Path) -> "CheckpointMeasure":
    from benchmarks.checkpointing import train_with_checkpoints

    return train_with_checkpoints(spec, home)
