"""What each command of the command line does; imports what it needs and nothing more."""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.errors import HistoryError, InputError
from experiments.settings import read_settings

if TYPE_CHECKING:
    from experiments.tracking.runs import Run
    from experiments.tracking.store import Store

Command = Callable[[argparse.Namespace], int]

EXPORTS = {
    "h5": "model/model.h5",
    "weights": "model/model.weights.h5",
    "json": "model/architecture.json",
    "history": "history.json",
}


def run(options: argparse.Namespace) -> int:
    """Train in the foreground."""
    from experiments.spec_files import read_spec

    spec = read_spec(options.spec, options.set)
    from experiments.launching.inline import run_inline

    run_id, status = run_inline(_store(), spec)
    _print(options, {"run_id": run_id, "status": status.value}, f"{status.value} {run_id}")
    return 0 if status.value == "FINISHED" else 1


def submit_spec(options: argparse.Namespace) -> int:
    """Queue a run."""
    from experiments.launching import submit, worker_lives
    from experiments.spec_files import read_spec

    store = _store()
    run_id = submit(store, read_spec(options.spec, options.set))
    _print(options, {"run_id": run_id, "status": "SCHEDULED"}, f"SCHEDULED {run_id}")
    if not worker_lives(store.settings):
        print(
            "No worker lives on this machine; start one: python -m experiments worker",
            file=sys.stderr,
        )
    return 0


def work(options: argparse.Namespace) -> int:
    """Be a worker."""
    import os

    from experiments.worker import serve

    settings = read_settings()
    os.environ.update(settings.environment())
    serve(settings, options.slots, embedded=options.embedded)
    return 0


def status(options: argparse.Namespace) -> int:
    """All runs, or one."""
    from experiments.tracking.runs import list_runs, resolve_run

    store = _store()
    if options.run:
        found = resolve_run(store, options.run)
        lines = [f"{found.name}  {found.status}  {found.id}", found.reason]
        lines += [f"  {name} = {value:.6g}" for name, value in sorted(found.metrics.items())]
        _print(options, _describe(found), "\n".join(filter(None, lines)))
        return 0
    runs = list_runs(store)
    text = "\n".join(
        f"{run.id}  {run.status:<9}  {run.verdict or '-':<15}  {run.name}" for run in runs
    )
    _print(options, [_describe(run) for run in runs], text or "No runs yet.")
    return 0


def stop(options: argparse.Namespace) -> int:
    """Ask a run to stop."""
    from experiments.tracking.changes import request_stop
    from experiments.tracking.runs import get_run, resolve_run

    store = _store()
    found = resolve_run(store, options.run)
    if not found.status.is_active:
        raise InputError(f"{found.name} is {found.status} already. Only a run that is SCHEDULED or "
                         "RUNNING can be stopped.")  # fmt: skip
    request_stop(store, found.id)
    now = get_run(store, found.id).status.value
    _print(options, {"run_id": found.id, "status": now}, f"{found.name} is asked to stop.")
    return 0


def diagnose_all(options: argparse.Namespace) -> int:
    """Verdicts on runs and on history files, in the order in which they were given.

    An input that is refused has ``verdict`` null and an ``error``; the others are answered all
    the same, and the exit code is 2.
    """
    from experiments.diagnosis import diagnose, history_from_keras

    if not options.runs and not options.history:
        raise InputError("Nothing to diagnose. Name runs, or files with --history FILE….")
    answers: list[dict[str, Any]] = []
    if options.runs:
        from experiments.tracking.histories import get_history
        from experiments.tracking.runs import resolve_run

        store = _store()
        for name in options.runs:
            found = resolve_run(store, name)
            verdict = diagnose(
                get_history(store, found), constant_loss=found.metrics.get("constant_loss")
            )
            answers.append({"name": found.name, "run_id": found.id, **verdict.to_dict()})
    for path in options.history:
        try:
            answers.append(
                {"name": str(path), **diagnose(history_from_keras(_read_history(path))).to_dict()}
            )
        except HistoryError as error:
            answers.append({"name": str(path), "verdict": None, "error": str(error)})
            print(f"error: {path}: {error}", file=sys.stderr)
    text = "\n\n".join(
        f"{answer['name']}: {answer['verdict']}\n  {answer['reason']}\n  {answer['advice']}"
        for answer in answers
        if answer["verdict"]
    )
    _print(options, answers, text)
    return 2 if any("error" in answer for answer in answers) else 0


def predict(options: argparse.Namespace) -> int:
    """Predictions for a file of samples."""
    if not options.input.is_file():
        raise InputError(f"There is no file {options.input}. Name a file of samples.")
    from experiments.predicting import load_run, predict_file
    from experiments.tracking.runs import resolve_run

    store = _store()
    found = resolve_run(store, options.run)
    predictions = predict_file(store, found.id, options.input)["predictions"]
    names = load_run(store, found.id).dataset.info.class_names
    answer = {"run_id": found.id, "class_names": list(names), "predictions": predictions}
    _print(options, answer, "\n".join(_say_prediction(row, names) for row in predictions))
    return 0


def export(options: argparse.Namespace) -> int:
    """A copy of one of the run's files."""
    from experiments.tracking.artifacts import fetch_artifact
    from experiments.tracking.runs import resolve_run

    store = _store()
    found = resolve_run(store, options.run)
    source = fetch_artifact(store, found.id, EXPORTS[options.kind])
    try:
        shutil.copyfile(source, options.out)
    except OSError as error:
        raise InputError(f"{options.out} cannot be written: {error}.") from None
    answer = {"run_id": found.id, "file": str(options.out), "bytes": options.out.stat().st_size}
    _print(options, answer, f"{options.out} ({answer['bytes']:,} bytes)")
    return 0


def datasets(options: argparse.Namespace) -> int:
    """The catalogue."""
    from experiments.datasets.catalogue import CATALOGUE
    from experiments.datasets.loading import on_this_machine

    rows = [
        {
            "name": info.name, "title": info.title, "task": info.task.value,
            "kind": info.kind.value, "shape": list(info.shape), "samples": info.samples,
            "classes": info.classes, "source": info.source.value, "here": on_this_machine(info),
        }
        for info in CATALOGUE.values()
    ]  # fmt: skip
    text = "\n".join(
        f"{row['name']:<19} {row['task']:<11} {row['samples']:>6}  {row['title']}"
        + ("" if row["here"] else "  (is downloaded at first use)")
        for row in rows
    )
    _print(options, rows, text)
    return 0


def _store() -> "Store":
    from experiments.tracking.store import Store

    return Store(read_settings())


def _print(options: argparse.Namespace, answer: object, text: str) -> None:
    print(json.dumps(answer, ensure_ascii=False, indent=2) if options.json else text)


def _describe(run: "Run") -> dict[str, Any]:
    return {
        "run_id": run.id, "name": run.name, "status": run.status.value, "reason": run.reason,
        "verdict": run.verdict, "created": run.created.isoformat(),
        "started": run.started.isoformat() if run.started else None,
        "ended": run.ended.isoformat() if run.ended else None,
        "progress": run.progress, "params": dict(run.params),
        "metrics": {name: value if abs(value) < float("inf") else None
                    for name, value in run.metrics.items()},
    }  # fmt: skip


def _read_history(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HistoryError(
            f"This is not a JSON file that can be read: {error}. Allowed: a Keras history dict, "
            '{"loss": […], "val_loss": […]}.'
        ) from None


def _say_prediction(row: list[float], names: tuple[str, ...]) -> str:
    if not names:
        return f"{row[0]:.6g}"
    chances = [1 - row[0], row[0]] if len(row) == 1 else row
    best = max(range(len(chances)), key=chances.__getitem__)
    return f"{names[best]}  {chances[best]:.1%}"
