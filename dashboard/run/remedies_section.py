"""The part of a run's page that tries what may help it, and says whether it did."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.shared import cache, help_texts
from dashboard.shared.components import compare_runs, errors_shown
from dashboard.shared.formats import NOTHING, duration, number, plain
from experiments.core.errors import ExperimentsError
from experiments.diagnosis import Label
from experiments.diagnosis.remedies import CONTROL, Remedy, remedies, seeds_for
from experiments.diagnosis.remedy_outcome import outcome
from experiments.running.remedy_runs import (
    children_of,
    launch_remedies,
    missing,
    seconds_for,
    trial_of,
)
from experiments.spec.run_spec import RunSpec
from experiments.tracking.runs import Run

_LIVE_SECONDS = 3
_MEASURES = {
    "gap": "Gap of the kept model",
    "gap_at_best": "Gap at the best epoch",
    "best_val_loss": "Best val loss",
}


def draw_remedies(run: Run, runs: Sequence[Run]) -> None:
    """Closed until somebody asks, and drawn again while runs that try something are under way."""
    if run.status.is_active or run.verdict is None:
        return
    active = any(child.status.is_active for child in children_of(run, runs))
    st.fragment(_draw, run_every=_LIVE_SECONDS if active else None)(run, active)


def _draw(run: Run, was_active: bool) -> None:
    section = st.expander(
        "What would help?", icon=":material/healing:", key="remedies", on_change="rerun",
        bind="query-params",
    )  # fmt: skip
    if not section.open:
        return
    with section, errors_shown("The remedies cannot be shown"):
        children = children_of(run, reversed(cache.runs()))
        if any(child.status.is_active for child in children) != was_active:
            st.rerun()
        spec = cache.spec(run.id)
        offered = remedies(spec, Label(run.verdict or Label.cant_tell))
        draw_choice(run, spec, offered, children)
        if children:
            draw_outcome(
                children,
                {remedy.name: remedy.words for remedy in offered},
            )


def draw_choice(run: Run, spec: RunSpec, offered: list[Remedy], children: list[Run]) -> None:
    """What to try, with how many seeds, what that costs, and the button."""
    st.markdown(
        "Each is trained beside the unchanged run, on the same samples.", help=help_texts.REMEDY
    )
    cells = st.columns(2, gap="small")
    chosen = [
        remedy
        for number_, remedy in enumerate(offered)
        if cells[number_ % 2].checkbox(
            f"**{remedy.words[0].upper()}{remedy.words[1:]}**  \n:small[{remedy.why}]",
            value=run.verdict in remedy.against,
            key=f"remedy {run.id} {remedy.name}",
        )
    ]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = st.number_input(
            "Seeds",
            1,
            100,
            3,
            key=f"remedy seeds {run.id}",
            width=130,
            help=help_texts.REMEDY_SEEDS,
        )
        runs = missing(spec, chosen, seeds_for(spec, int(count)), children) if chosen else []
        if st.button(
            f"Queue {len(runs)} runs" if runs else "Nothing to queue",
            type="primary", icon=":material/playlist_add:", disabled=not runs, key="remedy queue",
        ):  # fmt: skip
            launch_remedies(cache.store(), run, runs)
            cache.forget_runs()
            cache.worker().look()
            st.toast(f"Queued: {len(runs)} runs", icon=":material/check:")
            st.rerun()
        if runs:
            unchanged = sum(planned.remedy == CONTROL for planned in runs)
            seconds = seconds_for(run, spec, runs)
            said = [f"{unchanged} of them unchanged, to compare with"] if unchanged else []
            said += [f"about {duration(seconds)} one after another"] if seconds else []
            st.caption(" · ".join(said))


def draw_outcome(children: list[Run], words: dict[str, str]) -> None:
    """How far the runs are, and what they say by now."""
    ended = [child for child in children if not child.status.is_active]
    if len(ended) < len(children):
        st.progress(
            len(ended) / len(children), text=f"{len(ended)} of {len(children)} runs have ended"
        )
    table = outcome(
        [trial_of(child) for child in children], {child.id: _history(child) for child in ended}
    )
    said = [f"**{plain(words.get(str(name), str(name)))}**: {plain(row['words'])}"
            for name, row in table.iterrows()]  # fmt: skip
    st.markdown("\n".join(f"- {line}" for line in said))
    if len(table) and (table["pairs"] > 0).any():
        st.table(changes(table, words), border="horizontal")
    if len(ended) > 1 and st.button("Compare these runs", icon=":material/stacked_line_chart:"):
        compare_runs([child.id for child in ended])


def changes(table: pd.DataFrame, words: dict[str, str]) -> pd.DataFrame:
    """The outcome as people read it: each change with its 95 % interval."""
    rows = {}
    for name, row in table.iterrows():
        cells = {title: _interval(row, measure) for measure, title in _MEASURES.items()}
        rows[words.get(str(name), str(name))] = {"Seeds": f"{row['pairs']:.0f}"} | cells
    return pd.DataFrame.from_dict(rows, orient="index")


def _interval(row: pd.Series, measure: str) -> str:
    value, low, high = row[measure], row[f"{measure}_low"], row[f"{measure}_high"]
    if pd.isna(value):
        return NOTHING
    said = number(value) if value <= 0 else f"+{number(value)}"
    return said if pd.isna(low) else f"{said} ({number(low, 2)} … {number(high, 2)})"


def _history(run: Run) -> pd.DataFrame:
    try:
        return cache.history(run)
    except ExperimentsError:  # one of many; without it its pair is told to have no number
        return pd.DataFrame()
