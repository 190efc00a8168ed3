"""Predicting on what the user enters or uploads."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.models.answers_view import answer_table, draw_answer, named_row
from dashboard.shared import cache
from dashboard.shared.components import errors_shown
from dashboard.shared.images import to_image
from dashboard.shared.model_source import ModelSource
from experiments.data.distributions import date_text
from experiments.inference.sample_files import read_rows, some

_LARGEST_MB = 50
_MOST_FIELDS = 100  # features that a table can still be typed into
_PROBABILITY = st.column_config.ProgressColumn(min_value=0, max_value=1, format="percent")


def draw_own_image(source: ModelSource, white: float, scale: str, names: list[str]) -> None:
    """An image from the user, and how the model saw it."""
    file = st.file_uploader(
        "An image", type=["png", "jpg", "jpeg", "bmp", "webp"], max_upload_size=_LARGEST_MB,
        help="It is converted to gray or color and resized to what the model takes.",
    )  # fmt: skip
    if file is None:
        return
    with errors_shown("The image was not predicted"):
        with _on_disk(file) as path:
            answer = cache.process_of(source).ask(
                "predict_image", source=source.asked, path=str(path), white=white, scale=scale
            )
        grid = st.grid("auto", min_column_width=150, gap="small", border=True)
        with grid.cell():
            st.caption("As you gave it")
            st.image(file, width=112)
        with grid.cell():
            st.caption("As the model saw it")
            st.image(to_image(answer["seen"]))
        with grid.cell():
            st.caption("Its prediction")
            draw_answer(answer["predictions"][0], names)


def draw_own_rows(source: ModelSource, opened: dict[str, Any], names: list[str]) -> None:
    """Rows typed into a table, and rows from a file."""
    shape = opened["input_shape"]
    features = opened["feature_names"] or [f"x{i}" for i in range(shape[0] or 0)]
    if len(shape) == 1 and 0 < len(features) <= _MOST_FIELDS:
        _draw_typed(source, opened, features, names)
    sizes = " × ".join(str(size or "any") for size in shape)
    said = f"Columns: {some(features)}. In any order if named." if len(shape) == 1 else ""
    file = st.file_uploader(
        "A file of samples: .csv, .json or .npy", type=["csv", "json", "npy", "npz"],
        max_upload_size=_LARGEST_MB,
        help=said or f"Each sample has the shape {sizes}.",
    )  # fmt: skip
    if file is None:
        return
    with errors_shown("The file was not predicted"):
        with _on_disk(file) as path:
            named = (features, opened["categories"]) if len(shape) == 1 else ()
            rows = read_rows(path, *named)
        _draw_predicted(source, rows, names)


def _draw_typed(
    source: ModelSource, opened: dict[str, Any], features: list[str], names: list[str]
) -> None:
    """A table with a column for each feature, filled with a sample where there is one."""
    categories = opened["categories"] or [[]] * len(features)
    said = "Change any value, add rows."
    dates = opened["dates"]
    first = [some[0] if some else 0.0 for some in categories]
    for place in dates:
        first[place] = date_text(0)
    for part in ("validation", "train") if source.run else ():
        samples = cache.ask_model(source, "predict_samples", part=part, count=1)["samples"]
        if samples:
            first = named_row(samples[0]["input"], categories, dates)
            said = f"The first row is a sample of the data. {said}"
            break
    if opened["raw_rows"]:
        said += " Empty fields count as missing."
    st.caption(said)
    start = pd.DataFrame([first], columns=features)
    choices = {
        name: st.column_config.SelectboxColumn(options=some)
        for name, some in zip(features, categories, strict=True)
        if some
    }
    rows = st.data_editor(
        start, num_rows="dynamic", hide_index=True, key=f"rows {source.key}", column_config=choices
    )
    with errors_shown("The rows were not predicted"):
        whole = rows.dropna(how="all" if opened["raw_rows"] else "any")
        if len(whole) < len(rows):
            st.caption(f"{len(rows) - len(whole)} rows with empty fields are left out.")
        if len(whole):
            cells = whole.astype(object).where(whole.notna(), None)
            _draw_predicted(source, cells.to_numpy().tolist(), names)


def _draw_predicted(source: ModelSource, rows: list[Any], names: list[str]) -> None:
    answer = cache.process_of(source).ask("predict_rows", source=source.asked, rows=rows)
    table = answer_table(answer["predictions"], names)
    st.dataframe(table, column_config={"probability": _PROBABILITY}, width=420)


@contextmanager
def _on_disk(file: Any) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(suffix=Path(file.name).suffix.lower()) as copy:
        copy.write(file.getvalue())
        copy.flush()
        yield Path(copy.name)
