"""Arrays in .npy files of their own: a folder of them, or one and those that are named."""

import os

import numpy as np
import pytest

from experiments.core.errors import DatasetError
from experiments.data.reading.arrays import npy_source
from experiments.data.reading.kinds import reader_of
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into

ROWS = np.random.default_rng(0).normal(size=(60, 4))
LABELS = np.arange(60) % 3


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "measured"
    folder.mkdir()
    np.save(folder / "x.npy", ROWS)
    np.save(folder / "y.npy", LABELS)
    return folder


def refusal(path, kind=None, **wanted):
    with pytest.raises(DatasetError) as error:
        look_into(path, ReadOptions(**wanted), kind)
    return str(error.value)


def read(path, **wanted):
    found, plan = look_into(path, ReadOptions(**wanted))
    blocks = list(reader_of(path).blocks(path, found, plan, ReadOptions(**wanted)))
    return plan, np.concatenate([b.x for b in blocks]), np.concatenate([b.y for b in blocks])


def test_a_folder_of_npy_files_is_one_dataset(folder):
    (folder / "notes.txt").write_text("what was measured")
    plan, x, y = read(folder)
    np.testing.assert_array_equal(x, ROWS.astype("float32"))
    np.testing.assert_array_equal(y, LABELS)
    assert plan.target == "y"


@pytest.mark.parametrize("target", ["y", "y.npy"])
def test_a_file_goes_with_the_one_beside_it_that_is_named_as_target(folder, target):
    np.save(folder / "other.npy", np.zeros(3))
    plan, x, _ = read(folder / "x.npy", target=target)
    np.testing.assert_array_equal(x, ROWS.astype("float32"))
    assert not any("other" in note for note in plan.notes)


def test_groups_and_times_are_files_beside_it_as_well(folder):
    np.save(folder / "patient.npy", np.arange(60) // 6)
    plan, *_ = read(folder / "x.npy", target="y.npy", group="patient.npy")
    assert plan.group == "patient"


def test_a_lone_file_is_refused_with_what_to_do(folder):
    (folder / "y.npy").unlink()
    message = refusal(folder / "x.npy")
    assert "x (60, 4) float64" in message
    assert "--target y.npy" in message
    assert "one array, x (60, 4) float64" in refusal(folder)
    assert "No such file: y.npy." in refusal(folder / "x.npy", target="y.npy")


def test_a_folder_of_images_beside_a_npy_can_be_read_as_such(folder):
    assert "class" in refusal(folder, "images")
    assert "Allowed for a folder: npy and images" in refusal(folder, "csv")


def test_fields_and_pickled_objects_are_refused(folder):
    np.save(folder / "x.npy", np.zeros(60, [("height", "f8")]))
    assert "height" in refusal(folder)
    np.save(folder / "x.npy", np.array([{}]), allow_pickle=True)
    assert "measured/x.npy holds Python objects" in refusal(folder)


def test_files_that_are_cut_off_or_no_arrays_are_refused(folder):
    whole = (folder / "x.npy").read_bytes()
    (folder / "x.npy").write_bytes(whole[:-1])
    assert "measured/x.npy has 2,047 bytes, and its header declares 2,048" in refusal(folder)
    (folder / "x.npy").write_bytes(b"PK\3\4")
    assert "measured/x.npy has no header" in refusal(folder)


def test_a_file_that_shrinks_while_it_is_read_is_refused_with_the_rows(folder):
    np.save(folder / "x.npy", np.zeros((30_000, 100)))
    np.save(folder / "y.npy", np.arange(30_000) % 2)
    found, plan = look_into(folder, ReadOptions())
    blocks = reader_of(folder).blocks(folder, found, plan, ReadOptions())
    next(blocks)
    os.truncate(folder / "x.npy", 15_000_000)
    with pytest.raises(DatasetError, match=r"x\.npy, in the rows .*damaged"):
        list(blocks)


def test_links_are_refused(folder, tmp_path):
    (folder / "y.npy").rename(tmp_path / "y.npy")
    (folder / "y.npy").symlink_to(tmp_path / "y.npy")
    assert "measured/y.npy is a link" in refusal(folder)
    assert "y.npy is a link" in refusal(folder / "x.npy", target="y.npy")


def test_arrays_in_fortran_order_above_the_limit_are_refused(folder, monkeypatch):
    np.save(folder / "x.npy", np.asfortranarray(ROWS))
    np.testing.assert_array_equal(read(folder)[1], ROWS.astype("float32"))
    monkeypatch.setattr(npy_source, "_MOST_LOADED", 1000)
    assert "np.ascontiguousarray" in refusal(folder)
