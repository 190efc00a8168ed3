"""`streaming`: runs on data larger than their memory budget, readers of files, and an upload."""

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.processes import Forks
from benchmarks.results import Line, Section
from benchmarks.streaming_reading import read_sections
from benchmarks.streaming_upload import upload_section
from benchmarks.workspaces import Workspaces

if TYPE_CHECKING:
    from benchmarks.streaming_run import TrainingMeasure

BUDGET_MB = 64
TIMES = 4  # so many times the budget are the samples
EPOCHS = 2
ALLOWED_MB = 600  # above the budget and what the imports take
IN_MEMORY, STREAMED = "in memory", f"streamed within {BUDGET_MB} MB"
_IMPORTS = "a process that has only imported the same"


class Contest(NamedTuple):
    """Samples of a shape and type, and what is trained on them."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    classes: int
    model: dict[str, Any]
    batch_size: int


CONTESTS = (
    Contest("table", (128,), "float32", 2, {"name": "mlp", "layers": [256, 128]}, 256),
    Contest("images", (64, 64, 3), "uint8", 4, {"name": "cnn", "filters": [8, 16]}, 64),
)


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Samples a second, megabytes and rows a second; every contestant has its own process."""
    home, forks = workspaces.new("streaming").home, Forks()
    sections = []
    for contest in CONTESTS:
        sections += _training(contest, forks, home, repeats)
    sections += read_sections(forks, home, repeats)
    return [*sections, upload_section(workspaces, repeats)]


def _training(contest: Contest, forks: Forks, home: Path, repeats: int) -> list[Section]:
    size = BUDGET_MB * TIMES * 1_000_000
    name = forks.call(_store, home, contest.shape, contest.dtype, contest.classes, size)
    specs = {way: _spec(contest, name, way == STREAMED) for way in (IN_MEMORY, STREAMED)}
    bases: list[float] = []
    found: dict[str, list[TrainingMeasure]] = {way: [] for way in specs}
    for _ in range(repeats):
        bases.append(forks.call(_peak_of_imports))
        for way, spec in specs.items():
            found[way].append(forks.call(_train, home, spec))
    return [
        *_sections(contest, found, median(bases)),
        *_decoding(contest, forks, home, name, repeats),
    ]


def _decoding(contest: Contest, forks: Forks, home: Path, name: str, repeats: int) -> list[Section]:
    if contest.dtype != "uint8":
        return []
    rates = [forks.call(_image_rates, home, name) for _ in range(repeats)]
    decoding = "decoding them as JPEGs, a thread for each core"
    return [
        Section(
            f"{contest.name}: a second, streamed in batches (aim: at least 1 × decoding)",
            [Line("streamed", [streamed for streamed, _ in rates], ""),
             Line(decoding, [decoded for _, decoded in rates], "")],
            decoding,
        )
    ]  # fmt: skip


def _sections(
    contest: Contest, found: dict[str, list["TrainingMeasure"]], base: float
) -> list[Section]:
    what = f"{contest.name}, {BUDGET_MB * TIMES} MB of samples"
    above = [run.peak_mb - base - BUDGET_MB for run in found[STREAMED]]
    waits = [f"{100 * run.data_wait_share:.1f} %" for run in found[STREAMED]]
    return [
        Section(
            f"{what}: training samples a second, best epoch (aim for a table: at least 0.9 ×)",
            [Line(way, [run.rate for run in runs], "") for way, runs in found.items()],
            IN_MEMORY,
            (f"of the streamed epoch, waiting for data: {', '.join(waits)}",),
        ),
        Section(
            f"{what}: peak RSS (aim for streamed: below "
            f"{BUDGET_MB} + {ALLOWED_MB} + {base:,.0f} = {BUDGET_MB + ALLOWED_MB + base:,.0f} MB)",
            [
                Line(_IMPORTS, [base], "MB"),
                *(Line(way, [run.peak_mb for run in runs], "MB") for way, runs in found.items()),
            ],
            _IMPORTS,
        ),
        Section(
            f"{what}: streamed, above imports and budget (aim: below 1 ×)",
            [Line("allowed", [ALLOWED_MB], "MB"), Line("measured", above, "MB")],
            "allowed",
        ),
        *(_predicted(f"{what}: {way}", runs) for way, runs in found.items()),
    ]


def _predicted(what: str, runs: list["TrainingMeasure"]) -> Section:
    return Section(
        f"{what}, recorded peak against the predicted one (aim: 1 ×)",
        [
            Line("predicted", [run.predicted_mb for run in runs], "MB"),
            Line("recorded", [run.recorded_mb for run in runs], "MB"),
        ],
        "predicted",
    )


def _spec(contest: Contest, name: str, streams: bool) -> dict[str, Any]:
    return {
        "dataset": {"name": name} | ({"memory_mb": BUDGET_MB} if streams else {}),
        "model": contest.model,
        "training": {"epochs": EPOCHS, "batch_size": contest.batch_size},
    }


def _store(home: Path, shape: tuple[int, ...], dtype: str, classes: int, size: int) -> str:
    from benchmarks.streaming_run import store_samples  # imports what only the fork may

    return store_samples(home, shape, dtype, classes, size)


def _train(home: Path, spec: dict[str, Any]) -> "TrainingMeasure":
    from benchmarks.streaming_run import train_measured

    return train_measured(home, spec)


def _image_rates(home: Path, name: str) -> tuple[float, float]:
    from benchmarks.streaming_run import image_rates

    return image_rates(home, name, BUDGET_MB)


def _peak_of_imports() -> float:
    from benchmarks.streaming_run import peak_mb

    return peak_mb()
