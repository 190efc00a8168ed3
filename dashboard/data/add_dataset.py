"""From a file to a dataset: uploaded, looked at, corrected, stored."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data.column_choices import draw_choices
from dashboard.data.dataset_uploads import keep_upload
from dashboard.shared import cache, help_texts
from dashboard.shared.components import errors_shown, show_error
from dashboard.shared.formats import count, number, plain, size, words
from experiments.core.errors import DatasetError
from experiments.core.settings import settings_in_use
from experiments.data.reading.arrays.npy_files import npy_in
from experiments.data.reading.kinds import SUFFIXES, kinds_in_words
from experiments.data.reading.reader import DELIMITERS, MOST_CATEGORIES, TextDialect
from experiments.running.dataset_process import store

_INDENT = "\u2003\u2003"
_LARGEST_MB = 2000
_REFUSED = "The file was not accepted"
_UPLOAD = "data upload"  # the path of the file that was uploaded last
_DECIMALS = {".": "as 1.5", ",": "as 1,5"}
_DATES = {
    "day-first": "day first", "month-first": "month first", "year-first": "year first",
}  # fmt: skip


def draw_adding() -> None:
    """Choose a file, see what is in it, store it."""
    with errors_shown(_REFUSED):
        path = choose_file()
        if path is None:
            return
        with st.expander("Read it differently", icon=":material/tune:"):
            options = draw_corrections(path)
        with st.spinner("Reading the whole file…", show_time=True):
            answer = cache.look_at_dataset(path, options)
        options += draw_choices(answer)
        with st.spinner("Reading the whole file…", show_time=True):
            answer = cache.look_at_dataset(path, options)
        if answer["accepted"]:
            draw_plan(answer)
        else:
            show_error(answer["reason"], _REFUSED)
        st.dataframe(found_table(answer["found"]), hide_index=True, height="content", key="found")
        if answer["accepted"]:
            draw_storing(path, options, answer)


def choose_file() -> Path | None:
    """An uploaded file, or one on the server's disk; raises DatasetError for one out of bounds."""
    folder = settings_in_use().readable_folder
    if folder is None:
        return upload()
    uploaded, on_disk = st.tabs(["Upload", "On the server's disk"])
    with uploaded:
        if path := upload():
            return path
    with on_disk:
        text = st.text_input(
            f"A file or a folder below {folder}", placeholder=str(folder / "flowers"),
            help="For files that are too large to upload: they are read in place and copied once.",
        )  # fmt: skip
        return path_below(folder, text.strip()) if text.strip() else None


def upload() -> Path | None:
    """A file from the browser, kept on disk for a day; memory has it until it is there."""
    kept: Path | None = st.session_state.get(_UPLOAD)
    if kept and kept.exists():
        with st.container(horizontal=True, vertical_alignment="center"):
            said = f"**{_names(kept)}** · {size(sum(f.stat().st_size for f in _files(kept)))}"
            st.markdown(f":material/description: {said}", width="content")
            if st.button("Choose another file", type="tertiary", icon=":material/close:"):
                del st.session_state[_UPLOAD]
                st.rerun()
        return kept
    files = st.file_uploader(
        kinds_in_words(uploaded=True),
        type=[suffix[1:] for suffix in SUFFIXES], max_upload_size=_LARGEST_MB,
        accept_multiple_files=True,
    )  # fmt: skip
    if not files:
        return None
    with st.spinner("Saving it to disk…"):
        kept = keep_upload(settings_in_use(), {file.name: file for file in files})
    st.session_state[_UPLOAD] = kept
    st.rerun()


def _files(kept: Path) -> list[Path]:
    return sorted(kept.iterdir()) if kept.is_dir() else [kept]


def _names(kept: Path) -> str:
    return plain(" + ".join(file.name for file in _files(kept)))


def path_below(folder: Path, text: str) -> Path:
    """A path that the user typed, links followed; raises DatasetError where it leads out."""
    path = (folder / Path(text).expanduser()).resolve()
    if not path.is_relative_to(folder):
        raise DatasetError(
            f"Received {text!r}. Allowed: files and folders below {folder}. KERASCOPE_DATA names "
            "that folder."
        )
    return path


def draw_corrections(path: Path) -> list[str]:
    """What the user knows better than the detection, as options of the command."""
    options = []
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        left, middle, right, numbers, dates = st.columns(5)
        delimiter = left.selectbox(
            "Delimiter", [None, *DELIMITERS], format_func=lambda d: DELIMITERS.get(d, "detect")
        )
        encoding = middle.text_input("Encoding", placeholder="detect")
        header = right.selectbox("The first line", ["detect", "names of columns", "data"])
        decimal = numbers.selectbox(
            "Numbers", [None, *_DECIMALS], format_func=lambda d: _DECIMALS.get(d, "detect")
        )
        first = dates.selectbox(
            "Dates", [None, *_DATES], format_func=lambda d: _DATES.get(d, "detect"),
            help=help_texts.DATES,
        )  # fmt: skip
        options += ["--delimiter", delimiter] if delimiter else []
        options += ["--decimal", decimal] if decimal else []
        options += ["--dates", first] if first else []
        options += ["--encoding", encoding.strip()] if encoding.strip() else []
        options += {"detect": [], "names of columns": ["--header"], "data": ["--no-header"]}[header]
    if not npy_in(path) if path.is_dir() else path.suffix.lower() == ".zip":
        side = st.number_input(
            "Resize images to this many pixels per side",
            8,
            1024,
            value=None,
            placeholder="as they are",
        )
        options += ["--size", f"{side}x{side}"] if side else []
        if st.toggle("Accept what is good, list what is left out"):
            options.append("--skip-bad")
    elif st.toggle("Leave out rows with missing features"):
        options.append("--drop-missing")
    return options


def draw_plan(answer: dict[str, Any]) -> None:
    """What would be stored."""
    found, plan = answer["found"], answer["plan"]
    with st.container(horizontal=True):
        st.metric("Samples", count(plan["samples"]), border=True)
        st.metric("Sample shape", " × ".join(map(str, plan["shape"])), border=True)
        st.metric("Task", words(plan["task"]), border=True)
        if plan["class_names"]:
            st.metric("Classes", count(len(plan["class_names"])), border=True)
    notes = [plain(note) for note in plan["notes"]]
    if written := found.get("written"):
        notes.append(plain(TextDialect(**written).words))
    st.caption("  \n".join(notes))


def _range(column: dict[str, Any]) -> str:
    if column["days"]:
        return " to ".join(column["days"])
    low, high = column["low"], column["high"]  # null where infinite, or where there are no numbers
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def found_table(found: dict[str, Any]) -> pd.DataFrame:
    """The columns, arrays or classes of a file, one row each."""
    if found["kind"] == "table":
        return pd.DataFrame(
            {
                "Column": one["name"], "Kind": one["kind"], "Missing": one["missing"],
                "Different": f"over {MOST_CATEGORIES:,}" if one["distinct"] > MOST_CATEGORIES
                else f"{one['distinct']:,}",
                "Range": _range(one),
                "Example": ", ".join(one["examples"]),
            }
            for one in found["columns"]
        )  # fmt: skip
    if found["kind"] == "arrays":
        return pd.DataFrame(array_rows(found["arrays"]))
    return pd.DataFrame(found["classes"], columns=["Class", "Images"])


def array_rows(arrays: Sequence[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """A row for each array, below one for each group that it is in, indented."""
    above: tuple[str, ...] = ()
    for one in arrays:
        *groups, name = one["path"].split("/")
        for depth, group in enumerate(groups):
            if above[: depth + 1] != tuple(groups[: depth + 1]):
                yield {"Array": f"{_INDENT * depth}{group}/", "Shape": "", "Type": ""}
        above = tuple(groups)
        shape = " × ".join(map(str, one["shape"])) or "one value"
        yield {"Array": f"{_INDENT * len(groups)}{name}", "Shape": shape, "Type": one["dtype"]}


def draw_storing(path: Path, options: list[str], answer: dict[str, Any]) -> None:
    """Its name, and the button."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        known = st.query_params.get("as") or path.stem
        name = st.text_input("Name", value=known, max_chars=100, width=320)
        pressed = st.button("Store", type="primary", icon=":material/save:")
    if pressed and name.strip():
        with st.spinner(f"Storing {count(answer['plan']['samples'])} samples…", show_time=True):
            stored = store(settings_in_use(), path, name.strip(), options)
        cache.forget_datasets()
        st.session_state.pop(_UPLOAD, None)
        st.query_params.from_dict({"name": stored["name"]})
        st.rerun()
