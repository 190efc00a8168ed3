"""The part of a run's page that is about its pretrained base: what pretraining was worth, what
speaks against how it was fine-tuned."""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.chart.split_view import draw_findings
from dashboard.shared import cache, help_texts
from dashboard.shared.components import RUN, clone_run, compare_runs, dot, errors_shown
from dashboard.shared.formats import number, plain, words
from dashboard.shared.run_summary import best_of
from experiments.core.findings import as_change
from experiments.diagnosis.base_findings import find_in_history, find_in_spec, trained_on
from experiments.diagnosis.from_scratch import from_scratch, has_pretraining
from experiments.running.queue import submit
from experiments.spec.model_specs import WITH_BASE
from experiments.tracking.runs import Run, Tag

_LIVE_SECONDS = 3


def draw_transfer(run: Run, runs: Sequence[Run]) -> None:
    """Nothing for a run without a base; drawn again while a sibling from scratch is under way."""
    if not run.is_ours or run.params.get("model.name") not in WITH_BASE:
        return
    with errors_shown("The spec of the run cannot be read"):
        active = any(one.status.is_active for one in scratch_runs(run, runs))
        st.fragment(_draw, run_every=_LIVE_SECONDS if active else None)(run.id, active)


def scratch_runs(run: Run, runs: Sequence[Run]) -> list[Run]:
    """The runs that were trained from scratch to compare with a run, newest first."""
    return [one for one in runs if one.tags.get(Tag.SCRATCH) == run.id]


def _draw(run_id: str, was_active: bool) -> None:
    run, runs = cache.run(run_id), cache.runs()
    siblings = scratch_runs(run, runs)
    if any(one.status.is_active for one in siblings) != was_active:
        st.rerun()
    spec = cache.spec(run.id)
    found = find_in_spec(spec, trained_on=trained_on(spec))
    if not run.status.is_active:
        history = cache.history(run)
        if "loss" in history:
            found += find_in_history(spec, history["loss"].tolist())
    whole = next((one for one in runs if one.id == run.tags.get(Tag.SCRATCH)), None)
    if not found and not has_pretraining(spec) and whole is None:
        return
    with st.container(border=True, gap="small"):
        st.markdown("**About the pretrained base**", help=help_texts.TRANSFER)
        if found:
            draw_findings(
                found, "Launch again with", lambda changes: clone_run(run.id, as_change(changes))
            )
        if whole is not None:
            st.page_link(RUN, label=f"From scratch, to compare with {dot(whole)} "
                         f"{plain(whole.name)}", query_params={"run": whole.id})  # fmt: skip
        if has_pretraining(spec):
            _draw_scratch(run, siblings)


def _draw_scratch(run: Run, siblings: Sequence[Run]) -> None:
    if siblings:
        st.markdown(gain(run, siblings[0]))
        st.dataframe(transfer_table([run, *siblings]), hide_index=True, height="content")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if siblings and st.button("Compare the curves", icon=":material/stacked_line_chart:"):
            compare_runs([run.id, *(one.id for one in siblings)])
        if not siblings or all(not one.status.is_active for one in siblings):
            label = "Train it from scratch again" if siblings else "Compare with from-scratch"
            if st.button(label, icon=":material/science:", help=help_texts.FROM_SCRATCH):
                train_from_scratch(run)


def train_from_scratch(run: Run) -> None:
    """Queue the same run without pretraining, and show it beside this one."""
    with errors_shown("The run was not launched"):
        submit(
            cache.store(), from_scratch(cache.spec(run.id)), parent_id=run.id,
            tags={Tag.SCRATCH: run.id},
        )  # fmt: skip
        cache.forget_runs()
        cache.worker().look()
        st.toast("The same run is trained from scratch", icon=":material/science:")
        st.rerun()


def gain(run: Run, scratch: Run) -> str:
    """What pretraining was worth, in a sentence."""
    if run.status.is_active or scratch.status.is_active:
        return "The result appears here when both runs have ended."
    own, other = best_of(run), best_of(scratch)
    if math.isnan(own.value) or math.isnan(other.value):
        return f"{plain(scratch.name)} has no result to compare with."
    return (
        f"Best {words(own.metric)}: **{number(own.value)}** with pretraining, "
        f"**{number(other.value)}** from scratch. :small[:gray[One seed each, so chance plays a "
        f"part in both.]]"
    )


def transfer_table(runs: Sequence[Run]) -> pd.DataFrame:
    """One row a run, the pretrained one first."""
    best = [best_of(one) for one in runs]
    return pd.DataFrame(
        {
            "Run": [one.name for one in runs],
            "Base": ["from scratch" if Tag.SCRATCH in one.tags else "pretrained" for one in runs],
            "Status": [one.status.value for one in runs],
            f"Best {words(best[0].metric)}": [number(one.value) for one in best],
            "Best epoch": ["–" if one.epoch is None else str(one.epoch) for one in best],
        }
    )
