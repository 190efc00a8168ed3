"""`launch`: from submit to the end of the first training step, against other ways to start."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.bare import train_first_step
from benchmarks.processes import Forks, started, wait_for
from benchmarks.results import Line, Section, of_repeats
from benchmarks.workspaces import Workspaces, wait_for_end, warm, worker
from experiments.core.journal import Entry, read_journal
from experiments.core.run_folder import RunFolder, read_json
from experiments.core.settings import Settings
from experiments.running.queue import submit
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec
from experiments.tracking.store import Store

OURS, FORK, COLD, MLFLOW = "submit to our worker", "bare fork", "python train.py", "mlflow run"

#: One epoch of one batch: its journal entry tells when the first step was done.
SPEC = parse_spec(
    {
        "name": "first step",
        "split": {"validation_split": 0},
        "training": {"epochs": 1, "batch_size": 2048},
    }
)
_PARTS = ("loading data", "building the model", "training")


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Seconds to the first step of every contestant, interleaved; and where ours go."""
    settings = workspaces.new("launch")
    store, forks = Store(settings), Forks()
    files = _write_project(settings)
    total: dict[str, list[float]] = {OURS: [], FORK: [], COLD: [], MLFLOW: []}
    ours: list[dict[str, float]] = []
    bare: list[dict[str, float]] = []
    notes: list[str] = []
    with worker(settings):
        warm(store, SPEC)
        forks.call(train_first_step, SPEC)
        for _ in range(repeats):
            ours.append(_ours(store, SPEC))
            total[OURS].append(sum(ours[-1].values()))
            bare.append(_fork(forks))
            total[FORK].append(sum(bare[-1].values()))
            total[COLD].append(_cold(settings, files))
            if not notes:
                try:
                    total[MLFLOW].append(_mlflow_run(settings, files))
                except RuntimeError as error:
                    notes.append(f"{MLFLOW} is left out: {error}")
    lines = [Line(label, seconds) for label, seconds in total.items() if seconds]
    return [
        Section("submit → first training step done (aim: 1.5 × the bare fork)", lines, FORK, notes),
        Section("where our time goes", of_repeats(ours)),
        Section("where the bare fork's time goes", of_repeats(bare)),
    ]


def _ours(store: Store, spec: RunSpec) -> dict[str, float]:
    """The seconds of each part, seen from outside: the run's folder is looked at every 5 ms."""
    began = time.time()
    run_id = submit(store, spec)
    moments = {"submit": time.time()}
    folder = RunFolder(store.settings.run_folders / run_id)

    def look() -> Entry | None:
        now = time.time()
        if "worker notices" not in moments and folder.path.exists():
            moments["worker notices"] = now
        if "process starts" not in moments and folder.process.exists():
            moments["process starts"] = now
        phase = read_json(folder.heartbeat).get("phase")
        if phase in _PARTS:
            moments.setdefault(phase, now)
        entries = read_journal(folder.journal).entries
        return next((entry for entry in entries if entry.epoch is not None), None)

    entry = wait_for(look, "the first step", every=0.005)
    # The entry is written after the sample was measured in test mode, which comes after the step.
    step = entry.time / 1000 - entry.metrics["evaluation_seconds"]
    wait_for_end(store, run_id)
    time.sleep(0.5)
    marks = {
        "submit": moments["submit"],
        "worker notices, claims, reads the spec": moments["worker notices"],
        "process starts": moments["process starts"],
        "seed, then load the data": moments["building the model"],
        "build, compile, write facts": moments["training"],
        "first step": step,
    }
    return _differences(began, marks)


def _fork(forks: Forks) -> dict[str, float]:
    began = time.time()
    moments = forks.call(train_first_step, SPEC)
    marks = {
        "process starts": moments["began"],
        "seed, then load the data": moments["data"],
        "build, compile": moments["model"],
        "first step": moments["step"],
    }
    return _differences(began, marks)


def _differences(began: float, moments: dict[str, float]) -> dict[str, float]:
    times = [began, *moments.values()]
    return {name: times[i + 1] - times[i] for i, name in enumerate(moments)}


def _write_project(settings: Settings) -> Path:
    """train.py, and the MLproject that runs it, in a folder with the spec."""
    folder = settings.home / "project"
    folder.mkdir()
    bare = Path(__file__).with_name("bare.py")
    shutil.copy(bare, folder / "train.py")
    (folder / "spec.yaml").write_text(SPEC.to_yaml())
    (folder / "MLproject").write_text(
        "name: first-step\nentry_points:\n  main:\n"
        '    command: "python train.py spec.yaml finished.txt"\n'
    )
    return folder


def _cold(settings: Settings, files: Path) -> float:
    command = [sys.executable, "train.py", "spec.yaml", "finished.txt"]
    return _until_finished(command, settings, files)


def _mlflow_run(settings: Settings, files: Path) -> float:
    command = [sys.executable, "-m", "mlflow", "run", str(files), "--env-manager", "local"]
    return _until_finished(command, settings, files)


def _until_finished(command: list[str], settings: Settings, files: Path) -> float:
    """From the start of a command to the step whose moment it wrote down."""
    note, log = files / "finished.txt", files / "log.txt"
    note.unlink(missing_ok=True)
    environment = settings.environment()
    # an MLproject says `python`: let it be this one
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    began = time.time()
    with started(["env", "-C", str(files), *command], environment, log) as process:
        try:
            process.wait(180)
        except subprocess.TimeoutExpired:
            raise RuntimeError("it took more than 180 s.") from None
    if process.returncode or not note.exists():
        raise RuntimeError(f"it ended with exit code {process.returncode}: {_last_line(log)}")
    return float(note.read_text()) - began


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "no output"
