"""The verdicts of many runs: how often each, and side by side with their reasons."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.shared import cache, help_texts
from dashboard.shared.components import RUN, VERDICT, name_of, status_text, verdict_text
from dashboard.shared.formats import duration, number, words
from dashboard.shared.param_texts import unique_names
from experiments.diagnosis import Verdict
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

_CARDS = 12  # more verdicts than that are a table


def draw_verdicts_view(runs: Sequence[Run], histories: Histories) -> None:
    """How many of each, then each with its reason."""
    verdicts = {run.id: cache.verdict(run, histories) for run in runs}
    told = Counter(str(verdict.label) for verdict in verdicts.values() if verdict)
    counted = [f"{verdict_text(label)} {told[label]}" for label in VERDICT if told.get(label)]
    missing = sum(verdict is None for verdict in verdicts.values())
    counted += [f":gray[no epoch yet {missing}]"] if missing else []
    st.markdown("   ".join(counted), help=help_texts.VERDICT)
    if len(runs) <= _CARDS:
        draw_cards(runs, verdicts)
    else:
        draw_table(runs, histories, verdicts)


def draw_cards(runs: Sequence[Run], verdicts: dict[str, Verdict | None]) -> None:
    """One card a run."""
    grid = st.grid("auto", min_column_width=260, gap="small", border=True)
    for run in runs:
        verdict = verdicts[run.id]
        with grid.cell():
            st.markdown(f"**{name_of(run)}**")
            if verdict is None:
                st.markdown(status_text(run))
                st.caption("No epoch yet.")
            else:
                st.markdown(verdict_text(verdict.label))
                st.caption(verdict.reason)
            st.page_link(RUN, label="Open", query_params={"run": run.id})


def draw_table(
    runs: Sequence[Run], histories: Histories, verdicts: dict[str, Verdict | None]
) -> None:
    """One row a run."""
    formats: dict[Any, Any] = {"gap at best": number, "time after best": duration}
    table = verdict_rows(runs, histories, verdicts).style.format(formats, na_rep="–", precision=0)
    st.dataframe(table, row_height=36, height=36 * 15 + 40, placeholder="–")


def verdict_rows(
    runs: Sequence[Run], histories: Histories, verdicts: dict[str, Verdict | None]
) -> pd.DataFrame:
    """One row a run, indexed by its name: the verdict and the numbers that lead to it."""
    names = unique_names(runs)
    rows = {}
    for run in runs:
        verdict = verdicts[run.id]
        if verdict is None:
            continue
        rows[names[run.id]] = {
            "verdict": words(verdict.label),
            "best epoch": verdict.best_epoch,
            "overfits from": verdict.onset_epoch,
            "gap at best": verdict.gap_at_best,
            "gap is large": "yes" if verdict.gap_is_large else "",
            "epochs after best": verdict.wasted_epochs,
            "time after best": verdict.wasted_seconds,
            "why": verdict.reason,
        }
    return pd.DataFrame.from_dict(rows, orient="index")
