"""The part of a run's page that is drawn again while the run is under way."""

from typing import Literal

import pandas as pd
import streamlit as st

from dashboard.chart.early_stopping_replay import draw_stopping
from dashboard.chart.run_curves import (
    Marks,
    curve_figure,
    metrics_of,
    rate_changes,
    rate_figure,
)
from dashboard.run.gap_chart import gap_figure, gap_table
from dashboard.run.judged_pair import chosen_pair, draw_pair_choice
from dashboard.run.resume_and_branch import draw_continue, draw_family
from dashboard.shared import cache, help_texts
from dashboard.shared.components import (
    LINE_KEY,
    clone_run,
    compare_runs,
    dot,
    errors_shown,
    mlflow_url,
    status_text,
    verdict_text,
)
from dashboard.shared.formats import ago, count, duration, exact, number, plain, size, words
from dashboard.shared.run_changes import stop
from dashboard.shared.run_summary import best_of, progress_of
from dashboard.shared.verdicts import judge
from experiments.core.settings import settings_in_use
from experiments.diagnosis import Label, Verdict
from experiments.diagnosis.gap import acting_in_training, take_apart
from experiments.tracking.epochs import axis_of
from experiments.tracking.runs import Run, RunStatus, Tag


def draw_live(run_id: str, was_active: bool) -> None:
    """Header, progress, curves and verdict of a run."""
    with errors_shown("The run cannot be read"):
        run = cache.run(run_id)
        if run.status.is_active != was_active:
            st.rerun()
        history = cache.history(run)
        draw_header(run)
        draw_progress(run)
        pair = chosen_pair(history)
        verdict = judge(run, history, pair)
        draw_numbers(run, history, verdict)
        if history.empty:
            draw_no_epoch(run)
            return
        draw_curves(run, history, verdict)
        draw_verdict(run, verdict, history)
        draw_gap(run, history)
        draw_run_stopping(run)


def draw_header(run: Run) -> None:
    """Name, status, times, and what can be done with the run."""
    left, right = st.columns([2, 3], vertical_alignment="center")
    left.markdown(f"# {dot(run)} {plain(run.name)}", anchors=False)
    with right.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if not run.is_ours:
            st.caption("Logged by another tool: read only", width="content")
        elif run.status.is_active:
            stopping = run.stop_requested
            if st.button(
                "Stopping…" if stopping else "Stop",
                icon=":material/stop:",
                disabled=stopping,
                help="Stops after the current batch and keeps what was learned.",
            ):
                stop([run])
        else:
            draw_continue(run)
        if run.is_ours and st.button(
            "Clone", icon=":material/content_copy:", help="A new run from this spec."
        ):
            clone_run(run.id)
        if st.button("Compare", icon=":material/stacked_line_chart:"):
            compare_runs([run.id])
        st.link_button(
            "MLflow",
            mlflow_url(settings_in_use(), run),
            icon=":material/open_in_new:",
            help="The same run in the MLflow UI.",
        )
    began = run.started or run.created
    parts = [status_text(run)]
    times = f"{'Started' if run.started else 'Queued'} {exact(began)}"
    times += f"  \nEnded {exact(run.ended)}" if run.ended else ""
    parts.append(f":small[:gray[{plain(_what(run))} · {ago(began)}]]")
    st.markdown("  ".join(parts), help=f"{times}  \nId `{run.id}`")
    if run.deleted:
        st.warning("This run is deleted. Restore it on the Runs page.")
    if run.reason and run.status is RunStatus.FAILED:
        st.error(plain(run.reason), icon=":material/error:")
    elif run.reason and run.status is RunStatus.KILLED:
        st.warning(plain(run.reason), icon=":material/stop_circle:")
    elif run.reason:
        st.caption(plain(run.reason))
    draw_family(run)


def draw_progress(run: Run) -> None:
    """How far it is and how long it will still take; nothing once it has ended."""
    if not run.status.is_active:
        return
    st.progress(progress_of(run), text=progress_text(run))


def progress_text(run: Run) -> str:
    """Phase, epochs, batches and the time that is left, in a line."""
    told = run.progress
    if run.status is RunStatus.SCHEDULED:
        return "Waiting for a worker"
    if told.get("phase") != "training":
        return f"{str(told.get('phase', 'starting')).capitalize()}…"
    epochs = told.get("epochs") or run.epochs
    text = f"{told.get('epoch', 0)} of {epochs} epochs done"
    if told.get("batches"):
        text += f" · batch {told.get('batch', 0):,} of {told['batches']:,}"
    if told.get("seconds_per_epoch"):
        left = (1 - progress_of(run)) * epochs * told["seconds_per_epoch"]
        text += f" · {duration(told['seconds_per_epoch'])} per epoch · {duration(left)} left"
    return text


def draw_numbers(run: Run, history: pd.DataFrame, verdict: Verdict | None) -> None:
    """The few numbers that matter, each with its unit or its explanation."""
    best = best_of(run, history)
    last = history[best.metric].dropna() if best.metric in history else pd.Series(dtype=float)
    gap = verdict.gap_at_best if verdict else None
    axis = axis_of(run, history.index.to_numpy())
    grid = st.grid("auto", min_column_width=130, gap="small")
    grid.metric(
        f"Best {words(best.metric.removeprefix('val_'))}",
        number(best.value),
        help="On validation samples, at the best epoch, whose weights are kept. Best of any epoch: "
        f"{number(best.own)}. Last: {number(last.iloc[-1] if len(last) else None)}.",
    )
    grid.metric(
        f"Best {axis}", "–" if best.epoch is None else str(best.epoch),
        help=f"{help_texts.BEST}\n\n{help_texts.EPOCHS}",
    )  # fmt: skip
    tested = run.metrics.get(f"test_{run.main_metric}")
    if tested is not None:
        samples = run.metrics.get("test_samples")
        of = f" {count(samples)} of them." if samples else ""
        grid.metric(f"Test {words(run.main_metric)}", number(tested), help=f"{help_texts.TEST}{of}")
    grid.metric("Gap at best", number(gap), help=help_texts.GAP)
    grid.metric(
        "Steps" if axis == "step" else "Epochs",
        f"{len(history)} / {run.epochs}" if run.epochs else f"{len(history)}",
    )
    grid.metric("Duration", duration(run.seconds))
    parameters = run.params.get("model.parameters")
    grid.metric("Parameters", count(float(parameters)) if parameters else "–")
    draw_memory(run, history)


def draw_memory(run: Run, history: pd.DataFrame) -> None:
    """What it held at its peak, and how much of the training time was waiting for data."""
    said = []
    if peak := run.metrics.get("peak_memory_mb"):
        predicted = run.metrics.get("predicted_memory_mb")
        before = f" ({size(predicted * 1e6)} predicted)" if predicted else ""
        said.append(f"Peak memory {size(peak * 1e6)}{before}")
    if "data_wait_share" in history:
        share = history["data_wait_share"].mean()
        said.append(f"{share:.1%} of the training time was spent waiting for data from disk")
    if said:
        st.caption(" · ".join(said))


def draw_no_epoch(run: Run) -> None:
    """What stands where curves will be."""
    if run.status.is_active:
        with st.container(border=True, height=320, vertical_alignment="center"):
            st.markdown(
                ":shimmer[The curves appear when the first epoch ends.]", text_alignment="center"
            )
    else:
        st.info("This run ended before its first epoch did, so it has no curves.")


def draw_curves(run: Run, history: pd.DataFrame, verdict: Verdict | None) -> None:
    """Loss, each metric, and the learning rate if it changed."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            LINE_KEY,
            help=help_texts.LINES,
            width="content",
        )
        log = st.toggle("Log scale", key="log", bind="query-params")
    marks = Marks(
        best_of(run, history).epoch,
        verdict.onset_epoch if verdict else None,
        run.epochs if run.status.is_active else None,
        (*((epoch, "resumed here") for epoch in run.resume_points), *run.phases),
        axis_of(run, history.index.to_numpy()),
    )
    metrics = metrics_of([history])
    grid = st.grid(2 if len(metrics) > 1 else 1, min_column_width=360, gap="small")
    for metric in metrics:
        figure = curve_figure(history, metric, run.color, marks, bool(log) and metric == "loss")
        grid.plotly_chart(figure, key=f"curve {metric}", config={"displayModeBar": False})
    if rate_changes(history):
        st.plotly_chart(
            rate_figure(history, run.color, marks.axis),
            key="rate",
            config={"displayModeBar": False},
        )


def draw_verdict(run: Run, verdict: Verdict | None, history: pd.DataFrame) -> None:
    """The verdict with its evidence in words and what to do about it."""
    if verdict is None:
        return
    # while it trains the words change, and nothing below should move
    height: int | Literal["content"] = 230 if run.status.is_active else "content"
    with st.container(border=True, height=height):
        so_far = " :small[:gray[so far]]" if run.status.is_active else ""
        st.markdown(f"**Verdict**  {verdict_text(verdict.label)}{so_far}", help=help_texts.VERDICT)
        st.markdown(verdict.reason)
        if verdict.advice and not run.status.is_active:
            st.markdown(f":material/lightbulb: {verdict.advice}")
        with st.container(horizontal=True):
            again = run.is_ours and not run.status.is_active
            if again and verdict.label is Label.overfitting:
                if st.button(
                    "Launch again with early stopping",
                    icon=":material/replay:",
                    help="The same spec, with EarlyStopping that restores the best weights.",
                ):
                    clone_run(run.id, "early_stopping")
            with st.popover("Evidence", type="tertiary", icon=":material/fact_check:"):
                draw_evidence(verdict)
            draw_pair_choice(history)


def draw_evidence(verdict: Verdict) -> None:
    """Every number that the verdict looked at."""
    rows = {words(name): value for name, value in verdict.evidence.items()}
    table = pd.DataFrame(
        {"value": [number(v) if isinstance(v, float) else str(v) for v in rows.values()]},
        index=list(rows),
    )
    st.table(table, border="horizontal")
    st.caption(
        f"Confidence {verdict.confidence:.0%}: how far this verdict is from the next likely one."
    )


def _what(run: Run) -> str:
    params = run.params
    dataset = params.get("dataset.name", "").partition("@")[0]
    told = [dataset, params.get("model.name", ""), run.tags.get(Tag.LOG_KIND, "")]
    return " · ".join(filter(None, told)) or "of another tool"


def draw_gap(run: Run, history: pd.DataFrame) -> None:
    """Why training and validation loss differ; nothing is computed until somebody asks."""
    section = st.expander(
        "Why do the curves differ?", icon=":material/splitscreen:", key="gap", on_change="rerun",
        bind="query-params",
    )  # fmt: skip
    if not section.open:
        return
    with section:
        parts = take_apart(history, acting_in_training(run.params))
        st.markdown(parts.sentence, help=help_texts.GAP_PARTS)
        if parts.epoch is None:
            return
        left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
        left.plotly_chart(gap_figure(parts), key="gap parts", config={"displayModeBar": False})
        right.table(gap_table(parts), border="horizontal")


def draw_run_stopping(run: Run) -> None:
    """When it could have ended; nothing is computed until somebody asks, nor while it goes on."""
    if run.status.is_active:
        return
    section = st.expander(
        "When should it have stopped?", icon=":material/timer_off:", key="stopping",
        on_change="rerun", bind="query-params",
    )  # fmt: skip
    if section.open:
        with section:
            draw_stopping(cache.histories([run]), run)
