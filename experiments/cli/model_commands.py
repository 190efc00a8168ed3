"""Commands about saved models."""

import argparse
import sys
from pathlib import Path

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import AddCommand, add_run, finish
from experiments.core.errors import InputError

#: experiments.saving.exports.KINDS, named here so that the parser need not import it.
EXPORTS = ("h5", "keras", "weights", "json", "yaml", "script", "history")
#: Keras chooses how it reads a file by the end of its name.
_ENDINGS = {"h5": (".h5", ".hdf5"), "keras": (".keras",), "weights": (".weights.h5",)}


def add_commands(add: AddCommand) -> None:
    """`predict` and `export`."""
    command = add("predict", help="predict with a run's saved model")
    add_run(command)
    command.add_argument(
        "input", type=Path, metavar="INPUT", help=".npy, .npz, .csv, .json or an image"
    )
    finish(command, predict)

    command = add(
        "export", help="write a run's model, weights, architecture, history or script to a file"
    )
    add_run(command)
    command.add_argument("--as", dest="kind", required=True, choices=list(EXPORTS))
    command.add_argument("out", type=Path, metavar="OUT")
    finish(command, export)


def predict(options: argparse.Namespace) -> int:
    """Predictions for a file of samples."""
    if not options.input.is_file():
        raise InputError(f"There is no file {options.input}. Name a file of samples.")
    from experiments.inference.prediction import load_run, predict_file
    from experiments.tracking.runs import resolve_run

    store = open_store()
    found = resolve_run(store, options.run)
    predictions = predict_file(store, found.id, options.input)["predictions"]
    names = load_run(store, found.id).dataset.info.class_names
    answer = {"run_id": found.id, "class_names": list(names), "predictions": predictions}
    say(options, answer, "\n".join(_say_prediction(row, names) for row in predictions))
    return 0


def export(options: argparse.Namespace) -> int:
    """A run's model, a part of it, its history or a script of it, as a file."""
    from experiments.saving.exports import export_run
    from experiments.tracking.runs import resolve_run

    store = open_store()
    found = resolve_run(store, options.run)
    size = export_run(store, found.id, options.kind, options.out)
    answer = {"run_id": found.id, "file": str(options.out), "bytes": size}
    say(options, answer, f"{options.out} ({size:,} bytes)")
    endings = _ENDINGS.get(options.kind)
    if endings and not options.out.name.endswith(endings):
        print(f"Keras opens it under a name that ends in {' or '.join(endings)}.", file=sys.stderr)
    return 0


def _say_prediction(row: list[float], names: tuple[str, ...]) -> str:
    if not names:
        return f"{row[0]:.6g}"
    chances = [1 - row[0], row[0]] if len(row) == 1 else row
    best = max(range(len(chances)), key=chances.__getitem__)
    return f"{names[best]}  {chances[best]:.1%}"
