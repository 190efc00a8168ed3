"""The part of a run's page that tells of the other folds, and of all of them together."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.shared import cache, help_texts
from dashboard.shared.components import compare_runs, open_run
from dashboard.shared.formats import count, number, words
from dashboard.shared.run_summary import best_of
from experiments.running.fold_runs import siblings_of
from experiments.tracking.runs import Run, RunStatus, Tag

_LIVE_SECONDS = 3


def draw_folds(run: Run, runs: Sequence[Run]) -> None:
    """Nothing where the run has none; drawn again while one of them is under way."""
    if Tag.FOLDS not in run.tags:
        return
    active = any(one.status.is_active for one in siblings_of(run, runs))
    st.fragment(_draw, run_every=_LIVE_SECONDS if active else None)(run, active)


def _draw(run: Run, was_active: bool) -> None:
    siblings = siblings_of(run, cache.runs())
    if any(one.status.is_active for one in siblings) != was_active:
        st.rerun()
    if not siblings:
        return
    with st.container(border=True, gap="small"):
        st.markdown(f"**All {run.params['split.folds']} folds**", help=help_texts.FOLDS)
        st.markdown(summary(siblings))
        table = fold_table(siblings)
        event = st.dataframe(
            table, hide_index=True, height="content", on_select="rerun",
            selection_mode="single-row", key=f"folds {run.id}",
        )  # fmt: skip
        rows = event["selection"]["rows"]
        if rows and siblings[rows[0]].id != run.id:
            open_run(siblings[rows[0]].id)
        ended = [one.id for one in siblings if not one.status.is_active]
        if len(ended) > 1 and st.button("Compare the folds", icon=":material/stacked_line_chart:"):
            compare_runs(ended)


def summary(siblings: Sequence[Run]) -> str:
    """The mean over the folds that have finished, and how much they differ."""
    values = pd.Series(
        [best_of(one).value for one in siblings if one.status is RunStatus.FINISHED], dtype=float
    ).dropna()
    folds = int(siblings[0].params["split.folds"])
    if values.empty:
        return f"None of {folds} folds has finished yet."
    metric = words(best_of(siblings[0]).metric)
    so_far = "" if len(values) == folds else f" of {folds} so far"
    if len(values) == 1:
        return f"Best {metric}: {number(values.mean())} in 1 fold{so_far}."
    return (
        f"Best {metric}: **{number(values.mean())} ± {number(values.std(), 2)}** over "
        f"{len(values)} folds{so_far} :small[:gray[(mean and standard deviation)]]"
    )


def fold_table(siblings: Sequence[Run]) -> pd.DataFrame:
    """One row a fold."""
    best = [best_of(one) for one in siblings]
    return pd.DataFrame(
        {
            "Fold": [int(one.params["split.fold"]) for one in siblings],
            "Status": [one.status.value for one in siblings],
            f"Best {words(best[0].metric)}": [number(one.value) for one in best],
            "Best epoch": ["–" if one.epoch is None else count(one.epoch) for one in best],
            "Verdict": [words(one.verdict) if one.verdict else "–" for one in siblings],
        }
    )
