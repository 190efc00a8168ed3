"""Commands about pretrained bases: model files that can be one, and what pretraining was worth."""

import argparse
from pathlib import Path

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import AddCommand, add_queue, add_run, finish
from experiments.core.settings import settings_in_use


def add_commands(add: AddCommand) -> None:
    """`scratch`; `bases` alone lists; `bases add`."""
    command = add("scratch", help="train a run again without pretraining, for comparison")
    add_run(command, "a run with a pretrained base")
    add_queue(command)
    finish(command, scratch, logs=True)

    command = add("bases", help="list the model files kept as bases, or add one")
    finish(command, list_all)
    actions = command.add_subparsers(dest="action", metavar="ACTION")
    adding = actions.add_parser("add", help="store a model file, so that runs can build on it")
    adding.add_argument("file", type=Path, metavar="FILE", help="a whole model, .h5 or .keras")
    finish(adding, add_base)


def list_all(options: argparse.Namespace) -> int:
    """The model files that are kept; the models of runs can be bases as well."""
    from experiments.tracking.stored_bases import list_bases

    found = list_bases(open_store())
    text = "\n".join(f"{one.run_id}  {one.file}" for one in found)
    say(options, [one._asdict() for one in found], text or "No model file is stored as a base.")
    return 0


def add_base(options: argparse.Namespace) -> int:
    """Look at a file, then keep it; says what a spec calls it."""
    from experiments.core.errors import ModelFileError
    from experiments.inspection.inspect_process import inspect_file
    from experiments.tracking.stored_bases import store_base

    found = inspect_file(settings_in_use(), options.file.absolute())
    if not found["architecture"]:
        raise ModelFileError(f"{options.file.name} has weights only. Allowed: a whole model.")
    kept = store_base(open_store(), options.file)
    text = f"model: {{name: saved_base, run: {kept.run_id}, file: {kept.file}}}"
    say(options, kept._asdict(), text)
    return 0


def scratch(options: argparse.Namespace) -> int:
    """Train the same run without pretraining, in the foreground or queued."""
    from experiments.diagnosis.from_scratch import from_scratch
    from experiments.tracking.run_specs import get_spec
    from experiments.tracking.runs import Tag, resolve_run

    store = open_store()
    run = resolve_run(store, options.run)
    spec, tags = from_scratch(get_spec(store, run.id)), {Tag.SCRATCH: run.id}
    if options.queue:
        from experiments.running.queue import submit

        run_id, status = submit(store, spec, run.id, tags=tags), "SCHEDULED"
    else:
        from experiments.running.inline_launcher import run_inline

        run_id, ended = run_inline(store, spec, run.id, tags=tags)
        status = ended.value
    say(options, {"run_id": run_id, "status": status}, f"{status} {run_id}")
    return 0 if status in ("SCHEDULED", "FINISHED") else 1
