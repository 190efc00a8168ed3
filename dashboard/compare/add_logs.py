"""Logs of other tools, judged where they are, and kept as runs to be compared."""

from collections.abc import Sequence

import streamlit as st

from dashboard.shared import cache, help_texts
from dashboard.shared.components import errors_shown, show_error, verdict_text
from dashboard.shared.formats import plain
from experiments.core.errors import HistoryError
from experiments.diagnosis import diagnose
from experiments.logs import Log, read_logs
from experiments.running.log_import import import_logs
from experiments.tracking.imported_runs import IMPORTED, Imported

_FORM = "log form"  # the number of the form; each is filled in once
_KEPT = "logs kept"  # what is said of it after that
_LONGEST = 2_000_000  # characters of a pasted text
_MOST_FILES = 50
_MOST_SHOWN = 20


def draw_add_logs() -> None:
    """A button that opens the form; what is read is shown at once, and kept when asked."""
    form = st.session_state.setdefault(_FORM, 0)
    if said := st.session_state.pop(_KEPT, ""):
        st.toast(said, icon=":material/check:")
    with st.popover("Add logs", icon=":material/upload_file:", help=help_texts.ADD_LOGS):
        files = st.file_uploader(
            "Files", accept_multiple_files=True, max_upload_size=20, key=f"log files {form}",
            help=help_texts.LOG_KINDS,
        )  # fmt: skip
        text = st.text_area(
            "Or printed progress", key=f"log text {form}", max_chars=_LONGEST, height=100,
            placeholder="Epoch 1/10\n… - loss: 0.9 - val_loss: 1.0",
        )  # fmt: skip
        logs = [
            log for file in (files or [])[:_MOST_FILES] for log in _read(file.getvalue(), file.name)
        ]
        if text and text.strip():
            logs += _read(text.encode(), "pasted")
        if logs:
            _draw(logs)


def _read(data: bytes, name: str) -> list[Log]:
    try:
        return read_logs(data, name)
    except HistoryError as error:
        show_error(error, f"{name} is not read")
        return []


def _draw(logs: list[Log]) -> None:
    for log in logs[:_MOST_SHOWN]:
        verdict = diagnose(log.history)
        rows = f"{len(log.history):,} {log.axis}{'s' * (len(log.history) != 1)}"
        st.markdown(f"**{plain(log.name)}** · {log.kind} · {rows} · {verdict_text(verdict.label)}")
        st.caption(plain(" ".join([verdict.reason, *log.notes])))
    if len(logs) > _MOST_SHOWN:
        st.caption(f"And {len(logs) - _MOST_SHOWN:,} more.")
    count = "Keep it as a run" if len(logs) == 1 else f"Keep {len(logs):,} as runs"
    if st.button(count, type="primary", icon=":material/save:"):
        with errors_shown("The logs cannot be kept"):
            kept = import_logs(cache.store(), logs)
            cache.forget_runs()
            st.session_state[_KEPT] = _in_words(kept)
            st.session_state[_FORM] += 1  # an empty one
            st.query_params["runs"] = ",".join(run.run_id for run in kept)
            st.rerun()


def _in_words(kept: Sequence[Imported]) -> str:
    new = sum(run.new for run in kept)
    told = f"{new:,} run{'s' * (new != 1)} kept in the experiment *{IMPORTED}*."
    return told if new == len(kept) else f"{told} {len(kept) - new:,} had been kept before."
