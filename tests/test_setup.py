"""What a user starts: the Procfile's processes, and `python -m dashboard` until Ctrl-C."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from experiments.core.settings import ROOT
from experiments.running.queue import submit, worker_lives
from experiments.spec.spec_files import load_spec
from experiments.tracking.runs import RunStatus, get_run
from tests.support.waiting import answers, free_port, wait_for, wait_for_end, wait_for_epochs

PROCESSES = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line.strip()
)


def environment(workspace, **more: object) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    clean = {k: v for k, v in os.environ.items() if k not in ("MLFLOW_TRACKING_URI", "PYTHONPATH")}
    return clean | {"KERASCOPE_HOME": str(workspace.home), "PATH": path} | {
        name: str(value) for name, value in more.items()
    }  # fmt: skip


@contextmanager
def running(command, cwd, env, output=subprocess.DEVNULL):
    process = subprocess.Popen(
        command, shell=isinstance(command, str), cwd=cwd, env=env, stdout=output,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
        if process.stdout:
            process.stdout.close()


def test_the_procfile_has_web_worker_and_mlflow():
    assert set(PROCESSES) == {"web", "worker", "mlflow"}


@pytest.mark.parametrize(("name", "health"), [("web", "/_stcore/health"), ("mlflow", "/health")])
def test_the_servers_of_the_procfile_answer(workspace, name, health):
    port = free_port()
    env = environment(workspace, PORT=port, HOST="127.0.0.1")
    with running(PROCESSES[name], ROOT, env) as process:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}{health}"))
        assert process.poll() is None


def test_the_worker_of_the_procfile_trains(workspace, store):
    run_id = submit(store, load_spec("{dataset: {name: iris}, training: {epochs: 1}}"))
    with running(PROCESSES["worker"], ROOT, environment(workspace)):
        assert wait_for_end(store, run_id).status is RunStatus.FINISHED


def test_streamlit_run_works_from_any_folder(workspace, tmp_path):
    port = free_port()
    command = [
        shutil.which("streamlit", path=str(Path(sys.executable).parent)), "run",
        str(ROOT / "dashboard" / "app.py"), "--server.port", str(port),
        "--server.address", "127.0.0.1",
    ]  # fmt: skip
    with running(command, tmp_path, environment(workspace, KERASCOPE_WORKER="external")):
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"))


def test_ctrl_c_ends_all_that_was_started_and_the_running_run_is_recorded(workspace, store):
    port, mlflow_port = free_port(), free_port()
    env = environment(workspace, PORT=port, MLFLOW_PORT=mlflow_port)
    command = [sys.executable, "-m", "dashboard"]
    with running(command, ROOT, env, subprocess.PIPE) as process:
        printed = "".join(process.stdout.readline() for _ in range(3))
        assert re.findall(r"http://127.0.0.1:(\d+)", printed) == [str(port), str(mlflow_port)]
        run_id = submit(store, load_spec("{training: {epochs: 5000}}"))
        wait_for_epochs(store, run_id, 1)
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 0
    wait_for(lambda: not any(child.is_running() for child in started))
    wait_for(lambda: not worker_lives(workspace))
    run = get_run(store, run_id)
    assert run.status is RunStatus.KILLED
    assert not answers(f"http://127.0.0.1:{mlflow_port}/health")


TEXTS = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *(ROOT / ".github/workflows").glob("*.yml"),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_files_folders_and_targets_that_are_named_are_there(text):
    said = text.read_text()
    named = re.findall(r"(?:experiments|dashboard|tests|docs)(?:/[\w.]+)+", said)
    named += re.findall(r"`([\w-]+\.(?:in|txt|md))`", said)
    assert [name for name in named if not (ROOT / name.rstrip(".")).exists()] == []
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"\bmake (\w+)\b", said)) <= set(targets)


def test_the_parts_of_the_test_workflow_leave_no_test_out():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    parts = [one["paths"] for one in workflow["jobs"]["tests"]["strategy"]["matrix"]["include"]]
    ran_apart = {path for part in parts for path in part.split() if path.startswith("tests/")}
    left_out = set(re.findall(r"--ignore=(\S+)", " ".join(parts)))
    assert left_out == ran_apart | {"tests/browser"}
    assert workflow["jobs"]["browser"]["steps"][-1]["run"].endswith("tests/browser")


def test_pre_commit_runs_the_ruff_of_make_check():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    pinned = re.search(r"^ruff==(\S+)", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    assert config["repos"][0]["rev"] == f"v{pinned[1]}"


def test_a_busy_port_is_refused_with_the_way_out(workspace):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = environment(workspace, PORT=taken.getsockname()[1])
        result = subprocess.run(
            [sys.executable, "-m", "dashboard"], cwd=ROOT, env=env, capture_output=True, text=True
        )
    assert result.returncode == 2
    assert "PORT=" in result.stderr
