"""NumPy's files from strangers: nothing unpickled, nothing declared is believed."""

import io
import struct
import zipfile

import numpy as np
import pytest

from experiments.core.errors import DatasetError
from experiments.data.reading.arrays import npy_source
from experiments.data.reading.arrays.npz_files import NPZ
from experiments.data.reading.reader import ReadOptions

WANTED = ReadOptions()
ROWS = np.random.default_rng(0).normal(size=(60, 4))
LABELS = np.arange(60) % 3


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.npz"


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), **options)
    return stream.getvalue()


def header(text, version=(1, 0)):
    """The beginning of a .npy with this text as header."""
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return np.lib.format.magic(*version) + length + text.encode()


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)


def refusal(path, step="look"):
    with pytest.raises(DatasetError) as error:
        NPZ.look(path, WANTED) if step == "look" else plan(path)
    assert path.name in str(error.value)
    return str(error.value)


def plan(path):
    return NPZ.plan(path, NPZ.look(path, WANTED), WANTED)


def samples(path):
    found = NPZ.look(path, WANTED)
    blocks = list(NPZ.blocks(path, found, plan(path), WANTED))
    return np.concatenate([block.x for block in blocks])


def test_compressed_archives_are_read_as_plain_ones(path):
    np.savez_compressed(path, x=ROWS, y=LABELS)
    np.testing.assert_array_equal(samples(path), ROWS.astype("float32"))


def test_arrays_in_fortran_order_are_read(path):
    rows = np.random.default_rng(1).normal(size=(30_000, 100))
    np.savez(path, x=np.asfortranarray(rows), y=np.arange(30_000) % 2)
    np.testing.assert_array_equal(samples(path), rows.astype("float32"))


def test_arrays_in_fortran_order_above_a_gigabyte_are_refused_when_chosen(path, monkeypatch):
    np.savez(path, x=np.asfortranarray(ROWS), y=LABELS)
    monkeypatch.setattr(npy_source, "_MOST_LOADED", 1000)
    assert "np.ascontiguousarray" in refusal(path, "plan")


def test_arrays_with_the_header_of_version_2_are_read(path):
    write(path, [("x.npy", npy(ROWS, version=(2, 0))), ("y.npy", npy(LABELS))])
    np.testing.assert_array_equal(samples(path), ROWS.astype("float32"))


def test_bytes_of_booleans_beyond_one_count_as_true(path):
    true = npy(np.ones((4, 2), bool))
    values = np.array([0, 1, 2, 255] * 2, np.uint8)
    write(path, [("x.npy", true[:-8] + values.tobytes()), ("y.npy", npy([0, 1, 0, 1]))])
    np.testing.assert_array_equal(samples(path), (values != 0).reshape(4, 2))


@pytest.mark.parametrize("name", ["x", "notes"])
def test_pickled_objects_are_refused_and_never_run(path, tmp_path, name):
    class Hostile:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    arrays = {"x": ROWS, "y": LABELS, name: np.array([Hostile()], object)}
    np.savez(path, **arrays)
    message = refusal(path)
    assert f"{name}.npy" in message
    assert "dtype='float32'" in message
    assert not (tmp_path / "ran").exists()


def test_a_pickle_with_the_name_of_an_archive_is_refused(path):
    path.write_bytes(b"\x80\x04\x95")
    assert "not an NPZ file" in refusal(path)


@pytest.mark.parametrize(
    "name", ["../x.npy", "/x.npy", "a/../x.npy", "C:x.npy", "a\\x.npy", "a//x.npy"]
)
def test_members_that_lead_out_are_refused(path, name):
    write(path, [(name, npy(ROWS)), ("y.npy", npy(LABELS))])
    assert "leads out" in refusal(path)


@pytest.mark.parametrize("name", ["x.png", "inner.npz", "folder/"])
def test_members_that_are_no_arrays_are_refused_by_name(path, name):
    write(path, [("x.npy", npy(ROWS)), (name, b"")])
    assert name.strip("/") in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_are_twice_there_are_refused(path):
    write(path, [("x.npy", npy(ROWS)), ("x.npy", npy(LABELS))])
    assert "'x.npy' appears twice" in refusal(path)


def test_encrypted_members_are_refused(path):
    np.savez(path, x=ROWS, y=LABELS)
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)
    assert "'x.npy' is encrypted" in refusal(path)


def test_members_packed_with_rare_methods_are_refused(path):
    write(path, [("x.npy", npy(ROWS)), ("y.npy", npy(LABELS))], zipfile.ZIP_LZMA)
    assert "method 14" in refusal(path)


def test_too_many_members_are_refused(path):
    write(path, [(f"{i}.npy", b"") for i in range(1001)])
    assert "1,001 members" in refusal(path)


def test_an_archive_without_members_is_refused(path):
    write(path, [])
    assert "0 members" in refusal(path)


@pytest.mark.parametrize("change", [-8, 8])
def test_a_header_that_declares_another_size_is_refused_with_both_numbers(path, change):
    content = npy(ROWS)
    wrong = content[:change] if change < 0 else content + bytes(change)
    write(path, [("x.npy", wrong), ("y.npy", npy(LABELS))])
    assert f"{len(wrong):,} bytes" in refusal(path)
    assert f"declares {len(content):,}" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "(" * 3000),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 4000 + ",)}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 4400 + ",)}"),
        header("{'descr': 'what', 'fortran_order': False, 'shape': (1,)}"),
        header("{'descr': '<f8', 'shape': (1,)}"),
        header("[" * 9000),
        header("__import__('os').getcwd()"),
        np.lib.format.magic(2, 0) + struct.pack("<I", 2**32 - 1) + b"{",
        np.lib.format.magic(3, 0) + struct.pack("<I", 2) + b"{}",
    ],
)  # fmt: skip
def test_headers_that_are_none_are_refused(path, content):
    write(path, [("x.npy", content), ("y.npy", npy(LABELS))])
    assert "x.npy" in refusal(path)


def test_more_than_64_gb_declared_is_refused(path):
    np.savez(path, x=ROWS, y=LABELS)
    _declare(path, 65_000_000_000, packed=65_000_000_000)
    assert "65.0 GB" in refusal(path)


def test_a_decompression_bomb_is_refused_with_both_sizes(path):
    np.savez_compressed(path, x=np.zeros((60, 10_000)), y=LABELS)
    _declare(path, 2_000_000_000, packed=9_000_000)
    message = refusal(path)
    assert "9.0 MB to 2.0 GB" in message


def _declare(path, size, packed):
    """Let the zip directory declare other sizes of the first member, in its ZIP64 field."""
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02")
    name, extra = struct.unpack("<HH", content[at + 28 : at + 32])
    entry = bytearray(content[at : at + 46 + name])
    entry[20:28] = b"\xff" * 8
    entry[30:32] = struct.pack("<H", 20)
    entry += struct.pack("<HHQQ", 1, 16, size, packed)
    end = content.index(b"PK\x05\x06")
    rest = content[at + 46 + name + extra : end]
    closing = bytearray(content[end:])
    closing[12:16] = struct.pack("<I", len(entry) + len(rest))
    path.write_bytes(content[:at] + bytes(entry) + rest + bytes(closing))


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_refused(path, keep):
    np.savez(path, x=ROWS, y=LABELS)
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(len(content) * keep)])
    assert "copy the whole file" in refusal(path)


def test_a_changed_byte_is_found_with_its_member_and_rows(path):
    rows = np.zeros((30_000, 100), np.float32)
    np.savez(path, x=rows, y=np.arange(30_000) % 2)
    content = bytearray(path.read_bytes())
    content[11_000_000] ^= 1
    path.write_bytes(content)
    message = refusal(path, "plan")
    assert "x.npy, in the rows 20,001 to 30,000" in message
    assert "CRC" in message


def test_damaged_compressed_values_are_found_with_their_member(path):
    rows = np.random.default_rng(0).normal(size=(3000, 100))
    np.savez_compressed(path, x=rows, y=np.arange(3000) % 2)
    content = bytearray(path.read_bytes())
    content[1_000_000:1_000_100] = bytes(100)
    path.write_bytes(content)
    assert "x.npy, in the rows 1 to 3,000" in refusal(path, "plan")


def test_structured_arrays_are_refused_when_chosen_with_their_fields(path):
    table = np.zeros(60, [("height", "f8"), ("color", "S5")])
    np.savez(path, x=table, y=LABELS)
    assert "height, color" in refusal(path, "plan")
    np.savez(path, x=ROWS, y=LABELS, other=table)
    assert plan(path).samples == 60


@pytest.mark.parametrize(
    "array", [np.zeros(60, "datetime64[s]"), np.zeros(60, "U5000"), np.zeros(60, "S0")]
)
def test_other_types_are_refused_when_chosen(path, array):
    write(path, [("x.npy", npy(ROWS)), ("y.npy", npy(array))])
    assert "Allowed" in refusal(path, "plan")


def test_texts_with_numbers_that_are_no_characters_are_refused_with_the_row(path):
    content = npy(np.array(["a", "b", "a", "b"]))
    broken = content[:-4] + struct.pack("<I", 0x7FFFFFFF)
    write(path, [("x.npy", npy(ROWS[:4])), ("y.npy", broken)])
    assert "y[3] (row 4, from 1) is not valid UTF-8 text" in refusal(path, "plan")


def test_a_file_that_changed_since_the_look_is_refused_with_the_row(path):
    np.savez(path, x=ROWS, y=LABELS)
    found, before = NPZ.look(path, WANTED), plan(path)
    np.savez(path, x=ROWS, y=np.where(np.arange(60) == 20, 7, LABELS))
    with pytest.raises(DatasetError, match=r"y\[20\] \(row 21, from 1\) had another value"):
        list(NPZ.blocks(path, found, before, WANTED))
