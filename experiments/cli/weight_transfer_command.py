"""The command that takes weights by layer name into another network."""

import argparse
from pathlib import Path
from typing import Any

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import AddCommand, add_overrides, add_queue, finish
from experiments.core.errors import InputError


def add_commands(add: AddCommand) -> None:
    """`transplant`."""
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
    add_overrides(command, "override a field of the new run's spec")
    add_queue(command)
    finish(command, transplant, logs=True)


def transplant(options: argparse.Namespace) -> int:
    """A plan; unless it is a dry run, then a model file, or a new run that starts from it."""
    from experiments.running.weight_transfer_runs import find_weights, is_file

    store = open_store()
    weights = find_weights(store, options.weights)
    into_file = is_file(options.into)
    if into_file and _is_architecture(Path(options.into)):
        return _into_architecture(options, weights.path)
    if options.out:
        raise InputError(
            f"--out: received {options.out}, but a run writes its model itself. Leave it out, or "
            "name an architecture with --into."
        )
    from experiments.foreign.weight_transfer import plan_transplant
    from experiments.models.building import sketch_model
    from experiments.running.weight_transfer_runs import find_run, weight_transfer
    from experiments.spec.spec_files import load_spec, read_spec
    from experiments.tracking.run_specs import get_spec
    from experiments.tracking.stored_bases import fetch_base

    target_id = None if into_file else find_run(store, options.into).id
    if target_id:
        spec = load_spec(get_spec(store, target_id).to_yaml(), options.set)
        if not any(override.startswith("name=") for override in options.set):
            spec = spec.model_copy(update={"name": f"{spec.title[:80]} with {weights.title[:80]}"})
    else:
        spec = read_spec(Path(options.into), options.set)
    fetch_base(store, spec)
    plan = plan_transplant(weights.path, sketch_model(spec))
    if options.dry_run:
        return _say(options, plan.to_dict(), {"run_id": None})
    plan.refuse_if_nothing_fits()
    run = weight_transfer(spec, weights, target_id)
    if options.queue:
        from experiments.running.queue import submit

        run_id, status = submit(store, *run), "SCHEDULED"
    else:
        from experiments.running.inline_launcher import run_inline

        run_id, status = run_inline(store, *run)
    _say(options, plan.to_dict(), {"run_id": run_id, "status": str(status)}, f"{status} {run_id}")
    return 0 if status in ("SCHEDULED", "FINISHED") else 1


def _into_architecture(options: argparse.Namespace, weights: Path) -> int:
    if options.set:
        raise InputError(
            f"--set: received {options.set[0]}, but {options.into} is an architecture. Allowed "
            "with --set: a run, or the spec of one."
        )
    if not options.dry_run and not options.out:
        raise InputError(
            f"{options.into} is an architecture: name the model file to write with --out OUT.h5, "
            "or ask for a plan only with --dry-run."
        )
    if options.out:
        from experiments.saving.exports import check_out

        check_out(options.out)
        if options.out.suffix not in (".h5", ".hdf5") or options.out.name.endswith(".weights.h5"):
            raise InputError(
                f"--out: received {options.out}. A whole model in HDF5 is written, which Keras "
                "opens under a name that ends in .h5 and not in .weights.h5."
            )
    from experiments.foreign.weight_transfer_process import transplant_into_file

    out = None if options.dry_run else options.out
    plan = transplant_into_file(weights, Path(options.into), out)
    return _say(options, plan, {"file": str(out) if out else None}, str(out or ""))


def _is_architecture(path: Path) -> bool:
    """Whether a file is for Keras; otherwise it is the spec of a run."""
    if path.suffix.lower() not in (".yaml", ".yml"):
        return True
    from experiments.inspection.yaml_configs import parse_yaml

    try:
        data = parse_yaml(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}. Name a YAML file.") from None
    return isinstance(data, dict) and "class_name" in data


def _say(
    options: argparse.Namespace, plan: dict[str, Any], result: dict[str, Any], end: str = ""
) -> int:
    answer = {"source": options.weights, "into": options.into, **plan, **result}
    width = max(len(row["layer"]) for row in plan["layers"])
    lines = [
        f"{row['layer']:<{width}}  {row['status'].replace('_', ' '):<14}  "
        f"{_shapes(row['source_shapes'])} -> {_shapes(row['target_shapes'])}"
        for row in plan["layers"]
    ]
    say(options, answer, "\n".join(filter(None, [*lines, plan["sentence"], end])))
    return 0


def _shapes(shapes: list[list[int]]) -> str:
    return " ".join("x".join(map(str, shape)) or "scalar" for shape in shapes) or "-"
