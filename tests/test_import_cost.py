"""What importing a module does not import with it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("experiments.running.worker", ["tensorflow", "keras", "mlflow"]),
        ("experiments.running.queue", ["tensorflow", "keras", "mlflow"]),
        ("experiments.running.supervision", ["tensorflow", "keras", "mlflow"]),
        ("experiments.running.keras_client", ["tensorflow", "keras", "mlflow"]),
        ("kerascope", ["tensorflow", "keras", "mlflow", "pandas", "numpy"]),
        ("experiments.__main__", ["tensorflow", "keras", "mlflow", "pandas"]),
        ("experiments.cli.inspect_command", ["tensorflow", "keras", "mlflow", "pandas"]),
        ("experiments.spec.run_spec", ["tensorflow", "keras", "mlflow", "pandas", "numpy"]),
        ("experiments.diagnosis", ["tensorflow", "keras", "mlflow", "streamlit"]),
        ("experiments.training.train", ["mlflow", "streamlit"]),
    ],
)
def test_importing_stays_cheap(module, absent):
    code = f"import sys, {module}; print([n for n in {absent!r} if n in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
