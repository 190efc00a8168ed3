"""What a split does, drawn: what was found, the classes side by side, details behind a click."""

import json
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from dashboard.chart.split_chart import share_figure
from dashboard.shared import cache
from dashboard.shared.components import Sign, show_error
from dashboard.shared.formats import count, number, plain
from experiments.core.errors import DatasetError
from experiments.core.findings import Action, Changes, Finding, Severity, as_change
from experiments.data.catalog import Task
from experiments.data.split.audit import AUDIT_FILE, Audit, DuplicateCounts
from experiments.data.split.better_splits import other_ways
from experiments.data.split.split_findings import find_all, margin_sentence
from experiments.tracking.runs import Run

SIGNS: dict[Severity, Sign] = {
    Severity.SERIOUS: Sign(":material/error:", "✕", "red"),
    Severity.WARNING: Sign(":material/warning:", "!", "orange"),
    Severity.NOTE: Sign(":material/info:", "i", "gray"),
}
Act = Callable[[Changes], None]


def audit_of(run: Run) -> Audit | None:
    """The audit that was stored with a run; None where there is none (yet)."""
    if not run.is_ours or run.status.is_active:
        return None
    if AUDIT_FILE not in (file.path for file in cache.artifacts(run)):
        return None
    try:
        return Audit.from_dict(json.loads(cache.artifact(run, AUDIT_FILE).read_text()))
    except ValueError:
        show_error(f"{AUDIT_FILE} is not valid JSON; train the run again to write a new one.")
    except DatasetError as error:
        show_error(error)
    return None


def draw_warnings(audit: Audit) -> None:
    """What may mislead, a line each; nothing where that is nothing."""
    lines = [
        f"{_icon(finding)} {plain(finding.title)}"
        for finding in find_all(audit)
        if finding.severity >= Severity.WARNING
    ]
    if lines:
        with st.container(border=True, gap="xsmall"):
            st.markdown("**About the split of these samples** :small[(more in the *Split* tab)]")
            st.markdown("  \n".join(lines))


def draw_audit(audit: Audit, how: str, act: Act) -> None:
    """Everything. ``act`` is called with the changes of the button that was clicked; ``how`` begins
    what the buttons say: "Use" a stratified split."""
    st.caption(plain(audit.sentence))
    found = find_all(audit)
    draw_findings(found, how, act)
    offered = {as_change(finding.changes) for finding in found}
    draw_ways([way for way in other_ways(audit) if as_change(way.changes) not in offered], how, act)
    if margin := margin_sentence(audit):
        st.caption(f":material/straighten: {plain(margin)}")
    st.plotly_chart(share_figure(audit), key="split shares", config={"displayModeBar": False})
    with st.expander("Rows, classes and copies", icon=":material/table_rows:"):
        draw_details(audit)


def draw_findings(findings: Sequence[Finding], how: str, act: Act) -> None:
    """Worst first; a button that does what an earlier one does is left out."""
    if not findings:
        st.markdown(":green[:material/check_circle:] No problems were found with this split.")
    offered: set[str] = set()
    for finding in findings:
        with st.container(border=True, gap="xsmall"):
            st.markdown(
                f"{_icon(finding)} **{plain(finding.title)}**  \n:small[{plain(finding.text)}]"
            )
            change = as_change(finding.changes)
            if change and change not in offered:
                offered.add(change)
                label = f"{how} {finding.action}"
                if st.button(label, icon=":material/auto_fix_high:", key=f"mend {change}"):
                    act(finding.changes)


def draw_ways(ways: Sequence[Action], how: str, act: Act) -> None:
    """Other splits, a button each, that nothing found speaks for."""
    if not ways:
        return
    st.caption(f"{how} another split:")
    with st.container(horizontal=True, gap="xsmall"):
        for way in ways:
            words = plain(way.words.removeprefix("a "))
            if st.button(words[0].upper() + words[1:], key=f"split {as_change(way.changes)}"):
                act(way.changes)


def draw_details(audit: Audit) -> None:
    """Which rows are where, the classes counted, the file's order, examples of copies."""
    st.markdown("**Rows**", help="Numbered from 0 in file order, as in `split.npz`.")
    st.table(row_table(audit), border="horizontal")
    if audit.task is not Task.REGRESSION:
        st.markdown(f"**Classes of {plain(audit.target)}**")
        table = class_table(audit)
        st.dataframe(table, height=min(36 * len(table) + 38, 300), key="split classes")
    st.markdown(f"**Order of the file**  \n:small[{plain(order_words(audit))}]")
    st.markdown(f"**Copies**  \n:small[{plain(copies_words(audit))}]")
    table = copies_table(audit)
    if len(table):
        st.dataframe(table, hide_index=True, key="split copies")


def row_table(audit: Audit) -> pd.DataFrame:
    """The rows of each part in words."""
    apart = () if audit.held_out else ("test",)
    total = sum(part.samples for part in audit.parts if part.name not in apart)
    rows = {}
    for part in audit.parts:
        share = "a part of its own" if part.name in apart else f"{part.samples / total:.1%}"
        ranges = [f"{a}" if a == b else f"{a} to {b}" for a, b in part.ranges]
        more = part.range_count - len(part.ranges)
        said = ", ".join(ranges) + (f" and {more:,} more ranges" if more else "")
        rows[part.name] = {"Samples": count(part.samples), "Share": share, "Rows": said}
    return pd.DataFrame.from_dict(rows, orient="index")


def class_table(audit: Audit) -> pd.DataFrame:
    """How many samples of each class are in each part, and their shares in percent."""
    table = pd.DataFrame(index=pd.Index(audit.names, name="class"))
    for part in audit.parts:
        table[part.name] = part.counts
        table[f"{part.name} %"] = [round(100 * n / part.samples, 1) for n in part.counts]
    return table


def order_words(audit: Audit) -> str:
    """How the file is ordered by its target."""
    order = audit.order
    if order.correlation is not None:
        return (
            f"The rank correlation of the row number with {audit.target} is "
            f"{number(order.correlation, 2)}; a shuffled file has about 0."
        )
    return (
        f"{count(order.runs)} runs of equal labels; a shuffled file has about "
        f"{count(order.expected_runs)}."
    )


def copies_words(audit: Audit) -> str:
    """What was compared, and what was found within the parts."""
    near = "correlate above 0.995" if audit.image else "agree to a thousandth of a feature's spread"
    compared = (
        f"All {count(audit.samples)} rows were compared"
        if audit.looked == audit.samples
        else f"{count(audit.looked)} of {count(audit.samples)} rows, drawn at random, were compared"
    )
    return (
        f"{compared}. {count(audit.exact.extra)} repeat another row of their part exactly and "
        f"{count(audit.near.extra)} nearly; near copies {near}."
    )


def copies_table(audit: Audit) -> pd.DataFrame:
    """Examples of rows that training has too."""
    return pd.DataFrame(
        [
            {"copy": kind, "training row": training, "of": name, "row": row}
            for kind, copies in (("exact", audit.exact), ("near", audit.near))
            for name, examples in _examples(copies)
            for training, row in examples
        ]
    )


def _examples(copies: DuplicateCounts) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
    return [("validation", copies.validation.examples), ("test", copies.test.examples)]


def _icon(finding: Finding) -> str:
    sign = SIGNS[finding.severity]
    return f":{sign.color}[{sign.icon}]"
