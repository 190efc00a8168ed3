"""Commands about keras.applications: which there are, their weights, what they say of images."""

import argparse
import sys
from pathlib import Path
from typing import Any

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import AddCommand, finish
from experiments.core.errors import InputError, unknown
from experiments.spec.applications import (
    CLASSES_FILE,
    Application,
    WeightFile,
    application_names,
    find_application,
    list_applications,
)


def add_commands(add: AddCommand) -> None:
    """`applications` alone lists; `show`, `download` and `add`; and `classify`."""
    command = add(
        "applications", help="list the networks of keras.applications, or manage their weights"
    )
    finish(command, list_all)
    actions = command.add_subparsers(dest="action", metavar="ACTION")
    showing = actions.add_parser("show", help="facts about one network")
    showing.add_argument("name", metavar="NAME")
    finish(showing, show)
    loading = actions.add_parser("download", help="download the ImageNet weights of a network")
    loading.add_argument("name", metavar="NAME", help="a network, or `classes` for the class names")
    loading.add_argument("--base", action="store_true", help="the weights without the head")
    finish(loading, download)
    adding = actions.add_parser("add", help="put weight files where Keras looks for them")
    adding.add_argument("files", nargs="+", type=Path, metavar="FILE")
    finish(adding, add_weights)

    command = add("classify", help="the likeliest classes of images")
    command.add_argument(
        "model", metavar="NAME|RUN", help="a network of keras.applications, or a run"
    )
    command.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    command.add_argument("--top", type=int, default=5, choices=range(1, 101), metavar="N",
                         help="how many classes to show (default 5)")  # fmt: skip
    finish(command, classify)


def list_all(options: argparse.Namespace) -> int:
    """Every network of the installed Keras."""
    rows = [_row(one) for one in list_applications()]
    text = "\n".join(
        f"{row['name']:<18} {row['parameters']:>12,} parameters  {row['side']:>3} px  "
        f"top-1 {row['top_1'] or '–':>4}  {'weights here' if row['here'] else ''}".rstrip()
        for row in rows
    )
    say(options, rows, text)
    return 0


def show(options: argparse.Namespace) -> int:
    """One network, with its weight files and where they belong."""
    from experiments.models.weight_files import is_here, place_of

    row = _row(_find(options.name))
    files = [
        file._asdict() | {"here": is_here(file), "path": str(place_of(file))}
        for file in _find(options.name).files
    ]
    lines = [f"{name}: {value}" for name, value in row.items()]
    lines += [f"{'here' if one['here'] else 'missing'}: {one['path']} from {one['url']}"
              for one in files]  # fmt: skip
    say(options, row | {"files": files}, "\n".join(lines))
    return 0


def download(options: argparse.Namespace) -> int:
    """Bring weights into Keras' cache folder, with progress on standard error."""
    from experiments.models.weight_files import download as fetch

    file = _file(options)
    shown = -1

    def tell(done: int, total: int) -> None:
        nonlocal shown
        if total and 100 * done // total > shown:
            shown = 100 * done // total
            print(f"\r{file.name}: {shown} %", end="", file=sys.stderr, flush=True)

    path = fetch(file, tell)
    if shown >= 0:
        print(file=sys.stderr)
    say(options, {"file": file.name, "path": str(path)}, str(path))
    return 0


def add_weights(options: argparse.Namespace) -> int:
    """Put files that the user brought under Keras' names; refused ones are told, exit code 2."""
    from experiments.models.weight_files import add_weight_file

    rows: list[dict[str, Any]] = []
    for path in options.files:
        try:
            found = add_weight_file(path)
            rows.append({"file": str(path), "accepted": True, "reason": None,
                         "application": found.application, "path": str(found.path)})  # fmt: skip
        except InputError as error:
            rows.append({"file": str(path), "accepted": False, "reason": str(error)})
    text = "\n".join(
        row["reason"] or f"{row['application'] or 'names of the classes'}: {row['path']}"
        for row in rows
    )
    say(options, rows, text)
    return 0 if all(row["accepted"] for row in rows) else 2


def classify(options: argparse.Namespace) -> int:
    """The likeliest classes of images; an image that is refused gives exit code 2."""
    from experiments.inference.classification import classify_application, classify_run
    from experiments.tracking.runs import resolve_run

    store = open_store()
    paths = [str(path) for path in options.images]
    if options.model in application_names():
        answer = classify_application(store, options.model, paths, options.top)
    else:
        answer = classify_run(store, resolve_run(store, options.model).id, paths, options.top)
    for image in answer["images"]:
        image.pop("seen", None)
    if answer["notice"]:
        print(answer["notice"], file=sys.stderr)
    say(options, answer, "\n".join(map(_image_text, answer["images"])))
    return 2 if any("refused" in image for image in answer["images"]) else 0


def _image_text(image: dict[str, Any]) -> str:
    if "refused" in image:
        return str(image["refused"])
    said = ", ".join(f"{one['name']} {one['probability']:.1%}" for one in image["classes"])
    return f"{image['name']}: {said}"


def _row(one: Application) -> dict[str, Any]:
    from experiments.models.weight_files import is_here

    facts = one._asdict()
    facts.pop("files")
    return facts | {"here": any(is_here(file) for file in one.files)}


def _find(name: str) -> Application:
    found = find_application(name)
    if found is None:
        raise InputError(unknown("application", name, application_names()))
    return found


def _file(options: argparse.Namespace) -> WeightFile:
    if options.name == "classes":
        return CLASSES_FILE
    whole, base = _find(options.name).files
    return base if options.base else whole
