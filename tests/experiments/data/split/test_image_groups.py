"""Images that belong together, by what their names have in common."""

import numpy as np
import pytest
from PIL import Image

from experiments.core.errors import DatasetError
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into, store_file
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import split_dataset


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("experiments.core.settings._in_use", None)
    return tmp_path


def of_patients(home, form="{patient}_{scan}.png", parts=("",)):
    """Four scans of each of six patients, three of them in each class."""
    for part in parts:
        for patient in range(6):
            for scan in range(4):
                name = form.format(patient=f"P{patient}", scan=scan)
                path = home / "scans" / part / ("ill" if patient < 3 else "well") / name
                path.parent.mkdir(parents=True, exist_ok=True)
                random = np.random.default_rng([patient, scan, len(part)])
                Image.fromarray(random.integers(0, 256, (8, 8), np.uint8)).save(path)
    return home / "scans"


def stored(path, pattern):
    info = store_file(path, "scans", ReadOptions(group=pattern))
    return load_dataset(DatasetSpec(name=info.name), 1)


@pytest.mark.parametrize(
    ("form", "pattern", "order"),
    [("{patient}_{scan}.png", "^[^_]+", np.repeat(np.arange(6), 4)),
     ("{patient}/{scan}.png", "^[^/]+/", np.repeat(np.arange(6), 4)),
     ("scan{scan} of {patient}.png", r"(P\d+)",
      np.concatenate([np.tile([0, 1, 2], 4), np.tile([3, 4, 5], 4)]))],
)  # fmt: skip
def test_images_are_of_one_group_by_their_names(home, form, pattern, order):
    path = of_patients(home, form)
    _, plan = look_into(path, ReadOptions(group=pattern))
    assert plan.group == pattern and "6 groups" in " ".join(plan.notes)
    dataset = stored(path, pattern)
    assert dataset.info.group == pattern
    assert len(set(dataset.groups)) == 6
    assert all(len(set(dataset.groups[order == patient])) == 1 for patient in range(6))


def test_no_patient_trains_and_validates(home):
    dataset = stored(of_patients(home), "^[^_]+")
    split = split_dataset(dataset, SplitSpec(method="group", validation_split=0.34), 1)
    assert len(split.validation) == 8
    assert not np.isin(dataset.groups[split.validation], dataset.groups[split.train]).any()


def test_groups_and_parts_go_together(home):
    dataset = stored(of_patients(home, parts=("train", "test")), "^[^_]+")
    assert dataset.info.parts == (24, 0, 24)
    assert set(dataset.groups[:24]) == set(dataset.groups[24:])


def test_folders_inside_class_folders_are_refused_without_a_group(home):
    with pytest.raises(DatasetError, match="in a folder inside a class folder"):
        look_into(of_patients(home, "{patient}/{scan}.png"), ReadOptions())


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("(", r"received '\(' as the group, which is not a valid pattern"),
     ("^X", r"'\^X' finds no group in the name of P0_0\.png"),
     ("[.]png$", "finds the same group in all 24 names of images"),
     (".+", "finds another group in each of the 24 names of images")],
)  # fmt: skip
def test_a_pattern_that_makes_no_groups_is_refused(home, pattern, said):
    with pytest.raises(DatasetError, match=said):
        look_into(of_patients(home), ReadOptions(group=pattern))
