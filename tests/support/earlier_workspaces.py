"""Workspaces that earlier versions wrote, as somebody has them who upgrades."""

import re
import subprocess
import sys
import tarfile
from pathlib import Path

from experiments.core.settings import ROOT, Settings, sqlite_uri

PACKED = ROOT / "tests" / "files" / "workspace-0.1.tar.xz"
#: Where it lay when it was packed.
BEFORE = "/home/somebody/kerascope/workspace"


def unpack(home: Path) -> Settings:
    """The workspace of 0.1 in another folder, moved as docs/upgrading.md tells."""
    with tarfile.open(PACKED) as archive:
        archive.extractall(home, filter="data")
    told = (ROOT / "docs" / "upgrading.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", told, re.DOTALL)
    moved = subprocess.run(
        [sys.executable, "-c", script, BEFORE, str(home)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert moved.stdout.splitlines()[:2] == ["runs: 7 changed", "experiments: 3 changed"]
    return Settings(home, sqlite_uri(home / "mlflow.db"), "")
