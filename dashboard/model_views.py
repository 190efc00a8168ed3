"""What the page of models shows of a reloaded model."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import cache, helps
from dashboard.components import errors_shown
from dashboard.formats import count, duration, number, plain, size
from dashboard.launch_side import draw_layers
from dashboard.pictures import to_picture
from dashboard.prediction_charts import predicted_classes
from experiments.tracking.runs import Run

_PER_PAGE = 12
_MOST_BARS = 3


def draw_opened(opened: dict[str, Any]) -> None:
    """That it was read back whole, and what it is."""
    check = opened["check"]
    said = (
        f"max |Δ| = {number(check['max_difference'])} over {count(check['samples'])} samples, "
        "against the predictions recorded at save time"
    )
    if check["agrees"]:
        st.success(f"The reloaded model predicts the same: {said}.", icon=":material/verified:")
    else:
        st.error(f"The reloaded model predicts something else: {said}.", icon=":material/error:")
    grid = st.grid("auto", min_column_width=130, gap="small")
    grid.metric("Parameters", count(opened["parameters"]))
    grid.metric("Layers", count(len(opened["layers"])))
    grid.metric("Optimizer", opened["optimizer"] or "–", help="Its state was restored too.")
    grid.metric("File", size(opened["bytes"]))
    grid.metric("Reloaded in", duration(opened["seconds"]))
    with st.expander("Layers", icon=":material/layers:"):
        draw_layers(opened["layers"])
    with st.expander("Use the saved model in your own code", icon=":material/code:"):
        st.code(helps.LOAD_CODE, language="python")


def draw_samples(run: Run, opened: dict[str, Any]) -> None:
    """Samples of the run's own data with truth and prediction."""
    with st.container(horizontal=True, vertical_alignment="center"):
        part = st.segmented_control(
            "Samples", ["validation", "train"], default="validation", key="part",
            bind="query-params", required=True, label_visibility="collapsed",
            format_func=lambda name: f"{name.capitalize()} samples",
        )  # fmt: skip
        page = st.number_input(
            "Page", min_value=1, value=1, step=1, key="page", bind="query-params",
            label_visibility="collapsed", width=130,
        )  # fmt: skip
    with st.skeleton(height=240):
        start = (int(page) - 1) * _PER_PAGE
        answer = cache.samples(run, str(part), _PER_PAGE, start)
    samples, total = answer["samples"], answer["total"]
    if not samples:
        pages = -(-total // _PER_PAGE)
        st.info(f"Page {page} has no samples. There are {count(total)}, on {count(pages)} pages.")
        return
    st.caption(f"{count(start + 1)} to {count(start + len(samples))} of {count(total)}")
    if opened["kind"] == "image":
        draw_pictures(samples, opened["class_names"])
    else:
        st.dataframe(sample_rows(samples, opened), hide_index=True)


def draw_pictures(samples: list[dict[str, Any]], names: list[str]) -> None:
    """Each picture with its truth and the likeliest classes."""
    grid = st.grid("auto", min_column_width=150, gap="small", border=True)
    for sample in samples:
        with grid.cell():
            st.image(to_picture(sample["input"]), alt=f"sample {sample['index']}")
            draw_answer(sample["prediction"], names, int(sample["truth"]))


def draw_answer(prediction: list[float], names: list[str], truth: int | None = None) -> None:
    """The likeliest classes as bars; green or red where the truth is known."""
    shares = class_shares(prediction, len(names))
    order = np.argsort(shares)[::-1][:_MOST_BARS]
    said = plain(names[order[0]])
    if truth is None:
        st.markdown(f"**{said}**")
    elif order[0] == truth:
        st.markdown(f":green[:material/check: **{said}**]")
    else:
        st.markdown(f":red[:material/close: **{said}**] :small[:gray[is {plain(names[truth])}]]")
    for i in order:
        st.progress(
            float(min(max(shares[i], 0), 1)), f":small[{plain(names[i])} · {shares[i]:.0%}]"
        )


def class_shares(prediction: list[float], classes: int) -> np.ndarray:
    """A probability for each class, from one for each or from one for the second of two."""
    values = np.asarray(prediction, dtype=float).reshape(-1)
    return np.array([1 - values[0], values[0]]) if classes == 2 and len(values) == 1 else values


def sample_rows(samples: list[dict[str, Any]], opened: dict[str, Any]) -> pd.DataFrame:
    """Rows as a table: truth, prediction, then the features."""
    names = opened["class_names"]
    predictions = np.asarray([sample["prediction"] for sample in samples], dtype=float)
    table = answers(predictions, opened)
    truths = [sample["truth"] for sample in samples]
    table.insert(0, "true", [names[int(t)] for t in truths] if names else truths)
    table.insert(0, "sample", [sample["index"] for sample in samples])
    features = pd.DataFrame([sample["input"] for sample in samples], columns=_features(opened))
    return pd.concat([table, features], axis=1)


def answers(predictions: np.ndarray, opened: dict[str, Any]) -> pd.DataFrame:
    """Predictions as a table: the class and its probability, or the value."""
    names = opened["class_names"]
    if not names:
        return pd.DataFrame({"predicted": predictions.reshape(len(predictions), -1)[:, 0]})
    labels = predicted_classes(predictions)
    shares = [class_shares(row, len(names))[i] for row, i in zip(predictions, labels, strict=True)]
    return pd.DataFrame({"predicted": [names[i] for i in labels], "probability": shares})


def draw_own(run: Run, opened: dict[str, Any]) -> None:
    """Predict on what the user enters or uploads."""
    if opened["kind"] == "image":
        draw_own_picture(run, opened)
    else:
        draw_own_row(run, opened)
        draw_own_file(run, opened)


def draw_own_picture(run: Run, opened: dict[str, Any]) -> None:
    """A picture from the user, and how the model saw it."""
    file = st.file_uploader(
        "A picture", type=["png", "jpg", "jpeg", "bmp", "webp"],
        help="It is made grey or coloured, and as small as the pictures of training.",
    )  # fmt: skip
    if file is None:
        return
    with errors_shown("The picture was not predicted"):
        with tempfile.NamedTemporaryFile(suffix=Path(file.name).suffix) as copy:
            copy.write(file.getvalue())
            copy.flush()
            answer = cache.keras().ask("predict_picture", run_id=run.id, path=copy.name)
        grid = st.grid("auto", min_column_width=150, gap="small", border=True)
        with grid.cell():
            st.caption("As you gave it")
            st.image(file, width=112)
        with grid.cell():
            st.caption("As the model saw it")
            st.image(to_picture(answer["seen"]))
        with grid.cell():
            st.caption("Its answer")
            draw_answer(answer["predictions"][0], opened["class_names"])


def draw_own_row(run: Run, opened: dict[str, Any]) -> None:
    """A form with a field for each feature, filled with a sample to begin with."""
    names = _features(opened)
    parts = ("validation", "train")
    first = [sample for part in parts for sample in cache.samples(run, part, 1, 0)["samples"]]
    start = pd.DataFrame([first[0]["input"]], columns=names)
    st.caption("The first row is a sample of the data. Change any number, add rows.")
    rows = st.data_editor(start, num_rows="dynamic", hide_index=True, key=f"row {run.id}")
    with errors_shown("The rows were not predicted"):
        whole = rows.dropna()
        if len(whole) < len(rows):
            st.caption(f"{len(rows) - len(whole)} rows with empty fields are left out.")
        if len(whole):
            draw_predicted(run, opened, whole)


def draw_own_file(run: Run, opened: dict[str, Any]) -> None:
    """A CSV of rows, with names in the first line or without."""
    names = _features(opened)
    file = st.file_uploader(
        "Or a CSV file", type=["csv"], help=f"Columns: {_some(names)}. In any order if named."
    )
    if file is None:
        return
    with errors_shown("The file was not predicted"):
        table = read_csv(file, names)
        if isinstance(table, str):
            st.error(table, icon=":material/error:")
        else:
            draw_predicted(run, opened, table)


def read_csv(file: Any, names: list[str]) -> pd.DataFrame | str:
    """The rows of a CSV in the order of the features; a message where that cannot be."""
    try:
        table = pd.read_csv(file)
        if not set(names) <= set(table.columns):
            file.seek(0)
            table = pd.read_csv(file, header=None)
            if table.shape[1] != len(names):
                return (
                    f"Received {table.shape[1]} columns. Allowed: {len(names)} columns of numbers, "
                    f"or columns named {_some(names)}."
                )
            table.columns = pd.Index(names)
        return table[names].astype(float)
    except (ValueError, UnicodeDecodeError) as error:
        return f"This is no CSV of numbers: {error}. Allowed: one row a line, numbers only."


def draw_predicted(run: Run, opened: dict[str, Any], rows: pd.DataFrame) -> None:
    """The predictions for rows of features."""
    answer = cache.keras().ask("predict_rows", run_id=run.id, rows=rows.to_numpy(float).tolist())
    table = answers(np.asarray(answer["predictions"], dtype=float), opened)
    config = {
        "probability": st.column_config.ProgressColumn(
            "probability", min_value=0, max_value=1, format="percent"
        )
    }
    st.dataframe(table, hide_index=False, column_config=config, width=420)


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")


def _features(opened: dict[str, Any]) -> list[str]:
    return opened["feature_names"] or [f"x{i}" for i in range(opened["input_shape"][0])]
