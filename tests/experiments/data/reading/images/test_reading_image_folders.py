"""Folders of images as people have them: files beside them, empty ones, other kinds of files."""

import io
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image

from experiments.core.errors import DatasetError
from experiments.data.reading.images.image_files import IMAGES
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into

KÄSE = ("K\u00e4se", "Ka\u0308se")


def encoded(kind="PNG"):
    values = np.random.default_rng(7).integers(0, 256, (12, 16, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind)
    return stream.getvalue()


def folder_of(tmp_path, files):
    for name, content in files.items():
        path = tmp_path / "given" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "given"


def two_classes(**more):
    good = encoded()
    return {"cats/1.png": good, "cats/2.png": good, "dogs/1.png": good, **more}


def read(path, wanted=ReadOptions()):  # noqa: B008
    found, plan = look_into(path, wanted)
    blocks = list(IMAGES.blocks(path, found, plan, wanted))
    x, y = (np.concatenate(parts) for parts in zip(*(block[:2] for block in blocks), strict=True))
    return found, plan, x, y


def refused(path, said):
    with pytest.raises(DatasetError, match=said) as caught:
        look_into(path, ReadOptions())
    return str(caught.value)


# Files beside the class folders


@pytest.mark.parametrize(
    "name", ["README.md", "LICENSE", "labels.csv", "notes.TXT", "about.json", "readme"]
)
@pytest.mark.parametrize("top", ["", "all/"])
def test_files_that_are_plainly_no_images_are_left_out_beside_the_classes(tmp_path, name, top):
    files = {f"{top}{file}": content for file, content in two_classes().items()}
    path = folder_of(tmp_path, files | {f"{top}{name}": b"words"})
    found, plan, x, _ = read(path)
    assert [part.what for part in found.left_out] == [f"{top}{name}"] and len(x) == 3
    assert f"Left out: 1 file ({top}{name}: no image, beside the class folders)." in plan.notes


def test_so_they_are_in_an_archive_around_the_one_folder_and_beside_parts(tmp_path):
    path = tmp_path / "given.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in ("train", "test"):
            for name, content in two_classes().items():
                archive.writestr(f"pets/{part}/{name}", content)
        for name in ("LICENSE", "pets/README.md", "pets/train/labels.csv"):
            archive.writestr(name, b"words")
    plan = look_into(path, ReadOptions())[1]
    assert plan.parts == (3, 0, 3) and "Left out: 3 files (LICENSE: no" in " ".join(plan.notes)


@pytest.mark.parametrize("name", ["1.png", "beside.JPG", "scan.tif", "odd.xyz", "image"])
def test_what_can_be_an_image_is_refused_beside_the_classes(tmp_path, name):
    path = folder_of(tmp_path, two_classes(**{name: encoded()}))
    refused(path, f"1 of 4 files cannot be used: {name}: beside the class folders")


@pytest.mark.parametrize("name", ["cats/README.md", "cats/more/labels.csv"])
def test_what_is_no_image_is_refused_in_a_class_folder(tmp_path, name):
    refused(folder_of(tmp_path, two_classes(**{name: b"words"})), f"1 of 4 files.*{name}: ")


# Class folders


def test_a_class_folder_without_any_file_is_left_out_with_a_note(tmp_path):
    path = folder_of(tmp_path, two_classes())
    (path / "emus" / "more").mkdir(parents=True)
    _, plan, _, y = read(path)
    assert plan.class_names == ("cats", "dogs") and y.tolist() == [0, 0, 1]
    assert "emus/: no file in this class folder, so the class is dropped." in plan.notes


def test_a_class_of_bad_files_only_is_refused_and_counted_once(tmp_path):
    files = two_classes(**{f"emus/{n}.png": b"" for n in range(2)})
    message = refused(folder_of(tmp_path, files), "2 of 5 files cannot be used")
    assert "emus/0.png: empty (0 bytes); emus/1.png" in message
    assert "1 class would be dropped: emus" in message


def test_only_bad_files_are_counted_as_files(tmp_path):
    path = folder_of(tmp_path, {f"{kind}/{n}.png": b"" for kind in "ab" for n in range(2)})
    message = refused(path, "4 of 4 files cannot be used")
    assert "2 classes would be dropped: a, b" in message


def test_empty_folders_and_one_class_are_not_enough(tmp_path):
    path = folder_of(tmp_path, {"cats/1.png": encoded()})
    (path / "dogs").mkdir()
    assert "dogs/: no file" in refused(path, "1 of 2 classes has good images")


def test_names_that_look_the_same_are_one_class(tmp_path):
    good = encoded()
    given = {f"{name}/{n}.png": good for n, name in enumerate((*KÄSE, *KÄSE))}
    path = folder_of(tmp_path, {**given, "Wurst/1.png": good})
    found, plan, x, y = read(path)
    assert found.classes == (("K\u00e4se", 4), ("Wurst", 1)) and len(x) == 5
    assert plan.class_names == ("K\u00e4se", "Wurst") and y.tolist() == [0] * 4 + [1]
    assert any("same name" in note and "K\u00e4se" in note for note in plan.notes)


def test_a_name_is_composed_wherever_the_folder_comes_from(tmp_path):
    good = encoded()
    path = folder_of(tmp_path, {f"{KÄSE[1]}/1.png": good, "Wurst/1.png": good, f"{KÄSE[1]}/2": b""})
    _, plan, x, _ = read(path, ReadOptions(skip_bad=True))
    assert plan.class_names[0] == unicodedata.normalize("NFC", KÄSE[1]) and len(x) == 2
    assert not any("same name" in note for note in plan.notes)


# Other kinds of files


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (encoded("TIFF"), "a TIFF"),
        (b"MM\0*" + bytes(99), "a TIFF"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "a HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(99), "an AVIF"),
        (b'<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="x"></svg>', "an SVG"),
        (b"\xef\xbb\xbf<svg></svg>", "an SVG"),
        (b"%PDF-1.7" + bytes(99), "a PDF"),
        (b"8BPS" + bytes(99), "a PSD"),
        (bytes(128) + b"DICM" + bytes(99), "a DICOM"),
    ],
)
def test_other_kinds_of_images_are_named_with_what_to_do(tmp_path, content, said):
    path = folder_of(tmp_path, two_classes(**{"cats/other.png": content}))
    why = rf"cats/other.png: {said}.*, which is not read: save it as PNG or JPEG"
    refused(path, why)
