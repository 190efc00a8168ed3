"""Files that are whole or not there, and what killed processes leave behind."""

import os
import subprocess
import sys
import time

import pytest

from experiments.core.atomic_files import (
    UNFINISHED,
    is_unfinished,
    replacing,
    unfinished_folder,
    unfinished_in,
)
from experiments.core.settings import ROOT
from tests.support.waiting import wait_for

WRITE_FOR_EVER = """
import sys, time
from pathlib import Path
from experiments.core.atomic_files import {how}
with {how}(Path(sys.argv[1])) as unfinished:
    (unfinished / "half" if unfinished.is_dir() else unfinished).write_text("half")
    time.sleep(600)
"""


def kill_while_writing(how, path, folder):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER.format(how=how), str(path)], cwd=ROOT
    )
    wait_for(lambda: [one for one in folder.rglob("*") if one.is_file() and is_begun(one)], 30)
    process.kill()
    process.wait()
    return left_in(folder)


def is_begun(path):
    return UNFINISHED in str(path) and path.read_text() == "half"


def left_in(folder):
    return [path for path in folder.iterdir() if is_unfinished(path)]


def test_a_file_is_replaced_when_it_is_whole(tmp_path):
    path = tmp_path / "model.h5"
    path.write_text("old")
    with replacing(path, ".weights.h5") as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old" and unfinished.name.endswith(".weights.h5")
        assert is_unfinished(unfinished) and unfinished.parent == tmp_path
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_old_file_stays(tmp_path):
    path = tmp_path / "model.h5"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), replacing(path) as unfinished:
        unfinished.write_text("half")
        raise OSError("The disk is full.")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_goes_when_its_folder_is_next_written_to(tmp_path):
    path = tmp_path / "notes.json"
    path.write_text("old")
    assert len(kill_while_writing("replacing", path, tmp_path)) == 1
    assert path.read_text() == "old"
    with replacing(path) as unfinished:
        assert left_in(tmp_path) == []
        unfinished.write_text("new")
    assert list(tmp_path.iterdir()) == [path]


def test_so_does_a_folder(tmp_path):
    assert len(kill_while_writing("unfinished_folder", tmp_path, tmp_path)) == 1
    with unfinished_folder(tmp_path) as folder:
        assert left_in(tmp_path) == [folder]
        folder.rename(tmp_path / "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_what_is_being_written_stays(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER.format(how="replacing"), str(tmp_path / "a")],
        cwd=ROOT,
    )
    try:
        (theirs,) = wait_for(lambda: left_in(tmp_path), 30)
        with replacing(tmp_path / "b") as ours:
            ours.write_text("new")
            assert set(left_in(tmp_path)) == {theirs, ours}
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("age", "stays"), [(3600, True), (100_000, False)])
def test_what_another_machine_writes_stays_for_a_day(tmp_path, age, stays):
    theirs = tmp_path / "unfinished.00000000.1.0"
    theirs.touch()
    os.utime(theirs, (time.time() - age,) * 2)
    unfinished_in(tmp_path)
    assert theirs.exists() == stays


@pytest.mark.parametrize("name", ["unfinished.txt", "unfinished.1.draft", "an unfinished.h5"])
def test_what_somebody_calls_so_stays(tmp_path, name):
    own = tmp_path / name
    own.touch()
    os.utime(own, (0, 0))
    unfinished_in(tmp_path)
    assert own.exists() and not is_unfinished(own)
