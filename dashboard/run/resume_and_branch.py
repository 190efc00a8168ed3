"""How a run that has ended goes on: to more epochs, or as a branch with other settings."""

from typing import NamedTuple

import streamlit as st

from dashboard.shared import cache, help_texts
from dashboard.shared.components import LAUNCH, RUN, dot, errors_shown
from dashboard.shared.formats import plain
from experiments.core.checkpoint_files import LAST, Checkpoint
from experiments.running.queue import resume
from experiments.tracking.runs import Run

_MORE = 10  # epochs that are offered beyond those that a run has


class ResumeOptions(NamedTuple):
    """How far a run is, to how many epochs it is offered to go on, and where it can branch off."""

    behind: Checkpoint | None
    offered: int
    branches: tuple[Checkpoint, ...]


def ways(epochs: int, checkpoints: list[Checkpoint]) -> ResumeOptions:
    """What a run with these checkpoints, that was to have ``epochs`` epochs, can go on from."""
    behind = next((c for c in checkpoints if LAST in c.roles), None)
    done = behind.epoch if behind else 0
    whole = tuple(c for c in reversed(checkpoints) if not c.batch)
    return ResumeOptions(behind, epochs if epochs > done else done + max(epochs, _MORE), whole)


def draw_continue(run: Run) -> None:
    """The two buttons of a run that has ended; checkpoints are looked for when one is clicked,
    since that needs MLflow, whose import would hold up the curves."""
    going_on = st.popover(
        "Resume",
        icon=":material/resume:",
        help=help_texts.RESUME,
        key="resume open",
        on_change="rerun",
    )
    if going_on.open:
        with going_on, errors_shown("The run was not resumed"):
            draw_resume(run, ways(run.epochs, cache.checkpoints(run)))
    branching = st.popover(
        "Branch", icon=":material/call_split:", help=help_texts.BRANCH, key="branch open",
        on_change="rerun",
    )  # fmt: skip
    if branching.open:
        with branching, errors_shown("The run cannot be branched"):
            draw_branch(run, ways(run.epochs, cache.checkpoints(run)))


def draw_resume(run: Run, found: ResumeOptions) -> None:
    """To how many epochs it shall go on."""
    if found.behind:
        st.markdown(f"It continues **{found.behind.words}**, exactly where it stopped.")
    else:
        st.markdown("No checkpoint was saved, so it starts over under the same name.")
    least = found.behind.epoch + 1 if found.behind else 1
    epochs = st.number_input(
        "Total epochs", min_value=least, max_value=100_000, value=max(found.offered, least),
        step=_MORE, key=f"resume to {run.id}",
    )  # fmt: skip
    if st.button("Resume", type="primary", key=f"resume {run.id}", icon=":material/resume:"):
        resume(cache.store(), run.id, int(epochs))
        cache.forget_runs()
        cache.worker().look()
        st.toast(f"{run.name} continues", icon=":material/resume:")
        st.rerun()


def draw_branch(run: Run, found: ResumeOptions) -> None:
    """From which checkpoint."""
    if not found.branches:
        st.markdown("No checkpoint of a whole epoch was saved, so there is nothing to branch from.")
        return
    checkpoint = st.selectbox(
        "Checkpoint", found.branches, format_func=label_of, key=f"branch from {run.id}"
    )
    st.caption("The launch form opens with this run's settings. Change what you like.")
    if st.button("Choose the settings", type="primary", key=f"branch {run.id}"):
        st.session_state.pop("launch loaded", None)
        st.switch_page(LAUNCH, query_params={"clone": run.id, "from": str(checkpoint.epoch)})


def label_of(checkpoint: Checkpoint) -> str:
    """A checkpoint in a list: where it was saved and what it is for."""
    roles = [role for role in checkpoint.roles if role != "kept"]
    said = f" · {', '.join(sorted(roles, reverse=True))}" if roles else ""
    return f"{checkpoint.words}{said}"


def draw_family(run: Run) -> None:
    """Links to the run that this one came from, and to those that came from it."""
    runs = {other.id: other for other in cache.runs()}
    parent = runs.get(run.parent_id or "")
    children = [other for other in runs.values() if other.parent_id == run.id]
    if not parent and not children:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for word, others in (("From", [parent] if parent else []), ("Led to", children[:6])):
            if others:
                st.caption(word, width="content")
            for other in others:
                st.page_link(
                    RUN, label=f"{dot(other)} {plain(other.name)}", query_params={"run": other.id}
                )
