"""`compare`: reading, listing and drawing many runs."""

from benchmarks import compare_drawn, compare_live, compare_read
from benchmarks.results import Section
from benchmarks.workspaces import Workspaces


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Seconds and ratios of one run each; MLflow's own ways beside ours."""
    return [
        *compare_read.measure(workspaces, repeats),
        *compare_live.measure(workspaces),
        *compare_drawn.measure(workspaces, repeats),
    ]
