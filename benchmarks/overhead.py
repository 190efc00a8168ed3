"""`overhead`: what recording adds to an epoch, how soon it is in MLflow, what a kill loses."""

from typing import TYPE_CHECKING

from benchmarks.delivery import measure_delivery
from benchmarks.processes import Forks
from benchmarks.results import Line, Section
from benchmarks.workspaces import Workspaces
from experiments.core.settings import Settings
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec

if TYPE_CHECKING:
    from benchmarks.recorders import Cost

PLAIN, OURS = "plain fit", "Kerascope"
CONTESTANTS = (
    PLAIN,
    OURS,
    "Kerascope, no test-mode sample",
    "MLflow log_metrics(synchronous=False)",
    "MLflow log_metrics",
    "TensorBoard callback",
    "MLflow autolog, no model or dataset",
)
EPOCHS = 30

#: A small network with epochs of about 0.3 s on two cores.
SPEC = parse_spec(
    {
        "name": "overhead",
        "model": {"name": "mlp", "layers": [64, 32]},
        "training": {"epochs": EPOCHS, "batch_size": 8},
    }
)


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Milliseconds in callbacks for every contestant, each fit in a process of its own."""
    settings, forks = workspaces.new("overhead"), Forks()
    costs: dict[str, list[Cost]] = {name: [] for name in CONTESTANTS}
    missing: dict[str, str] = {}
    for _ in range(repeats):
        for name in CONTESTANTS:
            if name not in missing:
                try:
                    costs[name].append(forks.call(_record_fit, name, SPEC, settings))
                except RuntimeError as error:
                    missing[name] = f"{name} is left out: {error}"
    return [
        *_sections({name: found for name, found in costs.items() if found}, missing),
        *measure_delivery(workspaces, SPEC, repeats),
    ]


def _record_fit(name: str, spec: RunSpec, settings: Settings) -> "Cost":
    from benchmarks.recorders import record_fit  # imports Keras, which only the fork may

    return record_fit(name, spec, settings)


def _sections(costs: "dict[str, list[Cost]]", missing: dict[str, str]) -> list[Section]:
    recorded = {name: found for name, found in costs.items() if name != PLAIN}
    plain = sorted(cost.fit for cost in costs[PLAIN])[len(costs[PLAIN]) // 2]
    share = [100 * cost.sample_per_epoch * EPOCHS / cost.fit for cost in costs[OURS]]
    return [
        Section(
            "in callbacks, each epoch (aim: under 1 ms)",
            [
                Line(name, [1000 * cost.per_epoch for cost in found], "ms")
                for name, found in recorded.items()
            ],
            OURS,
            tuple(missing.values()),
        ),
        Section(
            "after the last epoch: on_train_end and flush (aim: under 500 ms)",
            [
                Line(name, [1000 * cost.end for cost in found], "ms")
                for name, found in recorded.items()
            ],
            OURS,
        ),
        Section(
            f"the whole fit of {EPOCHS} epochs",
            [Line(name, [cost.fit for cost in found]) for name, found in costs.items()],
            PLAIN,
            (f"One epoch of plain fit takes {plain / EPOCHS:.2f} s.",),
        ),
        Section(
            "the sample measured in test mode, counted apart",
            [
                Line("each epoch", [1000 * cost.sample_per_epoch for cost in costs[OURS]], "ms"),
                Line("share of the epoch", share, "%"),
            ],
        ),
    ]
