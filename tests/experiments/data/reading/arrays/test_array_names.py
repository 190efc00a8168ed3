"""Files of arrays as others write them: their names, links in HDF5, MATLAB's lists."""

import h5py
import numpy as np
import pytest

from experiments.core.errors import DatasetError
from experiments.data.reading.kinds import reader_of
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 4))
LABELS = np.arange(60) % 3


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.h5"


def written(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array
    return path


def plan_of(path, **wanted):
    return look_into(path, ReadOptions(**wanted))[1]


def refusal(path, **wanted):
    with pytest.raises(DatasetError) as error:
        plan_of(path, **wanted)
    return str(error.value)


def read(path):
    found, plan = look_into(path, ReadOptions())
    blocks = list(reader_of(path).blocks(path, found, plan, ReadOptions()))
    return [np.concatenate(some) for some in zip(*(block[:2] for block in blocks), strict=True)]


# Names


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("train_set_x", "train_set_y"), ("X_train", "Y_train"), ("Xtrain", "Ytrain"),
        ("train_X", "train_Y"), ("trainX", "trainY"), ("TrainImages", "TrainLabels"),
        ("train-data", "train-labels"), ("train__X", "train__Y"), ("training_x", "training_y"),
    ],
)  # fmt: skip
def test_names_that_are_usual_are_known_with_those_of_the_test(path, x, y):
    tests = [name.replace("raining", "rain").replace("rain", "est") for name in (x, y)]
    more = {tests[0]: ROWS[:20], tests[1]: LABELS[:20], "list_classes": np.array([b"a", b"b"])}
    plan = plan_of(written(path, **{y: LABELS, x: ROWS}, **more))
    assert (plan.parts, plan.target) == ((60, 0, 20), y.replace("__", "/"))
    assert "Not used: list_classes" in " ".join(plan.notes)


@pytest.mark.parametrize("part", ["train", "test"])
def test_one_file_for_each_part_is_read_by_itself(path, part):
    images = RANDOM.integers(0, 256, (60, 6, 6, 3)).astype("uint8")
    arrays = {f"{part}_set_x": images, f"{part}_set_y": LABELS % 2}
    plan = plan_of(written(path, **arrays, list_classes=np.array([b"non-cat", b"cat"])))
    assert (plan.target, plan.shape, plan.parts) == (f"{part}_set_y", (6, 6, 3), ())


@pytest.mark.parametrize("name", ["extrain", "xtrained", "strain_x", "trainee", "x1"])
def test_words_that_only_hold_the_letters_are_no_training(path, name):
    more = {"other": ROWS[:, :2], name: ROWS}
    assert "not clear which array is the samples" in refusal(written(path, y=LABELS, **more))


# Links in HDF5


def linked(path, **links):
    with h5py.File(written(path, raw__a=ROWS, raw__b=LABELS), "a") as file:
        for name, to in links.items():
            file[name.replace("__", "/")] = to
    return path


def soft(to):
    return h5py.SoftLink(to)


def test_soft_links_inside_the_file_are_followed(path):
    linked(path, x=soft("/raw/a"), y=soft("raw/b"))
    x, y = read(path)
    np.testing.assert_array_equal(x, ROWS.astype("float32"))
    np.testing.assert_array_equal(y, LABELS)
    found, plan = look_into(path, ReadOptions())
    assert {one.path: one.shape for one in found.arrays}["x"] == (60, 4)
    assert plan.target == "y" and not any("Not used" in note for note in plan.notes)


def test_soft_links_are_followed_through_groups_and_other_links(path):
    links = {"x": soft("/way/a"), "way": soft("/raw"), "y": soft("./way/b")}
    assert plan_of(linked(path, **links)).shape == (4,)


def test_a_link_beside_what_it_leads_to_is_one_array(path):
    assert plan_of(linked(path, again=soft("/raw/a"))).target == "raw/b"
    assert plan_of(written(path, x=ROWS, y=LABELS)).shape == (4,)
    with h5py.File(path, "a") as file:
        file["group/x"] = soft("/x")
        file["other/x"] = soft("/group/x")
    plan = plan_of(path)
    assert "The samples are x (60, 4)" in plan.notes[0]
    assert "as target" in refusal(path, features=("x",), target="other/x")


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("/x", "leads in a circle"), ("/nowhere", "where nothing is"), ("/raw", "which is a group"),
        ("/raw/a/b", "where nothing is"), ("/away/x", "through an external link"),
    ],
)  # fmt: skip
def test_soft_links_that_lead_to_no_array_of_the_file_are_refused(path, tmp_path, to, said):
    written(tmp_path / "secret.h5", x=ROWS)
    linked(path, x=soft(to), away=h5py.ExternalLink(str(tmp_path / "secret.h5"), "/"))
    message = refusal(path, features=("x",), target="raw/b")
    assert said in message and f"is a soft link to '{to}'" in message


def test_many_links_to_one_array_are_not_counted_as_so_many(path, monkeypatch):
    linked(path, **{f"x{n}": soft("/raw/a") for n in range(50)})
    monkeypatch.setattr("experiments.data.reading.arrays.array_source.MOST_BYTES", 5000)
    assert plan_of(path).target == "raw/b"


# MATLAB


@pytest.mark.parametrize("dtype", ["float64", "uint8", "S1"])
def test_targets_that_lie_are_taken_as_a_list(path, dtype):
    labels = LABELS.astype(dtype)
    x, y = read(written(path, x=ROWS, y=labels.reshape(1, 60)))
    np.testing.assert_array_equal(x, ROWS.astype("float32"))
    np.testing.assert_array_equal(y, LABELS)


def test_lying_targets_are_read_in_many_blocks_and_parts(tmp_path):
    rows = RANDOM.normal(size=(30_000, 100)).astype("float32")
    y = np.arange(30_000) % 3
    given = {"x_train": rows, "y_train": y[None], "x_test": rows[:50], "y_test": y[None, :50]}
    np.savez(tmp_path / "data.npz", **given)
    np.testing.assert_array_equal(read(tmp_path / "data.npz")[1], [*y, *y[:50]])
    assert look_into(tmp_path / "data.npz", ReadOptions())[1].parts == (30_000, 0, 50)


def test_lying_groups_and_times_are_taken_too(path):
    written(path, x=ROWS, y=LABELS[None], g=LABELS[None], t=np.arange(60.0)[None])
    plan = plan_of(path, group="g", time="t")
    assert (plan.group, plan.time, plan.samples) == ("g", "t", 60)


def test_samples_that_lie_as_well_are_refused_with_the_way_to_turn_them(path):
    assert "Save x.T" in refusal(written(path, x=ROWS.T, y=LABELS[None]))
