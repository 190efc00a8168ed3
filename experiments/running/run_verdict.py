"""The verdict on a run that has ended: its tags, and the run's description in the MLflow UI.

The description is also where people write. It is written only where there is none, or where it
is the one that was written here: a tag holds the hash of that.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from experiments.core.errors import DatasetError, ExperimentsError, StoreError
from experiments.core.findings import Severity
from experiments.data.split.audit import AUDIT_FILE, Audit
from experiments.data.split.split_findings import find_all
from experiments.diagnosis import RULES, Pair, Verdict, diagnose
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.changes import set_tags
from experiments.tracking.epochs import axis_of
from experiments.tracking.history_reader import HISTORY_FILE, to_frame
from experiments.tracking.runs import Run, Tag, get_run
from experiments.tracking.store import Store


def judge_history(
    history: pd.DataFrame,
    facts: Mapping[str, float],
    pair: Pair | None = None,
    split_faults: Sequence[str] = (),
) -> Verdict:
    """The verdict on a history, with the metrics that belong to the run as a whole as ``facts``.

    ``pair`` are the columns to judge, if not those that are found by their names;
    ``split_faults`` are what ``split_faults_of`` found.
    """
    return diagnose(
        history,
        pair=pair,
        constant_loss=facts.get("constant_loss"),
        validation_samples=int(facts.get("val_samples") or 0) or None,
        split_faults=split_faults,
    )


def judge_run(run: Run, history: pd.DataFrame, pair: Pair | None = None) -> Verdict:
    """The verdict on a run by its history and by what was recorded about it."""
    if axis_of(run, history.index.to_numpy()) == "step":
        history = history.rename_axis("step")
    return judge_history(history, run.metrics, pair, split_faults_of(run))


def split_faults_of(run: Run) -> list[str]:
    """What makes the result on a run's validation samples mislead, as recorded at its end."""
    return run.tags.get(Tag.SPLIT_FAULTS, "").splitlines()


def read_split_faults(artifacts: Path) -> list[str]:
    """The serious findings of the audit among a run's files, one sentence each."""
    try:
        audit = Audit.from_dict(json.loads((artifacts / AUDIT_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, DatasetError):  # none was written, or by another version
        return []
    serious = [found for found in find_all(audit) if found.severity is Severity.SERIOUS]
    return [f"{finding.title}." for finding in serious if " test" not in finding.title]


def write_verdict(
    store: Store,
    run_id: str,
    history: pd.DataFrame,
    facts: Mapping[str, float],
    split_faults: Sequence[str] = (),
) -> None:
    """Tag a run with the verdict and describe it by that, unless somebody else described it."""
    verdict = judge_history(history, facts, split_faults=split_faults)
    tags: dict[str, str] = {
        Tag.VERDICT_RULES: str(RULES),
        Tag.ONSET_EPOCH: "" if verdict.onset_epoch is None else str(verdict.onset_epoch),
        Tag.SPLIT_FAULTS: "\n".join(split_faults),
        Tag.VERDICT: verdict.label.value,
        Tag.VERDICT_REASON: verdict.reason,
        Tag.VERDICT_ADVICE: verdict.advice,
    }
    if _may_describe(store, get_run(store, run_id), facts):
        note = note_of(verdict)
        tags |= {Tag.NOTE: note, Tag.NOTE_HASH: _hash(note)}
    set_tags(store, run_id, tags)


def note_of(verdict: Verdict) -> str:
    """The run's description in the MLflow UI."""
    title = verdict.label.value.replace("_", " ").capitalize()
    return f"**{title}.** {verdict.reason}\n\n{verdict.advice}"


def _may_describe(store: Store, run: Run, facts: Mapping[str, float]) -> bool:
    note = run.tags.get(Tag.NOTE, "")
    if not note.strip():
        return True
    if Tag.NOTE_HASH in run.tags:
        return run.tags[Tag.NOTE_HASH] == _hash(note)
    return note == _note_without_hash(store, run.id, facts)


def _note_without_hash(store: Store, run_id: str, facts: Mapping[str, float]) -> str | None:
    """What earlier versions, which kept no hash, wrote when the run ended the last time: it
    follows from the history of then, which is still stored."""
    try:
        text = fetch_artifact(store, run_id, HISTORY_FILE).read_text(encoding="utf-8")
        return note_of(judge_history(to_frame(json.loads(text)), facts))
    except StoreError:
        raise
    except (ExperimentsError, ValueError, AttributeError):  # there is none, or not ours
        return None


def _hash(note: str) -> str:
    return hashlib.sha256(note.encode()).hexdigest()[:16]
