"""The arrows of docs/architecture.md: imports point down only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: From the ground up; a module may import from its own level and those below it.
LEVELS = [
    {"errors", "old_files", "settings", "process_limits", "applications", "blocks"},
    {
        "datasets.catalogue", "datasets.stored", "spec_errors", "run_folder", "keras2_config",
        "model_files", "checkpoint_files", "diagnosis", "histories", "model_specs",
        "base_files", "application_times", "training_specs",
    },
    {"specs"},
    {"spec_files"},
    {
        "tracking", "datasets", "weight_files", "remedies", "remedy_outcome", "base_findings",
        "from_scratch",
    },
    {
        "models", "architectures", "tables", "hdf5", "rewriting", "optimizer_state",
        "training_state", "saving",
        "opening", "shuffling", "streaming", "training_data", "batch_loop",
        "memory_needs", "callbacks", "gap_recording", "scripts", "sample_files", "raw_rows",
        "application_weights", "bases", "saved_bases", "feature_cache", "phases",
    },
    {"checkpoints", "transplanting", "transplanting_process", "exporting", "loaded_models"},
    {"starting", "model_data"},
    {"training", "attending"},
    {
        "launching", "predicting", "classifying", "explaining", "embedding", "measuring",
        "evaluating", "planning", "keras_process", "inspect_process", "dataset_process",
    },
    {"worker", "keras_answers"},
    {"commands"},
    {"__main__"},
]  # fmt: skip


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def level(name: str) -> int | None:
    """The level of a dotted name below ``experiments``; the longest matching entry counts."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        for number, entries in enumerate(LEVELS):
            if ".".join(parts[:length]) in entries:
                return number
    return None


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT / "experiments").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("path", modules("experiments"), ids=dotted)
def test_imports_inside_experiments_point_down(path):
    own = dotted(path)
    if not own:
        return
    assert level(own) is not None, f"{own} has no place in LEVELS"
    for name in imported(path):
        if name.startswith("experiments."):
            other = level(name.removeprefix("experiments."))
            assert other is None or other <= level(own), f"{own} imports {name} from above"


def top_level_imports(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def test_only_tracking_imports_mlflow():
    for path in modules("experiments") + modules("dashboard"):
        if "tracking" not in path.parts:
            assert "mlflow" not in top_level_imports(path), path


def test_only_the_dashboard_imports_streamlit():
    for path in modules("experiments"):
        assert "streamlit" not in top_level_imports(path), path


def test_the_dashboard_imports_neither_tensorflow_nor_keras():
    for path in modules("dashboard"):
        assert not {"tensorflow", "keras"} & top_level_imports(path), path


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("experiments.worker", ["tensorflow", "keras", "mlflow"]),
        ("experiments.launching", ["tensorflow", "keras", "mlflow"]),
        ("experiments.attending", ["tensorflow", "keras", "mlflow"]),
        ("experiments.keras_process", ["tensorflow", "keras", "mlflow"]),
        ("experiments.__main__", ["tensorflow", "keras", "mlflow", "pandas"]),
        ("experiments.commands.inspecting", ["tensorflow", "keras", "mlflow", "pandas"]),
        ("experiments.specs", ["tensorflow", "keras", "mlflow", "pandas", "numpy"]),
        ("experiments.diagnosis", ["tensorflow", "keras", "mlflow", "streamlit"]),
        ("experiments.training", ["mlflow", "streamlit"]),
    ],
)
def test_importing_stays_cheap(module, absent):
    code = f"import sys, {module}; print([n for n in {absent!r} if n in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
