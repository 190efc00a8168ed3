"""What to predict from what, and what columns are, as options of the command that adds data."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any, NamedTuple

import streamlit as st

from dashboard.shared import help_texts
from dashboard.shared.formats import words
from experiments.data.catalog import Task

_KEYS = (
    ("Group", "--group", "Samples with the same value in this column (a patient, a user, a scene) "
        "can be kept together in training or in validation."),
    ("Time", "--time", "A column of dates or numbers. The latest samples can be used for "
        "validation."),
)  # fmt: skip
_PATTERNS = {
    r"^[^_]+": "images whose names start the same, up to the first _",
    r"^[^-]+": "images whose names start the same, up to the first -",
    r"^[^/]+/": "images in the same folder inside a class folder",
}
_LIKE_NUMBERS = ("numeric", "boolean", "date")


def draw_choices(answer: dict[str, Any]) -> list[str]:
    """What to predict from what, as options of the command."""
    found = answer["found"]
    if found["kind"] == "images":
        return draw_image_groups(answer)
    tabular = found["kind"] == "table"
    names = [one["name"] if tabular else one["path"] for one in found[
        "columns" if tabular else "arrays"]]  # fmt: skip
    left, middle, right = st.columns([2, 3, 1])
    planned = answer["plan"]["target"] if answer["plan"] else None
    known = planned if planned in names else None
    target = left.selectbox(
        "Predict", names, index=names.index(known) if known else None,
        placeholder="choose the target", key=f"target {answer['file']}",
    )  # fmt: skip
    chosen: list[str] = []
    if tabular:
        chosen = middle.multiselect(
            "From", [name for name in names if name != target], placeholder="all usable columns"
        )
    else:
        samples = middle.selectbox(
            "From", [name for name in names if name != target], index=None,
            placeholder="the array that was detected", key=f"features {answer['file']}",
            help="The array of samples (first axis = samples). If you choose one here, matching "
                "arrays such as x_test are not added.",
        )  # fmt: skip
        chosen = [samples] if samples else []
    task = right.selectbox("As", [None, *(task.value for task in Task)],
                           format_func=lambda t: words(t) if t else "detected")  # fmt: skip
    keys: list[str] = []
    kinds = kind_choices(found) if tabular else []
    cells = st.columns(len(_KEYS) + len(kinds))
    for cell, (label, option, help_) in zip(cells, _KEYS, strict=False):
        key = cell.selectbox(
            label, [name for name in names if name != target], index=None, placeholder="none",
            help=help_, key=f"{option} {answer['file']}",
        )  # fmt: skip
        keys += [option, key] if key else []
    for cell, one in zip(cells[len(_KEYS) :], kinds, strict=True):
        asked = cell.multiselect(
            one.label, one.columns, placeholder="none", help=one.help,
            key=f"{one.option} {answer['file']}",
        )  # fmt: skip
        keys += [f"{one.option}={_joined(asked)}"] if asked else []
    alone = bool(chosen) and not tabular  # both arrays named: those of other parts are left
    more = ["--target", target] if target and (alone or target != known) else []
    more += [f"--features={_joined(chosen)}"] if chosen else []
    return more + (["--task", task] if task else []) + keys


def draw_image_groups(answer: dict[str, Any]) -> list[str]:
    """By what images belong together, as options of the command."""
    pattern = st.selectbox(
        "Group", list(_PATTERNS), index=None, placeholder="none", width=400,
        format_func=lambda one: _PATTERNS.get(one, one), accept_new_options=True,
        key=f"--group {answer['file']}", help=help_texts.IMAGE_GROUPS,
    )  # fmt: skip
    return [f"--group={pattern}"] if pattern else []


class KindChoice(NamedTuple):
    """What some columns can be read as instead, and by which option of the command."""

    label: str
    option: str
    help: str
    columns: list[str]


def kind_choices(found: dict[str, Any]) -> list[KindChoice]:
    """What the columns of a table can be read as, other than they were at first."""
    alike = [one["name"] for one in found["columns"] if one["kind"] in _LIKE_NUMBERS]
    codes = [one["name"] for one in found["columns"] if one["code"]]
    as_categories = KindChoice("As categories", "--categories", help_texts.AS_CATEGORIES, alike)
    as_numbers = KindChoice("As numbers", "--numbers", help_texts.AS_NUMBERS, codes)
    return [choice for choice in (as_categories, as_numbers) if choice.columns]


def _joined(names: Sequence[str]) -> str:
    """Names as the command takes them: in quotes where there are commas in them."""
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()
