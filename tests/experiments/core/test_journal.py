"""The journal: what is written is read again, also from a disk that was full in between."""

import logging
import math
import subprocess
import sys

import pytest

from experiments.core.journal import Journal, journal_history, read_journal
from experiments.core.settings import ROOT


def test_a_journal_gives_back_what_was_written(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.write({"loss": 1.5}, epoch=0)
        journal.write({"constant_loss": 2.0}, params={"a": "b"}, tags={"c": "d"})
    first, second = read_journal(tmp_path / "j").entries
    assert (first.epoch, first.metrics) == (0, {"loss": 1.5})
    assert (second.epoch, second.params, second.tags) == (None, {"a": "b"}, {"c": "d"})


def test_reading_goes_on_where_it_ended(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.write({"loss": 1.0}, epoch=0)
        offset = read_journal(tmp_path / "j").offset
        journal.write({"loss": 0.5}, epoch=1)
    assert [entry.epoch for entry in read_journal(tmp_path / "j", offset).entries] == [1]


def test_a_line_that_was_cut_off_by_a_kill_is_left_out(tmp_path):
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.write({"loss": 1.0}, epoch=0)
    with path.open("ab") as file:
        file.write(b'{"time": 1, "epoch": 1, "metr')
    part = read_journal(path)
    assert (len(part.entries), part.broken) == (1, 0)
    assert part.offset < path.stat().st_size


def test_a_history_has_none_where_a_value_is_broken_or_missing(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.write({"loss": math.nan}, epoch=0)
        journal.write({"loss": math.inf, "val_loss": 2.0}, epoch=1)
    entries = read_journal(tmp_path / "j").entries
    assert journal_history(entries) == {"loss": [None, None], "val_loss": [None, 2.0]}


@pytest.mark.parametrize(
    "line",
    [
        b'{"time": 1, "epoch": 1, "metr{"time": 2, "epoch": 1, "metrics": {}}',
        b"\0" * 64,  # what a power cut leaves on some file systems
        b"\xff\xfe\xfd",
        b"[1, 2]",
        b'{"epoch": 1}',
        b'{"time": 1, "epoch": 1, "metrics": 5, "params": {}, "tags": {}}',
        b'{"time": 1, "epoch": 1, "metrics": {"loss": "low"}, "params": {}, "tags": {}}',
    ],
)
def test_a_broken_line_is_left_out_and_told_and_no_epoch_moves_into_its_place(
    tmp_path, caplog, line
):
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.write({"loss": 3.0}, epoch=0)
    with path.open("ab") as file:
        file.write(line + b"\n")
    with Journal(path) as journal:
        journal.write({"loss": 1.0}, epoch=2)
    with caplog.at_level(logging.WARNING):
        part = read_journal(path)
    assert (part.broken, part.offset) == (1, path.stat().st_size)
    assert [entry.epoch for entry in part.entries] == [0, 2]
    assert "broken" in caplog.text
    assert journal_history(part.entries) == {"loss": [3.0, None, 1.0]}


FULL_DISK = """
import resource, sys
from pathlib import Path
from experiments.core.journal import Journal
path = Path(sys.argv[1])
with Journal(path) as journal:
    journal.write({"loss": 3.0}, epoch=0)
    whole = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 20, resource.RLIM_INFINITY))
    try:
        journal.write({"loss": 2.0}, epoch=1)
    except OSError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    journal.write({"loss": 1.0}, epoch=2)
"""


def test_an_epoch_that_finds_no_room_is_an_error_and_leaves_no_half_line(tmp_path):
    path = tmp_path / "journal.jsonl"
    said = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "File too large" in said
    assert str(path) in said
    part = read_journal(path)
    assert ([entry.epoch for entry in part.entries], part.broken) == ([0, 2], 0)
