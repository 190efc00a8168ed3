"""Which experiments of the store a page shows: our own, or any others, as the URL says."""

from collections.abc import Sequence

import streamlit as st

from dashboard.shared import cache
from dashboard.shared.components import show_error
from dashboard.shared.formats import count
from experiments.tracking.runs import Experiment

_PARAMETER = "experiments"
_CHOSEN = "experiments chosen"  # kept while other pages are looked at
_PICKED = "experiments picked"

#: How many of the newest runs a comparison shows, as its choice is called.
MOST = {"newest 100": 100, "newest 1,000": 1000, "newest 10,000": 10_000}


def choose_experiments() -> tuple[str, ...] | None:
    """Draw the choice if the store has runs of other tools; the ids, None for our own experiment.

    It stands in the URL as ``?experiments=1,4`` and is kept from page to page. Unknown ids are told
    and left out. Raises StoreError.
    """
    offered = {one.id: one for one in cache.experiments() if one.is_ours or one.runs != 0}
    wanted = _wanted()
    chosen = _unless_ours([id_ for id_ in dict.fromkeys(wanted) if id_ in offered], offered)
    unknown = [id_ for id_ in wanted if id_ not in offered]
    for id_ in unknown:
        show_error(
            f"There is no experiment {id_!r} with runs in this store. Choose one of: "
            + ", ".join(map(_name, offered.values()))
        )
    if not unknown:  # else it stays in the URL, and the message on the page
        _remember(chosen)
    if all(one.is_ours for one in offered.values()):
        return None
    st.session_state[_PICKED] = chosen or [one.id for one in offered.values() if one.is_ours]
    label = "Experiments" if len(chosen) != 1 else offered[chosen[0]].name
    if len(chosen) > 1:
        label = f"Experiments · {len(chosen)}"
    with st.popover(label, icon=":material/folder_open:", key="experiments"):
        st.multiselect(
            "Experiments", list(offered), key=_PICKED, placeholder="Kerascope's own",
            on_change=lambda: _remember(_unless_ours(st.session_state[_PICKED], offered)),
            format_func=lambda id_: _name(offered[id_]), width=360,
            help="Runs that other tools logged to this store are shown as well, and only read.",
        )  # fmt: skip
    return tuple(chosen) or None


def draw_offer_of_others() -> bool:
    """Offer the runs of other tools where there are none of ours; whether there are any."""
    others = [one for one in cache.experiments() if not one.is_ours and one.runs != 0]
    runs = sum(one.runs or 0 for one in others)
    if others and not runs:  # a server does not say how many there are
        runs = len(cache.runs(experiments=tuple(one.id for one in others), most=1000))
    if not runs:
        return False
    where = f"{len(others)} other experiment{'s' * (len(others) != 1)}"
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.markdown(f"**{count(runs)} run{'s' * (runs != 1)} in {where}**", text_alignment="center")
        st.caption(
            "Other tools logged them to this store, or they were imported. They are shown with "
            "curves, verdicts and comparison, and only read.",
            text_alignment="center",
        )
        if st.button("Show them", type="primary", icon=":material/visibility:", key="show others"):
            _remember([one.id for one in others])
            st.rerun(scope="app")
    return True


def remembered_experiments() -> tuple[str, ...] | None:
    """What was chosen on the page before, for a page that offers no choice; None for our own."""
    return tuple(st.session_state.get(_CHOSEN, ())) or None


def experiments_query() -> dict[str, str]:
    """What a link to another page needs to show the same experiments."""
    chosen = st.session_state.get(_CHOSEN)
    return {_PARAMETER: ",".join(chosen)} if chosen else {}


def _wanted() -> list[str]:
    """What the URL names, or else what was chosen on the page before."""
    if _PARAMETER in st.query_params:
        return [id_ for id_ in st.query_params[_PARAMETER].split(",") if id_]
    return list(st.session_state.get(_CHOSEN, []))


def _unless_ours(ids: Sequence[str], offered: dict[str, Experiment]) -> list[str]:
    """No ids where they say no more than the default."""
    return [] if all(offered[id_].is_ours for id_ in ids) else list(ids)


def _remember(chosen: list[str]) -> None:
    st.session_state[_CHOSEN] = chosen
    if chosen:
        st.query_params[_PARAMETER] = ",".join(chosen)
    else:
        st.query_params.pop(_PARAMETER, None)


def _name(experiment: Experiment) -> str:
    return (
        experiment.name if experiment.runs is None else f"{experiment.name} ({experiment.runs:,})"
    )
