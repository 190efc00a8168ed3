"""Commands about saved models."""

import argparse
import shutil

from experiments.commands.answers import open_store, say
from experiments.errors import InputError

EXPORTS = {
    "h5": "model/model.h5",
    "weights": "model/model.weights.h5",
    "json": "model/architecture.json",
    "history": "history.json",
}


def predict(options: argparse.Namespace) -> int:
    """Predictions for a file of samples."""
    if not options.input.is_file():
        raise InputError(f"There is no file {options.input}. Name a file of samples.")
    from experiments.predicting import load_run, predict_file
    from experiments.tracking.runs import resolve_run

    store = open_store()
    found = resolve_run(store, options.run)
    predictions = predict_file(store, found.id, options.input)["predictions"]
    names = load_run(store, found.id).dataset.info.class_names
    answer = {"run_id": found.id, "class_names": list(names), "predictions": predictions}
    say(options, answer, "\n".join(_say_prediction(row, names) for row in predictions))
    return 0


def export(options: argparse.Namespace) -> int:
    """A copy of one of the run's files."""
    from experiments.tracking.artifacts import fetch_artifact
    from experiments.tracking.runs import resolve_run

    store = open_store()
    found = resolve_run(store, options.run)
    source = fetch_artifact(store, found.id, EXPORTS[options.kind])
    try:
        shutil.copyfile(source, options.out)
    except OSError as error:
        raise InputError(f"{options.out} cannot be written: {error}.") from None
    answer = {"run_id": found.id, "file": str(options.out), "bytes": options.out.stat().st_size}
    say(options, answer, f"{options.out} ({answer['bytes']:,} bytes)")
    return 0


def _say_prediction(row: list[float], names: tuple[str, ...]) -> str:
    if not names:
        return f"{row[0]:.6g}"
    chances = [1 - row[0], row[0]] if len(row) == 1 else row
    best = max(range(len(chances)), key=chances.__getitem__)
    return f"{names[best]}  {chances[best]:.1%}"
