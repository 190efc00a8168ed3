"""Arrays in NPZ and HDF5 files: which are samples and targets, and what is made of them."""

import tracemalloc

import h5py
import numpy as np
import pytest

from experiments.core.errors import DatasetError
from experiments.data.catalog import Kind, Task
from experiments.data.reading.kinds import reader_of
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 4))
LABELS = np.arange(60) % 3


@pytest.fixture(params=["npz", "npy", "hdf5"])
def save(request, tmp_path):
    def save_npz(**arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    def save_hdf5(**arrays):
        with h5py.File(tmp_path / "data.h5", "w") as file:
            for name, array in arrays.items():
                array = np.asarray(array)
                if array.dtype.kind == "U":
                    array = np.char.encode(array, "utf-8")
                file[name] = array
        return tmp_path / "data.h5"

    def save_npy(**arrays):
        (tmp_path / "data").mkdir(exist_ok=True)
        for name, array in arrays.items():
            np.save(tmp_path / "data" / name, array)
        return tmp_path / "data"

    return {"npz": save_npz, "npy": save_npy, "hdf5": save_hdf5}[request.param]


def plan_of(path, **wanted):
    return look_into(path, ReadOptions(**wanted))[1]


def read(path, **wanted):
    wanted = ReadOptions(**wanted)
    found, plan = look_into(path, wanted)
    blocks = list(reader_of(path).blocks(path, found, plan, wanted))
    x = np.concatenate([block.x for block in blocks])
    y = np.concatenate([block.y for block in blocks])
    assert x.shape == (plan.samples, *plan.shape)
    assert x.dtype == plan.dtype
    assert y.shape == (plan.samples,)
    assert y.dtype == (np.float64 if plan.task is Task.REGRESSION else np.int64)
    return plan, x, y


def refusal(path, **wanted):
    with pytest.raises(DatasetError) as error:
        plan_of(path, **wanted)
    assert path.name in str(error.value)
    return str(error.value)


# Which array is which


def test_look_lists_all_arrays_with_shape_and_type(save):
    found, _ = look_into(save(x=ROWS, y=LABELS), ReadOptions())
    assert [(one.path, one.shape, one.dtype) for one in found.arrays] == [
        ("x", (60, 4), "float64"), ("y", (60,), "int64"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("x", "y"),
    [("X", "Y"), ("data", "target"), ("images", "labels"), ("x_train", "y_train")],
)
def test_samples_and_target_are_known_by_name(save, x, y):
    plan = plan_of(save(**{y: LABELS, x: ROWS, "weights": np.ones(60)}))
    assert plan.target == y
    assert plan.shape == (4,)
    assert any("Not used: weights" in note for note in plan.notes)


def test_of_two_unnamed_arrays_the_wider_is_the_samples(save):
    plan = plan_of(save(a=LABELS, b=ROWS))
    assert (plan.target, plan.shape) == ("a", (4,))


def test_the_other_of_two_arrays_is_taken_where_one_is_named(save):
    assert plan_of(save(species=LABELS, x=ROWS)).target == "species"
    assert plan_of(save(y=LABELS, measured=ROWS)).shape == (4,)


def test_arrays_that_are_not_clear_are_listed(save):
    message = refusal(save(a=LABELS, b=ROWS, c=ROWS[:, :2]))
    assert "a (60,) int64, b (60, 4) float64, c (60, 2) float64" in message
    assert "Choose the array" in message


def test_two_arrays_of_equal_width_are_not_clear(save):
    assert "not clear" in refusal(save(a=LABELS, b=LABELS))


def test_the_choice_of_the_user_overrides_names(save):
    path = save(x=ROWS, y=LABELS, other=ROWS[:, :2], answer=np.arange(60) % 2)
    plan = plan_of(path, features=("other",), target="answer")
    assert (plan.shape, plan.target, plan.class_names) == ((2,), "answer", ("0", "1"))


def test_an_unknown_choice_is_refused_with_the_nearest_name(save):
    path = save(x=ROWS, label=LABELS)
    assert "Did you mean 'label'" in refusal(path, target="lable")
    assert "Unknown array 'z'" in refusal(path, features=("z",))
    assert "Choose one." in refusal(path, features=("x", "label"))
    assert "as samples and as target" in refusal(path, features=("label",), target="label")


def test_one_array_alone_needs_a_target(save):
    assert "Needed: a target" in refusal(save(x=ROWS))


def test_different_lengths_are_refused_with_both_numbers(save):
    message = refusal(save(x=ROWS, y=LABELS[:59]))
    assert "60 samples" in message
    assert "59 targets" in message


def test_no_samples_are_refused(save):
    assert "0 samples" in refusal(save(x=ROWS[:0], y=LABELS[:0]))


# Samples


def test_rows_become_float32_in_file_order(save):
    plan, x, y = read(save(x=ROWS, y=LABELS))
    assert (plan.kind, plan.dtype) == (Kind.TABULAR, "float32")
    np.testing.assert_array_equal(x, ROWS.astype("float32"))
    np.testing.assert_array_equal(y, LABELS)
    assert [feature.name for feature in plan.features] == ["x0", "x1", "x2", "x3"]


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">i4", "uint64", "bool", "float16", ">f8"])
def test_all_numbers_of_rows_become_float32(save, dtype):
    rows = RANDOM.integers(0, 2, (60, 4)).astype(dtype)
    _, x, _ = read(save(x=rows, y=LABELS))
    np.testing.assert_array_equal(x, rows.astype("float32"))


def test_gray_images_get_a_channel_and_stay_uint8(save):
    images = RANDOM.integers(0, 256, (60, 6, 5), dtype=np.uint8)
    plan, x, _ = read(save(x=images, y=LABELS))
    assert (plan.kind, plan.shape, plan.dtype, plan.features) == (
        Kind.IMAGE, (6, 5, 1), "uint8", (),
    )  # fmt: skip
    np.testing.assert_array_equal(x[..., 0], images)


def test_float_images_become_float32_and_their_range_is_told(save):
    images = np.linspace(0, 1, 60 * 6 * 5 * 3).reshape(60, 6, 5, 3)
    plan, x, _ = read(save(x=images, y=LABELS))
    assert (plan.shape, plan.dtype) == ((6, 5, 3), "float32")
    assert any("float64 from 0 to 1" in note for note in plan.notes)
    np.testing.assert_array_equal(x, images.astype("float32"))


def test_many_blocks_give_the_same_samples_as_one_read(save):
    images = RANDOM.integers(0, 256, (700, 100, 100, 3), dtype=np.uint8)
    path = save(x=images, y=np.arange(700) % 2)
    wanted = ReadOptions()
    found, plan = look_into(path, wanted)
    sizes = []
    at = 0
    for block in reader_of(path).blocks(path, found, plan, wanted):
        np.testing.assert_array_equal(block.x, images[at : at + len(block.x)])
        np.testing.assert_array_equal(block.y, np.arange(at, at + len(block.x)) % 2)
        sizes.append(block.x.nbytes)
        at += len(block.x)
    assert at == 700
    assert len(sizes) > 2
    assert max(sizes) <= 8_000_000


def test_memory_stays_bounded_however_large_the_file_is(save):
    path = save(x=np.ones((20_000, 64, 64), np.uint8), y=np.arange(20_000) % 2)
    tracemalloc.start()
    try:
        found, plan = look_into(path, ReadOptions())
        for block in reader_of(path).blocks(path, found, plan, ReadOptions()):
            del block
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30_000_000


def test_channels_first_is_refused_with_the_way_to_transpose(save):
    message = refusal(save(x=np.zeros((60, 3, 8, 8)), y=LABELS))
    assert "np.transpose(x, (0, 2, 3, 1))" in message


@pytest.mark.parametrize("shape", [(60,), (60, 8, 8, 2), (60, 2, 2, 2, 2), (60, 0)])
def test_other_shapes_are_refused(save, shape):
    assert "Needed: " in refusal(save(x=np.zeros(shape), y=LABELS))


def test_too_many_features_are_refused(save):
    assert "at most 10,000 features" in refusal(save(x=np.zeros((60, 10_001), "u1"), y=LABELS))


def test_complex_samples_and_texts_are_refused(save):
    assert "complex" in refusal(save(x=ROWS + 1j, y=LABELS))
    assert "an array of numbers" in refusal(save(x=np.full((60, 2), "a"), y=LABELS))


def test_nan_in_rows_is_kept_and_told(save):
    rows = ROWS.copy()
    rows[[3, 7], 1] = np.nan
    plan, x, _ = read(save(x=rows, y=LABELS))
    assert np.isnan(x[[3, 7], 1]).all()
    assert any("2 values are missing" in note and "x1" in note for note in plan.notes)


def test_rows_with_nan_are_left_out_where_wanted(save):
    rows = ROWS.copy()
    rows[[3, 7], 1] = np.nan
    targets = LABELS.astype(float)
    targets[3] = np.nan  # goes with its row
    plan, x, y = read(save(x=rows, y=targets), drop_missing=True)
    assert plan.samples == 58
    np.testing.assert_array_equal(x, np.delete(rows, [3, 7], 0).astype("float32"))
    np.testing.assert_array_equal(y, np.delete(LABELS, [3, 7]))
    assert any("Left out: 2 rows" in note for note in plan.notes)


def test_rows_that_all_miss_a_value_cannot_all_be_left_out(save):
    rows = ROWS.copy()
    rows[:, 2] = np.nan
    path = save(x=rows, y=LABELS)
    assert "column 2" in refusal(path)
    assert "0 of 60 rows are left" in refusal(path, drop_missing=True)


def test_infinite_features_are_refused_with_their_place(save):
    rows = ROWS.copy()
    rows[41, 2] = -np.inf
    message = refusal(save(x=rows, y=LABELS))
    assert "x[41, 2] (row 42, from 1) is -inf" in message


def test_numbers_beyond_float32_are_refused_with_their_place(save):
    rows = ROWS.copy()
    rows[5, 0] = 1e39
    assert "x[5, 0] (row 6, from 1) is 1e+39" in refusal(save(x=rows, y=LABELS))


def test_nan_in_images_is_refused_with_its_place(save):
    images = np.zeros((60, 4, 4))
    images[9, 1, 2] = np.nan
    assert "x[9, 1, 2] (row 10, from 1) is nan" in refusal(save(x=images, y=LABELS))


def test_a_bad_number_in_a_later_block_has_its_row_in_the_file(save):
    rows = np.zeros((30_000, 100), np.float32)
    rows[29_000, 99] = np.inf
    assert "x[29000, 99] (row 29,001" in refusal(save(x=rows, y=np.arange(30_000) % 2))


def test_images_cannot_be_brought_to_another_size(save):
    path = save(x=np.zeros((60, 4, 4), "uint8"), y=LABELS)
    assert plan_of(path, size=(4, 4)).shape == (4, 4, 1)
    assert "size (8, 8) was asked for" in refusal(path, size=(8, 8))


@pytest.mark.parametrize("length", [4, 3])
def test_feature_names_in_the_file_name_the_features(save, length):
    names = np.array(["height", "wïdth", "depth", "age"])
    plan = plan_of(save(x=ROWS, y=LABELS, feature_names=names[:length]))
    if length == 4:
        assert [feature.name for feature in plan.features] == list(names)
    else:
        assert plan.features[0].name == "x0"
        assert any("feature_names is not used" in note for note in plan.notes)


def test_feature_names_that_are_twice_there_are_not_used(save):
    plan = plan_of(save(x=ROWS, y=LABELS, feature_names=np.array(["a", "a", "b", "c"])))
    assert plan.features[0].name == "x0"


# Targets


def classes_of(save, y, **wanted):
    plan, _, numbers = read(save(x=np.zeros((len(y), 2)), y=y), **wanted)
    return plan.task, plan.class_names, numbers


def test_whole_numbers_are_classes_sorted_by_size(save):
    task, names, numbers = classes_of(save, np.array([10, 9, -1, 9, 10, -1]))
    assert (task, names) == (Task.MULTICLASS, ("-1", "9", "10"))
    assert numbers.tolist() == [2, 1, 0, 1, 2, 0]


@pytest.mark.parametrize("dtype", ["bool", "uint8", ">i8", "float32", "uint64"])
def test_two_values_are_a_binary_task(save, dtype):
    task, names, numbers = classes_of(save, np.array([0, 1, 1, 0]).astype(dtype))
    assert task is Task.BINARY
    assert names == (("False", "True") if dtype == "bool" else ("0", "1"))
    assert numbers.tolist() == [0, 1, 1, 0]


def test_texts_are_classes_sorted_as_text(save):
    task, names, numbers = classes_of(save, np.array(["dog", "äffin", "cat", "dog"]))
    assert (task, names) == (Task.MULTICLASS, ("cat", "dog", "äffin"))
    assert numbers.tolist() == [1, 2, 0, 1]


def test_a_column_of_targets_is_taken_as_a_list(save):
    task, _, numbers = classes_of(save, np.array([[0], [1], [1]]))
    assert task is Task.BINARY
    assert numbers.tolist() == [0, 1, 1]


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_one_hot_rows_are_classes_and_those_without_samples_are_left_out(save, dtype):
    task, names, numbers = classes_of(save, np.eye(5)[[4, 0, 2, 0]].astype(dtype))
    assert (task, names) == (Task.MULTICLASS, ("0", "2", "4"))
    assert numbers.tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize("row", [[1, 1, 0], [0, 0, 0], [0.5, 0.5, 0], [np.nan, 1, 0]])
def test_rows_that_are_not_one_hot_are_refused_with_the_row(save, row):
    y = np.eye(3)[[0, 1, 2, 1]]
    y[2] = row
    assert "y[2] (row 3, from 1)" in refusal(save(x=np.zeros((4, 2)), y=y))


def test_fractions_are_a_regression(save):
    y = RANDOM.normal(size=40)
    task, names, numbers = classes_of(save, y)
    assert (task, names) == (Task.REGRESSION, ())
    np.testing.assert_array_equal(numbers, y)


def test_more_whole_values_than_are_kept_are_a_regression(save):
    assert classes_of(save, np.arange(2000) % 1000)[0] is Task.MULTICLASS
    assert classes_of(save, np.arange(2002) % 1001)[0] is Task.REGRESSION


def test_the_wanted_task_is_taken_where_it_is_possible(save):
    assert classes_of(save, np.array([1, 2, 3, 1]), task=Task.REGRESSION)[0] is Task.REGRESSION
    task, names, _ = classes_of(save, np.arange(100) * 7, task=Task.MULTICLASS)
    assert (task, len(names)) == (Task.MULTICLASS, 100)
    assert classes_of(save, np.array([1, 2]), task=Task.MULTICLASS)[1] == ("1", "2")


@pytest.mark.parametrize(
    ("y", "task", "what"),
    [
        (np.array(["a", "b", "a"]), Task.REGRESSION, "texts"),
        (np.eye(3), Task.REGRESSION, "one-hot"),
        (np.array([0, 1, 2]), Task.BINARY, "3 classes"),
        (np.array([0.5, 1, 2]), Task.MULTICLASS, "fractions"),
        (np.arange(1001), Task.MULTICLASS, "over 1,000"),
    ],
)
def test_a_task_that_the_target_cannot_have_is_refused(save, y, task, what):
    assert what in refusal(save(x=np.zeros((len(y), 2)), y=y), task=task)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_targets_that_are_no_number_are_refused_with_the_row(save, value):
    y = LABELS.astype(float)
    y[17] = value
    assert "y[17] (row 18, from 1)" in refusal(save(x=ROWS, y=y))


@pytest.mark.parametrize("y", [np.zeros(60), np.full(60, "a"), np.eye(3)[np.zeros(60, int)]])
def test_a_target_with_one_value_is_refused(save, y):
    assert "one value in all 60 rows" in refusal(save(x=ROWS, y=y))


def test_an_empty_text_as_target_is_refused_with_the_row(save):
    y = np.array(["a", "b"] * 30)
    y[30] = ""
    assert "y[30] (row 31, from 1) is ''" in refusal(save(x=ROWS, y=y))


def test_bytes_that_are_no_utf8_are_refused_with_the_row(save):
    y = np.array([b"a", b"b"] * 30)
    y[33] = b"\xff"
    assert "y[33] (row 34, from 1) is not valid UTF-8 text" in refusal(save(x=ROWS, y=y))


def test_too_many_different_texts_are_refused(save):
    y = np.arange(1001).astype(str)
    assert "over 1,000 different texts" in refusal(save(x=np.zeros((1001, 1)), y=y))


@pytest.mark.parametrize("shape", [(60, 2, 2), (60, 1001)])
def test_targets_of_other_shapes_are_refused(save, shape):
    assert "one target for each sample" in refusal(save(x=ROWS, y=np.zeros(shape, "u1")))
