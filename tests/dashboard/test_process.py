"""What the web process must not do: import TensorFlow or Keras."""

import subprocess
import sys

from dashboard.shared.cache import _keras as started_early
from dashboard.shared.cache import _uploaded_keras as started_early_for_uploads
from experiments.core.settings import ROOT

_VISIT = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("dashboard/app.py", default_timeout=60)
app.run()
for page in ("launch", "run", "compare", "models", "runs"):
    app.switch_page(f"{page}/page.py").run()
    assert not app.exception, app.exception
found = sorted({"tensorflow", "keras", "torch", "jax"} & set(sys.modules))
print("imported:", found)
sys.exit(bool(found))
"""


def test_no_page_imports_tensorflow_or_keras(workspace, make_run):
    make_run()
    visited = subprocess.run(
        [sys.executable, "-c", _VISIT],
        cwd=ROOT,
        env=workspace.environment() | {"KERASCOPE_WORKER": "external"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert visited.returncode == 0, visited.stdout + visited.stderr[-3000:]


def test_the_process_starts_when_a_page_opens_that_may_ask_it(workspace):
    """Elsewhere tests have it start at the first question (conftest)."""
    for start in (started_early, started_early_for_uploads):
        process = start(workspace)
        assert process.pid is not None
        process.close()
        start.clear()
