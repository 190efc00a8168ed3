"""HDF5 files from strangers: no other file opened, no plugin loaded."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from experiments.core.errors import DatasetError
from experiments.data.reading.arrays import hdf5_files
from experiments.data.reading.arrays.hdf5_files import HDF5
from experiments.data.reading.reader import ReadOptions

WANTED = ReadOptions()
ROWS = np.random.default_rng(0).normal(size=(60, 4))
LABELS = np.arange(60) % 3


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.h5"


@pytest.fixture
def file(path):
    """A file with samples and targets, to add to; closed by ``look`` and ``plan`` below."""
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = ROWS, LABELS
        yield file


def look(file):
    path, _ = Path(file.filename), file.close()
    return {one.path: (one.shape, one.dtype) for one in HDF5.look(path, WANTED).arrays}


def plan(file, **wanted):
    path, _ = Path(file.filename), file.close()
    wanted = ReadOptions(**wanted)
    return HDF5.plan(path, HDF5.look(path, wanted), wanted)


def refusal(file, **wanted):
    with pytest.raises(DatasetError) as error:
        plan(file, **wanted)
    assert "data.h5" in str(error.value)
    return str(error.value)


def samples(path):
    found = HDF5.look(path, WANTED)
    blocks = list(HDF5.blocks(path, found, HDF5.plan(path, found, WANTED), WANTED))
    return np.concatenate([block.x for block in blocks])


def test_datasets_in_groups_are_listed_by_path(file):
    file["a/b/images"] = np.zeros((3, 4, 4), "uint8")
    file["a/single"] = 1.5
    assert look(file) == {
        "x": ((60, 4), "float64"), "y": ((60,), "int64"),
        "a/b/images": ((3, 4, 4), "uint8"), "a/single": ((), "float64"),
    }  # fmt: skip


def test_the_target_is_taken_from_the_group_of_the_samples(path):
    with h5py.File(path, "w") as file:
        for group, length in (("old", 10), ("new", 40)):
            file[f"{group}/x"], file[f"{group}/y"] = ROWS[:length], LABELS[:length]
    assert "not clear" in refusal(file_of(path))
    found = plan(file_of(path), features=("new/x",))
    assert (found.target, found.samples) == ("new/y", 40)
    assert plan(file_of(path), features=("/old/x",), target="/old/y").samples == 10


def file_of(path):
    return h5py.File(path, "r")


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (7, 3, 5)}, {"chunks": (7, 3, 5), "compression": "gzip"},
        {"chunks": (500, 20, 20), "compression": "lzf"}, {"compression": "gzip", "shuffle": True},
        {"chunks": (90, 20, 20), "fletcher32": True}, {"maxshape": (None, 20, 20)},
    ],
)  # fmt: skip
def test_chunked_datasets_are_read_in_file_order(path, options):
    images = np.random.default_rng(1).normal(size=(9_000, 20, 20)).astype("float32")
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=images, **options)
        file["y"] = np.arange(9_000) % 2
    np.testing.assert_array_equal(samples(path)[..., 0], images)


def test_external_links_are_listed_and_never_followed(file, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as other:
        other["x"] = ROWS
    file["outside"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")
    file["model_weights"] = h5py.ExternalLink("missing.h5", "/")
    path = Path(file.filename)
    assert look(file)["outside"] == ((), "link")
    assert plan(file_of(path)).samples == 60
    assert "external link to '" in refusal(file_of(path), features=("outside",))


def test_a_named_external_link_is_refused_and_no_other_array_taken(path):
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("other.h5", "/x")
        file["y"], file["z"] = LABELS, ROWS
    assert "external link to 'other.h5'" in refusal(file_of(path))


def test_a_group_that_holds_itself_ends(file):
    file["group/inner/back"] = file["/"]
    file["group/again"] = file["group"]
    file["alias"] = file["x"]
    assert len(look(file)) == 2


@pytest.mark.parametrize("name", [b"\xff\xfe", b"line\nbreak"])
def test_names_that_are_no_text_are_refused(file, name):
    file.id.links.create_hard(name, file.id, b"x")
    assert "is not text. Rename it." in refusal(file)


def test_too_many_objects_are_refused(file):
    for number in range(5000):
        file.create_group(f"groups/{number}")
    assert "more than 5,000" in refusal(file)


def test_a_dataset_stored_in_another_file_is_refused_when_chosen(file, tmp_path):
    (tmp_path / "raw").write_bytes(ROWS.tobytes())
    file.create_dataset("raw", (60, 4), "f8", external=[(str(tmp_path / "raw"), 0, 1920)])
    path = Path(file.filename)
    assert plan(file).samples == 60
    message = refusal(file_of(path), features=("raw",))
    assert "in another file" in message
    assert str(tmp_path / "raw") in message


def test_a_virtual_dataset_is_refused_when_chosen(file, tmp_path):
    layout = h5py.VirtualLayout((60, 4), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (60, 4))
    file.create_virtual_dataset("virtual", layout)
    assert "is virtual" in refusal(file, features=("virtual",))


def test_labels_as_h5py_writes_texts_are_read(path):
    labels = [["größer", "less", "much less than that"][n % 3] for n in range(60)]
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = ROWS, labels
    found = HDF5.look(path, WANTED)
    planned = HDF5.plan(path, found, WANTED)
    assert planned.class_names == ("größer", "less", "much less than that")
    (block,) = HDF5.blocks(path, found, planned, WANTED)
    assert [planned.class_names[number] for number in block.y] == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 5000, "has a text of 5,000 bytes"),
        ("", "is ''"),
        (b"\xff\xfe", "is not valid UTF-8 text"),
    ],
)
def test_texts_that_are_too_long_or_none_are_refused_with_the_row(file, text, message):
    labels = file.create_dataset("labels", (60,), h5py.string_dtype())
    labels[:] = ["a", "b"] * 30
    labels[7] = text
    assert f"labels[7] (row 8, from 1) {message}" in refusal(file, target="labels")


@pytest.mark.parametrize(
    ("dtype", "value", "what"),
    [
        (h5py.vlen_dtype("i4"), [1, 2], "variable length"),
        (h5py.ref_dtype, None, "references"),
        ([("height", "f8")], 0, "height"),
        ("c16", 1j, "complex"),
        (np.dtype("V5"), np.void(b"12345"), "V5"),
    ],
)
def test_other_types_are_listed_and_refused_when_chosen(file, dtype, value, what):
    odd = file.create_dataset("odd", (60,), dtype)
    odd[0] = file["x"].ref if value is None else value
    path = Path(file.filename)
    assert plan(file).samples == 60
    assert what in refusal(file_of(path), target="odd")


def test_a_dataset_without_a_space_is_refused_when_chosen(file):
    file["nothing"] = h5py.Empty("f8")
    assert "is empty" in refusal(file, target="nothing")


@pytest.mark.parametrize("chunks", [None, (1, 1_000_000)])
def test_terabytes_declared_and_never_written_are_refused_with_both_numbers(path, chunks):
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (1_000_000, 1_000_000), "f8", chunks=chunks)
        if chunks:
            x[0, :4] = 1
        file["y"] = LABELS
    message = refusal(file_of(path))
    assert "declares 8.0 TB" in message
    assert ("stores 8.0 MB" if chunks else "stores 0 bytes") in message


def test_many_large_datasets_are_refused_by_their_sum(path, monkeypatch):
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = ROWS, LABELS
    monkeypatch.setattr("experiments.data.reading.arrays.array_source.MOST_BYTES", 2000)
    assert "2.4 KB together. Allowed: 2.0 KB" in refusal(file_of(path))


def test_a_filter_that_needs_a_plugin_is_refused_by_name_when_chosen(file):
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((10, 4))
    settings.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1, 2))
    space = h5py.h5s.create_simple((60, 4))
    h5py.h5d.create(file.id, b"packed", h5py.h5t.NATIVE_DOUBLE, space, settings)
    path = Path(file.filename)
    assert plan(file).samples == 60
    assert "filter blosc (32001)" in refusal(file_of(path), features=("packed",))


def test_values_packed_twice_are_refused(file):
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((10, 4))
    settings.set_deflate(9)
    settings.set_deflate(9)
    space = h5py.h5s.create_simple((60, 4))
    h5py.h5d.create(file.id, b"packed", h5py.h5t.NATIVE_DOUBLE, space, settings)
    assert "compressed more than once" in refusal(file, features=("packed",))


def test_chunks_too_large_to_be_unpacked_are_refused_with_better_ones(file, monkeypatch):
    file.create_dataset("wide", data=np.ones((60, 30, 30)), chunks=(30, 5, 5), compression=1)
    monkeypatch.setattr(hdf5_files, "_LARGEST_CHUNKS", 200_000)
    message = refusal(file, features=("wide",))
    assert "chunks of 30 rows" in message
    assert "216.0 KB. Allowed: 200.0 KB" in message
    assert "chunks=(1111, 30, 30)" in message


@pytest.mark.parametrize(
    "mark",
    [
        lambda file: file.attrs.__setitem__("model_config", "{}"),
        lambda file: file.attrs.__setitem__("layer_names", [b"dense"]),
        lambda file: file.create_group("model_weights").attrs.__setitem__("layer_names", [b"a"]),
        lambda file: file.__setitem__("layers/dense/vars/0", np.zeros(3)),
    ],
)
def test_a_model_is_sent_to_the_models_page(file, mark):
    mark(file)
    assert "is not a dataset but a model: open it on the Models page" in refusal(file)


def test_a_file_without_datasets_is_refused(path):
    h5py.File(path, "w").close()
    assert "no dataset" in refusal(file_of(path))


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_refused(file, path, keep):
    file.close()
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(len(content) * keep)])
    with pytest.raises(DatasetError, match="cut off or damaged"):
        HDF5.look(path, WANTED)


def test_damaged_chunks_are_found_with_their_rows(path):
    rows = np.random.default_rng(0).normal(size=(30_000, 100))
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", data=rows, chunks=(1000, 100), compression="gzip")
        file["y"] = np.arange(30_000) % 2
        at = x.id.get_chunk_info(25).byte_offset
    content = bytearray(path.read_bytes())
    content[at + 1000 : at + 1100] = bytes(100)
    path.write_bytes(content)
    message = refusal(file_of(path))
    assert "x, in the rows 20,001 to 30,000" in message


def test_every_broken_byte_of_the_tree_is_refused_or_read_as_it_was(file, path):
    file.close()
    whole = path.read_bytes()
    for at in range(0, 2048, 3):
        content = bytearray(whole)
        content[at] ^= 0x55
        path.write_bytes(content)
        try:
            types = {one.path: one.dtype for one in HDF5.look(path, WANTED).arrays}
            read = samples(path)
        except DatasetError:
            continue
        # no checksum guards the byte that says what a number of the file means
        assert np.array_equal(read, ROWS.astype("float32")) or types["x"] != "float64", at
        assert read.shape == ROWS.shape
