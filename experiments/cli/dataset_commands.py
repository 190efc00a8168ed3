"""Commands about datasets: those that there are, and files that become one."""

import argparse
import csv
import logging
import sys
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import AddCommand, finish
from experiments.core.errors import DatasetError, ExperimentsError, InputError
from experiments.core.process_limits import limit_process
from experiments.data.catalog import Task
from experiments.data.reading.kinds import KINDS, kinds_in_words
from experiments.running.dataset_process import MEMORY

if TYPE_CHECKING:
    from experiments.data.catalog import DatasetInfo
    from experiments.data.reading.reader import FileContents, Plan, ReadOptions


_LONGEST_REASON = 2000
#: Fields of a column that the JSON has always called otherwise.
_IN_JSON = {
    "is_integer": "whole", "is_unique": "each", "is_consecutive": "counted", "has_time": "timed",
}  # fmt: skip
_TOO_MUCH = (
    "{}: reading it takes more than " + f"{MEMORY / 1e9:g} GB of memory. Write it again in smaller "
    "blocks (row groups, chunks), or give a part of it."
)


def add_commands(add: AddCommand) -> None:
    """`datasets` alone lists; `datasets add`, `rename` and `delete`."""
    command = add("datasets", help="list the datasets; add, rename or delete your own")
    finish(command, list_all)
    actions = command.add_subparsers(dest="action", metavar="ACTION")
    _add_adding(
        actions.add_parser("add", help="store files as datasets, or report why they were refused")
    )
    renaming = actions.add_parser("rename", help="rename a stored dataset")
    renaming.add_argument("name", metavar="NAME")
    renaming.add_argument("title", metavar="TITLE")
    finish(renaming, rename)
    deleting = actions.add_parser("delete", help="delete a stored dataset")
    deleting.add_argument("name", metavar="NAME")
    finish(deleting, delete)


def _add_adding(adding: argparse.ArgumentParser) -> None:
    """What `datasets add` takes."""
    adding.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=kinds_in_words())
    adding.add_argument("--name", help="what the dataset is called (default: the file's name)")
    adding.add_argument("--target", default="", help="the column, array or .npy file to predict")
    adding.add_argument(
        "--features",
        default="",
        help="comma-separated columns to use as features, or the array of samples",
    )
    adding.add_argument(
        "--categories",
        default="",
        help="comma-separated columns to treat as categories even though they hold numbers, dates "
        "or booleans",
    )
    adding.add_argument(
        "--numbers", default="", help="comma-separated columns to treat as numbers even though "
        "they look like codes, such as 0123"
    )  # fmt: skip
    adding.add_argument(
        "--group", default="",
        help="the column whose values are groups that must stay together in a split; for images a "
            "pattern of file names, such as ^[^_]+",
    )  # fmt: skip
    adding.add_argument("--time", default="", help="the column of times, for splits by time")
    adding.add_argument(
        "--kind", choices=list(KINDS), help="the kind of file (default: by its name)"
    )
    adding.add_argument(
        "--task",
        choices=[task.value for task in Task],
        help="what to learn (default: decided by the target)",
    )
    adding.add_argument(
        "--delimiter",
        help="what separates the fields of a text file: a character, tab or whitespace (default: "
        "detected)",
    )
    adding.add_argument(
        "--encoding", help="the encoding of a text file, for example cp1252 (default: detected)"
    )
    adding.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line holds the column names (default: detected)",
    )
    adding.add_argument(
        "--decimal",
        choices=[".", ","],
        help="the decimal sign of numbers in a text file (default: detected)",
    )
    adding.add_argument(
        "--dates", choices=["day-first", "month-first", "year-first"],
        help="how to read dates such as 03/04/2024 or 21-01-05 if the file does not show it",
    )  # fmt: skip
    adding.add_argument(
        "--drop-missing", action="store_true", help="leave out rows with missing features"
    )
    adding.add_argument(
        "--size", metavar="HEIGHTxWIDTH", help="the size to which images are resized"
    )
    adding.add_argument(
        "--skip-bad",
        action="store_true",
        help="store the images that are good, and list what is left out",
    )
    adding.add_argument("--dry-run", action="store_true", help="only show what would be stored")
    adding.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    finish(adding, add_files)


def list_all(options: argparse.Namespace) -> int:
    """The catalog, and what users stored."""
    from experiments.data.catalog import CATALOG
    from experiments.data.loading import on_this_machine
    from experiments.tracking.stored_datasets import fetch_description, list_datasets

    store = open_store()
    stored = [fetch_description(store, one.name) for one in list_datasets(store)]
    rows = [_row(info) | {"here": on_this_machine(info)} for info in (*CATALOG.values(), *stored)]
    text = "\n".join(
        f"{row['name']:<19} {row['task']:<11} {row['samples']:>6}  {row['title']}"
        + ("" if row["here"] else "  (downloaded at first use)")
        for row in rows
    )
    say(options, rows, text)
    return 0


def add_files(options: argparse.Namespace) -> int:
    """Store files, each as a dataset of its own; exit code 2 where one was refused."""
    if options.name and len(options.paths) > 1:
        raise InputError("--name received with several files. Name them one at a time.")
    if options.memory or options.is_program:
        limit_process(options.memory or MEMORY, on_top=True)
    wanted = _wanted(options)
    answers = [_add(path, wanted, options) for path in options.paths]
    say(options, answers, "\n\n".join(_words(answer) for answer in answers if answer["accepted"]))
    for answer in answers:
        if not answer["accepted"]:
            print(f"error: {answer['file']}: {answer['reason']}", file=sys.stderr)
    return 0 if all(answer["accepted"] for answer in answers) else 2


def rename(options: argparse.Namespace) -> int:
    """Call a stored dataset otherwise."""
    from experiments.tracking.stored_datasets import rename_dataset

    name = rename_dataset(open_store(), options.name, options.title)
    say(options, {"name": name}, f"Renamed: it is called {name} now.")
    return 0


def delete(options: argparse.Namespace) -> int:
    """Delete a stored dataset."""
    from experiments.tracking.stored_datasets import delete_dataset, resolve_dataset

    store = open_store()
    name = resolve_dataset(store, options.name)
    delete_dataset(store, name)
    say(options, {"deleted": name}, f"Deleted {name}. Runs that used it stay.")
    return 0


def _add(path: Path, wanted: "ReadOptions", options: argparse.Namespace) -> dict[str, Any]:
    from experiments.data.reading.kinds import kind_by_name, reader_of
    from experiments.data.reading.storing import plan_of, slug, store_file
    from experiments.tracking.stored_datasets import add_dataset

    answer: dict[str, Any] = {"file": str(path), "accepted": False, "reason": "", "found": None,
                              "plan": None, "name": None}  # fmt: skip
    name = options.name or _as_utf8(path.stem)
    try:
        if options.name or not options.dry_run:
            slug(name)
        # --memory: the page asks, which has followed links itself and seen where they lead; one
        # that is there since then is refused
        file = path.resolve() if path.is_symlink() and not options.memory else path
        kind = options.kind or (kind_by_name(path) if file.is_file() else None)
        reader = reader_of(file, kind)
        found = reader.look(file, wanted)
        answer["found"] = _found(found)
        plan = plan_of(reader, file, found, wanted)
        answer |= {"plan": _plan(plan), "accepted": True}
        if not options.dry_run:
            info = store_file(file, name, wanted, kind, (found, plan))
            answer["name"] = add_dataset(open_store(), info, _as_utf8(path.name)).name
    except MemoryError:
        answer |= {"accepted": False, "reason": _TOO_MUCH.format(path.name)}
    except OSError as error:
        advice = " Allow this user to read it." if isinstance(error, PermissionError) else ""
        reason = f"{path.name}: {error.strerror or error}.{advice}"
        answer |= {"accepted": False, "reason": reason}
    except DatasetError as error:
        answer |= {"accepted": False, "reason": _shortened(str(error))}
    except ExperimentsError:
        raise  # it is not about the file: the store is away
    except Exception as error:  # what a stranger's file breaks costs no other file its answer
        logging.getLogger(__name__).debug("%s", path, exc_info=True)
        reason = f"{path.name} cannot be read: {type(error).__name__}: {error}"
        answer |= {
            "accepted": False,
            "reason": f"{_shortened(reason)} Save the file again and retry.",
        }
    return answer


def _as_utf8(name: str) -> str:
    """The name of a file, which may be any bytes."""
    return name.encode("utf-8", "replace").decode()


def _shortened(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"


def _wanted(options: argparse.Namespace) -> "ReadOptions":
    from experiments.data.reading.reader import ReadOptions

    return ReadOptions(
        target=options.target,
        features=_names(options.features),
        categories=_names(options.categories),
        numbers=_names(options.numbers),
        task=Task(options.task) if options.task else None,
        delimiter={"tab": "\t", "\\t": "\t"}.get(options.delimiter, options.delimiter),
        encoding=options.encoding,
        header=options.header,
        decimal=options.decimal,
        dates_first=(options.dates or "").removesuffix("-first"),
        drop_missing=options.drop_missing,
        size=_size(options.size) if options.size else None,
        skip_bad=options.skip_bad,
        group=options.group,
        time=options.time,
    )


def _names(text: str) -> tuple[str, ...]:
    """Names with commas between; those that have commas stand in quotes, as in a CSV."""
    rows = csv.reader(StringIO(text), skipinitialspace=True)
    return tuple(filter(None, (name.strip() for row in rows for name in row)))


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    if not (text.isascii() and height.isdigit() and width.isdigit()):
        raise InputError(f"--size received {text!r}. Write HEIGHTxWIDTH, for example 64x64.")
    return int(height), int(width)


def _found(found: "FileContents") -> dict[str, Any]:
    said = asdict(found, dict_factory=lambda row: {_IN_JSON.get(key, key): v for key, v in row})
    return {"kind": type(found).__name__.lower(), **said}


def _plan(plan: "Plan") -> dict[str, Any]:
    return asdict(plan) | {"kind": plan.kind.value, "task": plan.task.value}


def _row(info: "DatasetInfo") -> dict[str, Any]:
    return {
        "name": info.name, "title": info.title, "task": info.task.value,
        "kind": info.kind.value, "shape": list(info.shape), "samples": info.samples,
        "classes": info.classes, "source": info.source.value,
    }  # fmt: skip


def _words(answer: dict[str, Any]) -> str:
    from experiments.data.reading.reader import TextDialect

    plan = answer["plan"]
    shape = " × ".join(map(str, plan["shape"]))
    lines = [
        f"{answer['file']}: " + (f"stored as {answer['name']}" if answer["name"] else "fits"),
        f"  {plan['samples']:,} samples of {shape}; {plan['task']} of {plan['target'] or 'class'}",
    ]
    if plan["class_names"]:
        lines.append(f"  classes: {', '.join(plan['class_names'][:20])}")
    lines += [f"  {note}" for note in plan["notes"]]
    if written := answer["found"].get("written"):
        lines.append(f"  {TextDialect(**written).words}")
    return "\n".join(lines)
