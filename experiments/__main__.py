"""The command line: `python -m experiments …`. Exit code 2 for input that is refused, 1 for what
went wrong otherwise, 0 only on success."""

import argparse
import logging
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from experiments.cli import (
    application_commands,
    base_commands,
    dataset_commands,
    inspect_command,
    model_commands,
    remedy_command,
    run_commands,
    weight_transfer_command,
)
from experiments.cli.answers import Command
from experiments.core.errors import ArtifactError, ExperimentsError, StoreError, WorkerError

#: TensorFlow and MLflow talk about themselves on standard error otherwise.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_LOGGING_LEVEL": "ERROR"}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors go to standard error as one message, without a traceback."""
    options = _parser().parse_args(arguments)
    options.is_program = arguments is None  # else the process belongs to whoever calls
    logging.basicConfig(
        level=logging.INFO
        if options.command
        in ("worker", "run", "resume", "branch", "transplant", "remedy", "scratch")
        else logging.ERROR,
        format="%(asctime)s %(message)s",
    )
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):  # names of files are any bytes, terminals may be ASCII
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code: int = options.call(options)
    except ExperimentsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if isinstance(error, StoreError | WorkerError | ArtifactError) else 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments", description="Keras runs, recorded in MLflow."
    )
    add = parser.add_subparsers(dest="command", required=True, metavar="COMMAND").add_parser

    for name, call, says in (
        ("run", run_commands.run, "train a spec here, in the foreground"),
        ("submit", run_commands.submit_spec, "queue a spec for a worker"),
    ):
        command = add(name, help=says)
        command.add_argument("spec", type=Path, metavar="SPEC.yaml")
        command.add_argument(
            "--set", action="append", default=[], metavar="FIELD=VALUE",
            help="override a field of the spec, for example training.epochs=5",
        )  # fmt: skip
        _finish(command, call)

    command = add("resume", help="continue a run that has ended, exactly where it stopped")
    command.add_argument("run", metavar="RUN")
    command.add_argument(
        "--epochs",
        type=_count,
        metavar="N",
        help="total number of epochs to reach (default: the spec's)",
    )
    _queueable(command)
    _finish(command, run_commands.resume)

    command = add("branch", help="train a new run from a checkpoint of another one")
    command.add_argument("run", metavar="RUN")
    command.add_argument(
        "--epoch",
        type=_count,
        metavar="K",
        help="the checkpoint after K epochs (default: the last)",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="a changed field of the spec, for example training.epochs=5",
    )
    _queueable(command)
    _finish(command, run_commands.branch)

    command = add("worker", help="train queued runs until stopped")
    command.add_argument(
        "--slots", type=_slots, default=1, help="how many runs to train at once (default 1)"
    )
    command.add_argument("--embedded", action="store_true", help=argparse.SUPPRESS)
    _finish(command, run_commands.work, json=False)

    command = add("status", help="list the runs, or show one")
    command.add_argument("run", nargs="?", metavar="RUN")
    _finish(command, run_commands.status)

    command = add("stop", help="stop a run after its current batch; its model is kept")
    command.add_argument("run", metavar="RUN")
    _finish(command, run_commands.stop)

    command = add("diagnose", help="is it overfitting? give a verdict on runs or history files")
    command.add_argument("runs", nargs="*", metavar="RUN")
    command.add_argument(
        "--history", nargs="+", default=[], metavar="FILE", type=Path,
        help="JSON files with a Keras history dict: {\"loss\": […], \"val_loss\": […]}",
    )  # fmt: skip
    _finish(command, run_commands.diagnose_all)

    command = add("predict", help="predict with a run's saved model")
    command.add_argument("run", metavar="RUN")
    command.add_argument(
        "input", type=Path, metavar="INPUT", help=".npy, .npz, .csv, .json or an image"
    )
    _finish(command, model_commands.predict)

    command = add(
        "export", help="write a run's model, weights, architecture, history or script to a file"
    )
    command.add_argument("run", metavar="RUN")
    command.add_argument("--as", dest="kind", required=True, choices=list(model_commands.EXPORTS))
    command.add_argument("out", type=Path, metavar="OUT")
    _finish(command, model_commands.export)

    command = add("transplant", help="transfer weights by layer name into another network")
    command.add_argument("weights", metavar="WEIGHTS", help="a model file, or a run")
    command.add_argument(
        "--into", required=True, metavar="ARCHITECTURE|RUN",
        help="a Keras architecture or model file, a run, or a spec; for a run or a spec, a new "
            "run is trained that starts from the weights",
    )  # fmt: skip
    command.add_argument("--dry-run", action="store_true", help="only show what would be loaded")
    command.add_argument(
        "--out",
        type=Path,
        metavar="OUT.h5",
        help="the model file to write (if --into is an architecture or model file)",
    )
    command.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE",
        help="override a field of the new run's spec",
    )  # fmt: skip
    _queueable(command)
    _finish(command, weight_transfer_command.transplant)

    command = add(
        "remedy", help="try what may help a run, with several seeds, and report whether it did"
    )
    remedy_command.add_arguments(command)
    _queueable(command)
    _finish(command, remedy_command.remedy)

    command = add("scratch", help="train a run again without pretraining, for comparison")
    command.add_argument("run", metavar="RUN", help="a run with a pretrained base")
    _queueable(command)
    _finish(command, base_commands.scratch)

    command = add("bases", help="list the model files kept as bases, or add one")
    _finish(command, base_commands.list_all)
    base_commands.add_arguments(command)

    command = add(
        "applications", help="list the networks of keras.applications, or manage their weights"
    )
    _finish(command, application_commands.list_all)
    application_commands.add_arguments(command)

    command = add("classify", help="the likeliest classes of images")
    application_commands.add_classify_arguments(command)
    _finish(command, application_commands.classify)

    command = add(
        "inspect", help="show what model files contain, whether they are safe, and how they differ"
    )
    inspect_command.add_arguments(command)
    _finish(command, inspect_command.inspect)

    command = add("datasets", help="list the datasets; add, rename or delete your own")
    _finish(command, dataset_commands.list_all)
    dataset_commands.add_arguments(command)
    return parser


def _finish(command: argparse.ArgumentParser, call: Command, *, json: bool = True) -> None:
    if json:
        command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(call=call)


def _queueable(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--queue", action="store_true", help="queue the run for a worker instead of training here"
    )


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: 1 to 100,000")
    return int(text)


def _slots(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: 1 to 64")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
