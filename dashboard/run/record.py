"""The part of a run's page that stays as it is: predictions, parameters, files and log."""

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.chart.prediction_charts import (
    confusion,
    confusion_figure,
    most_mistaken,
    truth_figure,
)
from dashboard.chart.split_view import audit_of, draw_audit, draw_warnings
from dashboard.run.learned import draw_learned
from dashboard.shared import cache, help_texts
from dashboard.shared.components import MODELS, clone_run, errors_shown
from dashboard.shared.exported_tables import to_csv
from dashboard.shared.formats import number, plain, size
from dashboard.shared.run_summary import dataset_of
from experiments.core.checkpoint_files import MODEL_FILE
from experiments.core.errors import ArtifactError, ExperimentsError
from experiments.core.findings import as_change
from experiments.tracking.runs import Run, RunStatus

LEARNED = "What it learned"
_LOG_LINES = 300


class Export(NamedTuple):
    """A button that saves a run in one format."""

    label: str
    ending: str
    help: str


EXPORTS: dict[str, Export] = {
    "h5": Export("HDF5", ".h5", "The whole model: architecture, weights, training config, "
                 "optimizer and training state, in one file."),
    "keras": Export("Keras", ".keras", "The whole model in Keras 3's own format."),
    "weights": Export("Weights", ".weights.h5", "Weights only, for `model.load_weights`."),
    "json": Export("JSON", ".json", "Architecture only, for `keras.models.model_from_json`."),
    "yaml": Export("YAML", ".yaml", "Architecture only, as YAML."),
    "script": Export("Python script", ".py", "Builds, trains and loads the same run with Keras "
                     "alone, without this dashboard; it gives the same numbers."),
}  # fmt: skip


def draw_record(run: Run) -> None:
    """Tabs with what is recorded of the run beside its curves."""
    audit = audit_of(run)
    if audit:
        draw_warnings(audit)
    names = [] if run.status.is_active else class_names(run)
    told = {"Split": bool(audit), LEARNED: bool(names)}
    titles = ["Predictions", LEARNED, "Split", "Parameters", "Files", "Log"]
    titles = [title for title in titles if told.get(title, True)]
    opened = st.tabs(titles, key="tab", bind="query-params", on_change="rerun")
    tabs = dict(zip(titles, opened, strict=True))
    predictions, params, files, log = (tabs[t] for t in titles if t not in told)
    if predictions.open:
        with predictions, errors_shown():
            draw_predictions(run)
    if names and tabs[LEARNED].open:
        with tabs[LEARNED], errors_shown():
            draw_learned(run, dataset_of(run), names)
    if audit and tabs["Split"].open:
        with tabs["Split"]:
            again = "Launch again with"
            draw_audit(audit, again, lambda changes: clone_run(run.id, as_change(changes)))
    if params.open:
        with params:
            draw_params(run)
    if files.open:
        with files, errors_shown():
            draw_files(run)
    if log.open:
        with log:
            active = run.status is RunStatus.RUNNING
            st.fragment(draw_log, run_every=2 if active else None)(run.id)


def draw_predictions(run: Run) -> None:
    """Confusion matrix, or predicted against true values, of the validation samples."""
    if run.status.is_active:
        st.info("Predictions of the validation samples are recorded when the run ends.")
        return
    try:
        with np.load(cache.artifact(run, "predictions.npz")) as recorded:
            truth, prediction = recorded["truth"], recorded["prediction"]
    except ArtifactError:
        st.info("This run recorded no predictions. Everything else that it recorded is here.")
        return
    info = dataset_of(run)
    names = class_names(run)
    left, right = st.columns([3, 2], gap="medium")
    if names:
        counts = confusion(truth, prediction, names)
        left.plotly_chart(
            confusion_figure(counts), key="confusion", config={"displayModeBar": False}
        )
        with right:
            draw_confusions(counts)
    else:
        target = info.target if info else "value"
        left.plotly_chart(
            truth_figure(truth, prediction, target, run.color),
            key="truth",
            config={"displayModeBar": False},
        )
        error = np.abs(prediction.reshape(-1) - truth.reshape(-1))
        right.metric("Mean absolute error", number(float(error.mean())))
        right.caption("Each dot is a validation sample; a perfect model lies on the diagonal.")
    right.page_link(
        MODELS, label="Reload the model and predict", icon=":material/deployed_code:",
        query_params={"run": run.id},
    )  # fmt: skip


def draw_confusions(counts: pd.DataFrame) -> None:
    """Accuracy, and which classes are taken for which most often."""
    total = int(counts.to_numpy().sum())
    right = int(np.trace(counts.to_numpy()))
    st.metric(
        "Right", f"{right:,} of {total:,}", f"{right / total:.1%}" if total else None,
        delta_color="off", delta_arrow="off",
        help="At the end of training, on the validation samples.",
    )  # fmt: skip
    if mistakes := most_mistaken(counts):
        st.markdown("**Most common mistakes**")
        lines = [f"{plain(a)} mistaken for {plain(b)} · {n:,}" for a, b, n in mistakes]
        st.markdown("  \n".join(lines))


def class_names(run: Run) -> list[str]:
    """The names of the classes; empty for a regression. From the run, else from the catalog."""
    info = dataset_of(run)
    try:
        names = json.loads(cache.artifact(run, "class_names.json").read_text())
        return [str(name) for name in names]
    except (ArtifactError, ValueError):
        return list(info.class_names) if info else []


def draw_params(run: Run) -> None:
    """Every parameter, by the part of the spec that it belongs to."""
    if not run.params:
        st.info("No parameters are recorded for this run.")
        return
    parts: dict[str, dict[str, str]] = {}
    for name, value in sorted(run.params.items()):
        part, _, rest = name.partition(".")
        parts.setdefault(part if rest else "run", {})[rest or name] = value
    grid = st.grid("auto", min_column_width=250, gap="small")
    for part, values in parts.items():
        with grid.cell():
            st.markdown(f"**{part.capitalize()}**")
            st.table(pd.DataFrame({"": values}), border="horizontal", hide_header=True)


def draw_files(run: Run) -> None:
    """Every artifact with a download, and how to use the model elsewhere."""
    files = cache.artifacts(run)
    if not files:
        st.info("This run has no files yet.")
    elif not run.status.is_active:
        draw_exports(run, {file.path for file in files})
    for file in files:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.download_button(
                file.path,
                partial(_bytes, run, file.path),
                file_name=Path(file.path).name,
                key=f"file {file.path}",
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
            )
            said = f" · {help_texts.FILES[file.path]}" if file.path in help_texts.FILES else ""
            st.caption(f"{size(file.bytes)}{said}", width="content")
    with st.expander("Use the saved model in your own code", icon=":material/code:"):
        st.code(help_texts.LOAD_CODE, language="python")


def draw_exports(run: Run, files: set[str]) -> None:
    """Everything that one may want to take away, in the format that one wants."""
    history = cache.history(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption("Save as", width="content")
        if MODEL_FILE in files:
            for kind, export in EXPORTS.items():
                st.download_button(
                    export.label,
                    partial(cache.exported, run, kind),
                    file_name=f"{run.name}{export.ending}",
                    key=f"export {kind}",
                    on_click="ignore",
                    help=export.help,
                )
        st.download_button(
            "History as CSV", to_csv(history.rename_axis("epoch").reset_index()),
            f"{run.name}-history.csv", "text/csv",
            on_click="ignore", disabled=history.empty, help=help_texts.HISTORY,
        )  # fmt: skip


def draw_log(run_id: str) -> None:
    """The last lines of what the training process said."""
    try:
        run = cache.run(run_id)
        text = cache.artifact(run, "log.txt").read_text(errors="replace")
    except ArtifactError:
        st.info("Nothing has been logged yet.")
        return
    except ExperimentsError as error:
        st.info(plain(str(error)))
        return
    lines = text.splitlines()
    if len(lines) > _LOG_LINES:
        st.caption(f"The last {_LOG_LINES} of {len(lines):,} lines; all are in log.txt.")
    with st.container(height=360, autoscroll=True, border=True):
        st.code("\n".join(lines[-_LOG_LINES:]) or "…", language=None)


def _bytes(run: Run, path: str) -> bytes:
    return cache.artifact(run, path).read_bytes()
