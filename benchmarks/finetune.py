"""`finetune`: phase 1 on cached features, a second head, the cache's memory, and transfer."""

from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from benchmarks.processes import Forks
from benchmarks.results import Line, Section
from benchmarks.transfer import Accuracies, Lengths
from benchmarks.workspaces import Workspaces

if TYPE_CHECKING:
    from benchmarks.finetune_run import Phase

APPLICATIONS = ("MobileNetV2", "ResNet50")
IMAGES, SIDE, EPOCHS = 400, 96, 10
BUDGET_MB = 32
FEW, MANY = 1_000, 40_000  # images of 32 px; features of the many: 205 MB
SEEDS = range(1, 6)
LENGTHS = Lengths(pretraining=30, epochs=60, head=20)
PLAIN, FLOOR = "plain Keras, frozen base in place", "forward pass once + head on ready features"
FIRST, SECOND = "Kerascope, first head", "Kerascope, second head"


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Seconds, megabytes and accuracies; every contestant has its own process."""
    forks = Forks()
    sections = []
    for application in APPLICATIONS:
        sections += _phase(application, forks, workspaces, repeats)
    sections.append(_memory(forks, workspaces, repeats))
    home = workspaces.new("transfer").home
    return [*sections, transfer_section(*forks.call(_compare, home, LENGTHS, SEEDS))]


def _phase(application: str, forks: Forks, workspaces: Workspaces, repeats: int) -> list[Section]:
    found: dict[str, list[Phase]] = {PLAIN: [], FLOOR: [], FIRST: [], SECOND: []}
    for number in range(repeats):
        home = workspaces.new(f"{application}-{number}").home  # no features are known there
        name = forks.call(_store, home, "patches", IMAGES, SIDE)
        spec = _spec(name, {"application": application}, EPOCHS)
        other = _spec(name, {"application": application, "dropout": 0.5}, EPOCHS)
        found[PLAIN].append(forks.call(_run, "plain", home, spec))
        found[FLOOR].append(forks.call(_run, "floor", home, spec))
        found[FIRST].append(forks.call(_run, "kerascope", home, spec))
        found[SECOND].append(forks.call(_run, "kerascope", home, other))
    what = f"{application}, {IMAGES} images of {SIDE} px, {EPOCHS} epochs"
    alone = "the head alone on ready features"
    return [
        Section(
            f"{what}: phase 1 (aim for the first head: at most 1.15 ×)",
            [Line(way, [run.seconds for run in runs]) for way, runs in found.items()],
            FLOOR,
            [_parts(way, found[way]) for way in (FIRST, SECOND)],
        ),
        Section(
            f"{what}: a second head",
            [
                Line(alone, [run.seconds - run.forward for run in found[FLOOR]]),
                Line(SECOND, [run.seconds for run in found[SECOND]]),
            ],
            alone,
        ),
        Section(
            f"{what}: of the speed-up",
            [Line(way, [run.seconds for run in found[way]]) for way in (FIRST, SECOND, PLAIN)],
            FIRST,
        ),
    ]


def _parts(way: str, runs: list["Phase"]) -> str:
    return (
        f"{way}: {runs[0].passes} batches through the base; of all seconds checkpoints took "
        f"{mean(run.checkpoints for run in runs):.2f}, measuring each epoch "
        f"{mean(run.measuring for run in runs):.2f}"
    )


def _memory(forks: Forks, workspaces: Workspaces, repeats: int) -> Section:
    model = {"application": "MobileNetV2", "alpha": 0.35}
    contests = {
        f"{FEW:,} images, within the budget": (FEW, True),
        f"{MANY:,} images, within the budget": (MANY, True),
        f"{MANY:,} images, in memory": (MANY, False),
    }
    peaks: dict[str, list[float]] = {label: [] for label in contests}
    for number in range(repeats):
        home = workspaces.new(f"memory-{number}").home
        for label, (images, streams) in contests.items():
            name = forks.call(_store, home, f"patches {images}", images, 32)
            spec = _spec(name, model, 1)
            if streams:
                spec["dataset"]["memory_mb"] = BUDGET_MB
            peaks[label].append(forks.call(_run, "kerascope", home, spec).peak_mb)
            for path in (home / "features").glob("*.h5"):
                path.unlink()
    few, many, _ = peaks.values()
    above = [(b - a) / BUDGET_MB for a, b in zip(few, many, strict=True)]
    size = MANY * 1280 * 4 / 1_000_000
    return Section(
        f"peak RSS with {size:.0f} MB of features and a budget of {BUDGET_MB} MB",
        [Line(label, samples, "MB") for label, samples in peaks.items()],
        next(iter(peaks)),
        (
            "above the small dataset, in budgets: "
            f"{', '.join(f'{one:.2f}' for one in above)}; the features are {size / BUDGET_MB:.1f}",
        ),
    )


def transfer_section(pretrained: float, found: list[Accuracies]) -> Section:
    """Both accuracies in percent, seed by seed."""
    columns = {
        "from scratch": [100 * one.from_scratch for one in found],
        "fine-tuned": [100 * one.fine_tuned for one in found],
    }
    spreads = "; ".join(
        f"{way}: mean {mean(values):.1f} %, standard deviation {stdev(values):.1f}"
        for way, values in columns.items()
    )
    return Section(
        "digits 5 to 9 from 10 samples a class: validation accuracy over 5 seeds",
        [Line(way, values, "%") for way, values in columns.items()],
        "from scratch",
        (spreads, f"pretrained on digits 0 to 4 to {100 * pretrained:.1f} % there"),
    )


def _spec(name: str, model: dict[str, Any], epochs: int) -> dict[str, Any]:
    return {
        "dataset": {"name": name},
        "model": {"name": "application", "weights": "random"} | model,
        "training": {"epochs": epochs, "batch_size": 32},
    }


def _store(home: Path, name: str, images: int, side: int) -> str:
    from benchmarks.finetune_run import store_patches  # imports what only the fork may

    return store_patches(home, name, images, side)


def _run(way: str, home: Path, spec: dict[str, Any]) -> "Phase":
    from benchmarks.finetune_run import WAYS

    return WAYS[way](home, spec)


def _compare(home: Path, lengths: Lengths, seeds: range) -> tuple[float, list[Accuracies]]:
    from benchmarks.transfer import compare

    return compare(home, lengths, seeds)
