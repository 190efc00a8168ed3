"""Kerascope as `pip install` leaves it: the wheel alone, outside the clone, from any folder."""

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import psutil
import pytest

from experiments.core.settings import ROOT
from experiments.core.version import VERSION
from tests.support.waiting import answers, free_port, wait_for

OVERFIT = {
    "loss": [1.0, 0.7, 0.5, 0.4, 0.3, 0.22, 0.16, 0.12, 0.09, 0.07],
    "val_loss": [1.1, 0.9, 0.8, 0.75, 0.78, 0.85, 0.95, 1.1, 1.2, 1.4],
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built without a network, from the files that git has: a build leaves folders behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if name.startswith(("tests/", "docs/")) or not (ROOT / name).is_file():
            continue
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
        "--no-build-isolation", "--wheel-dir", out, source, cwd=out)  # fmt: skip
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bin_folder(wheel, tmp_path_factory) -> Path:
    """The scripts of an environment with the wheel; what it needs comes from this environment."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    run(sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet",
        "--no-deps", "--no-index", wheel, cwd=folder)  # fmt: skip
    return folder / "bin"


@pytest.fixture
def clean(tmp_path) -> dict[str, str]:
    """The environment of a user who has never heard of the clone."""
    ours = ("PYTHONPATH", "KERASCOPE_HOME", "MLFLOW_TRACKING_URI", "PORT", "MLFLOW_PORT")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"HOME": str(tmp_path / "home")}


def run(*command: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    result = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        said = archive.read(metadata).decode()
    there = {
        path.relative_to(ROOT).as_posix()
        for package in ("kerascope", "experiments", "dashboard")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there
    assert f"Version: {VERSION}\n" in said
    assert re.search(r"^Requires-Dist: streamlit<1\.68,>=1\.67$", said, re.MULTILINE)
    assert re.search(r"^Requires-Dist: psycopg2-binary; extra == .postgres.$", said, re.MULTILINE)


def test_the_command_says_its_version_and_its_name(bin_folder, clean, tmp_path):
    command = bin_folder / "kerascope"
    assert run(command, "--version", cwd=tmp_path, env=clean) == f"kerascope {VERSION}\n"
    assert run(command, "--help", cwd=tmp_path, env=clean).startswith("usage: kerascope ")


def test_a_history_is_diagnosed(bin_folder, clean, tmp_path):
    (tmp_path / "history.json").write_text(json.dumps(OVERFIT))
    command = [bin_folder / "kerascope", "diagnose", "--json", "--history", "history.json"]
    [verdict] = json.loads(run(*command, cwd=tmp_path, env=clean))
    assert verdict["verdict"] == "overfitting"


def test_the_workspace_is_in_the_home_folder_whatever_the_folder_is(bin_folder, clean, tmp_path):
    (tmp_path / "experiments").mkdir()  # a user's folder of that name is not ours
    (tmp_path / "experiments" / "__init__.py").write_text("raise SystemExit('not ours')")
    assert run(bin_folder / "kerascope", "status", cwd=tmp_path, env=clean) == "No runs yet.\n"
    assert (tmp_path / "home" / ".kerascope" / "mlflow.db").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["experiments", "home"]


def test_the_functions_are_there(bin_folder, clean, tmp_path):
    code = "import kerascope; print(kerascope.__file__, kerascope.__version__)"
    file, version = run(bin_folder / "python", "-c", code, cwd=tmp_path, env=clean).split()
    assert Path(file).is_relative_to(bin_folder.parent)
    assert version == VERSION


def test_the_dashboard_starts_and_ctrl_c_ends_all_of_it(bin_folder, clean, tmp_path):
    port, mlflow_port = free_port(), free_port()
    addresses = [
        f"http://127.0.0.1:{port}/_stcore/health",
        f"http://127.0.0.1:{mlflow_port}/health",
    ]
    command = [bin_folder / "kerascope", "dashboard", "--port", port, "--mlflow-port", mlflow_port]
    process = subprocess.Popen(
        list(map(str, command)), cwd=tmp_path, env=clean, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    said = ""
    try:
        while process.poll() is None and "MLflow UI: " not in said:  # the last that is announced
            said += process.stdout.readline()
        assert process.poll() is None, process.stderr.read()
        assert all(map(answers, addresses))
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) >= 3  # the dashboard, the MLflow UI and the worker
        os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it
        said += process.communicate(timeout=90)[0]
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0
    assert re.findall(r"http://127.0.0.1:(\d+)", said) == [str(port), str(mlflow_port)]
    wait_for(lambda: not any(child.is_running() for child in started))
    assert not any(map(answers, addresses))
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]


@pytest.mark.parametrize("lock", ["requirements", "requirements-dev", "requirements-gpu"])
def test_every_dependency_is_pinned(lock):
    wanted = set(re.findall(r"^[\w-]+", (ROOT / "requirements.in").read_text(), re.MULTILINE))
    wanted -= {"tensorflow-cpu", "tensorflow"} if lock == "requirements-gpu" else set()
    pinned = (ROOT / f"{lock}.txt").read_text()
    assert wanted <= set(re.findall(r"^([\w-]+)==", pinned, re.MULTILINE))
    assert "tensorflow" in pinned
    assert "://" not in pinned  # no registry: each machine has its own
