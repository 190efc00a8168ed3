"""Images in class folders: what is found, what is planned, what is read, what is refused."""

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from experiments.core.errors import DatasetError
from experiments.data.catalog import Kind, Task
from experiments.data.reading.images import (
    image_decoding,
    image_files,
)
from experiments.data.reading.images.image_files import IMAGES
from experiments.data.reading.reader import Images, Plan, ReadOptions

NO_OPTIONS, SKIP = ReadOptions(), ReadOptions(skip_bad=True)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(width: int = 16, height: int = 12, mode: str = "RGB") -> Image.Image:
    """Coarse colored squares: no encoder makes nothing of them."""
    values = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values).convert(mode)


def folder_of(tmp_path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = tmp_path / "given" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "given"


def two_classes(**more: bytes) -> dict[str, bytes]:
    good = encoded(noise())
    return {"cats/1.png": good, "cats/2.png": good, "dogs/1.png": good, **more}


def read(
    path: Path, wanted: ReadOptions = NO_OPTIONS
) -> tuple[Images, Plan, np.ndarray, np.ndarray]:
    found = IMAGES.look(path, wanted)
    plan = IMAGES.plan(path, found, wanted)
    blocks = list(IMAGES.blocks(path, found, plan, wanted))
    x, y = (np.concatenate(parts) for parts in zip(*(block[:2] for block in blocks), strict=True))
    return found, plan, x, y


def refused(path: Path, said: str, wanted: ReadOptions = NO_OPTIONS) -> str:
    with pytest.raises(DatasetError, match=said) as caught:
        IMAGES.plan(path, IMAGES.look(path, wanted), wanted)
    message = str(caught.value)
    assert path.name in message and "\n" not in message
    return message


def one_image(tmp_path: Path, content: bytes, wanted: ReadOptions = NO_OPTIONS) -> np.ndarray:
    """An image as it is read, in a folder where all images are this one."""
    return read(folder_of(tmp_path, {"a/1": content, "b/1": content}), wanted)[2][0]


# What is read


def test_digits_in_a_zip_are_read_back_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "_BLOCK", 64 * 100)  # many blocks
    digits = load_digits()
    images = digits.images.astype(np.uint8)
    path = tmp_path / "digits.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (image, target) in enumerate(zip(images, digits.target, strict=True)):
            archive.writestr(f"digits/{target}/{number}.png", encoded(Image.fromarray(image)))
    found, plan, x, y = read(path)
    order = np.lexsort((np.arange(len(y)), digits.target))
    np.testing.assert_array_equal(x, images[order][..., None])
    np.testing.assert_array_equal(y, digits.target[order])
    assert x.dtype == np.uint8 and y.dtype == np.int64
    assert (plan.shape, plan.samples, plan.dtype) == ((8, 8, 1), 1797, "uint8")
    assert (plan.kind, plan.task, plan.target) == (Kind.IMAGE, Task.MULTICLASS, "class")
    assert plan.class_names == tuple("0123456789")
    assert found.sizes == (((8, 8), 1797),) and found.modes == (("L", 1797),)
    blocks = list(IMAGES.blocks(path, found, plan, ReadOptions()))
    assert len(blocks) > 10 and max(block.x.nbytes for block in blocks) < 64 * 120


def test_classes_and_images_come_in_natural_order(tmp_path):
    files = {
        f"{kind}/{n}.png": encoded(Image.new("L", (8, 8), 10 * kind + n))
        for kind in (10, 9, 2)
        for n in (11, 2, 1)
    }
    _, plan, x, y = read(folder_of(tmp_path, files))
    assert plan.class_names == ("2", "9", "10")
    assert x[:, 0, 0, 0].tolist() == [21, 22, 31, 91, 92, 101, 101, 102, 111]
    assert y.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "JPEG", "WEBP"])
def test_every_format_is_read_as_pillow_reads_it(tmp_path, kind):
    content = encoded(noise(), kind)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    np.testing.assert_array_equal(one_image(tmp_path, content), expected)


def test_sixteen_bit_gray_keeps_its_upper_eight_bits(tmp_path):
    values = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8)
    content = encoded(Image.fromarray(values))
    _, plan, x, _ = read(folder_of(tmp_path, {"a/1": content, "b/1": content}))
    np.testing.assert_array_equal(x[0, ..., 0], values >> 8)
    assert any("Grays of 16 bits are divided by 256" in note for note in plan.notes)


def test_one_bit_images_are_black_and_white(tmp_path):
    x = one_image(tmp_path, encoded(noise(mode="L").convert("1")))
    assert x.shape == (12, 16, 1) and set(np.unique(x)) == {0, 255}


def test_palette_images_get_their_colors(tmp_path):
    image = Image.new("RGB", (8, 8), (10, 200, 30)).quantize(4)
    x = one_image(tmp_path, encoded(image))
    assert x.shape == (8, 8, 3) and x[0, 0].tolist() == [10, 200, 30]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_become_white(tmp_path, mode):
    image = Image.new("RGBA", (8, 8), (40, 40, 40, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    x = one_image(tmp_path, encoded(image.convert(mode)))
    assert set(x[:, :4].ravel()) == {255} and set(x[:, 4:].ravel()) == {40}


def test_cmyk_becomes_rgb(tmp_path):
    x = one_image(tmp_path, encoded(Image.new("RGB", (8, 8), "red").convert("CMYK"), "JPEG"))
    assert x.shape == (8, 8, 3)
    np.testing.assert_allclose(x[4, 4].astype(int), [255, 0, 0], atol=8)


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    first, second = Image.new("RGB", (8, 8), "blue"), Image.new("RGB", (8, 8), "red")
    content = encoded(first, "GIF", save_all=True, append_images=[second])
    assert one_image(tmp_path, content)[0, 0].tolist() == [0, 0, 255]


def test_exif_turns_an_image_upright(tmp_path):
    upright = np.zeros((12, 8, 3), np.uint8)
    upright[:2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    lying = Image.fromarray(np.rot90(upright).copy())
    path = folder_of(tmp_path, {f"{c}/1.png": encoded(lying, exif=exif) for c in "ab"})
    found, plan, x, _ = read(path)
    assert found.sizes == (((8, 12), 2),) and plan.shape == (12, 8, 3)
    np.testing.assert_array_equal(x[0], upright)


def test_damaged_exif_does_not_cost_an_image(tmp_path):
    content = encoded(noise(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x00nothing")
    expected = np.asarray(Image.open(io.BytesIO(encoded(noise(), "JPEG"))))
    np.testing.assert_array_equal(one_image(tmp_path, content), expected)


def test_images_of_one_color_file_and_one_gray_file_have_three_channels(tmp_path):
    gray = encoded(Image.new("L", (8, 8), 77))
    path = folder_of(tmp_path, {"a/1.png": gray, "b/1.png": encoded(noise(8, 8))})
    found, plan, x, _ = read(path)
    assert plan.shape == (8, 8, 3) and set(x[0].ravel()) == {77}
    assert found.modes == (("L", 1), ("RGB", 1)) and "L 1, RGB 1" in plan.notes[1]


# Sizes


def sized(tmp_path: Path, *sizes: tuple[int, int]) -> Path:
    files = {f"c{n % 2}/{n}.png": encoded(Image.new("L", s)) for n, s in enumerate(sizes)}
    return folder_of(tmp_path, files)


def test_the_median_size_is_taken_where_sizes_differ(tmp_path):
    plan = read(sized(tmp_path, (20, 10), (30, 40), (50, 60)))[1]
    assert plan.shape == (40, 30, 1)
    assert "3 sizes" in plan.notes[0] and "Crop to the middle, then resize" in plan.notes[0]
    assert "from 20×10 to 50×60" in plan.notes[0] and "to 30×40" in plan.notes[0]


def test_a_size_is_counted_as_often_as_it_is_there(tmp_path):
    assert read(sized(tmp_path, (90, 90), (10, 10), (90, 90), (20, 20), (90, 90)))[1].shape == (
        90, 90, 1,
    )  # fmt: skip


def test_large_sizes_are_brought_to_224_in_proportion(tmp_path):
    assert read(sized(tmp_path, (1000, 500), (1000, 500)))[1].shape == (112, 224, 1)


def test_one_size_of_up_to_512_stays(tmp_path):
    plan = read(sized(tmp_path, (512, 300), (512, 300)))[1]
    assert plan.shape == (300, 512, 1) and "stay as they are" in plan.notes[0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_resizing_takes_the_middle_and_keeps_the_proportions(tmp_path, kind):
    wide = np.zeros((200, 600, 3), np.uint8)
    wide[:, 200:400] = (0, 250, 0)
    wide[80:120, 280:320] = (250, 250, 250)  # square, so it stays square
    x = one_image(tmp_path, encoded(Image.fromarray(wide), kind), ReadOptions(size=(20, 20)))
    assert x.shape == (20, 20, 3)
    np.testing.assert_allclose(x[2, 2:18].astype(int), [[0, 250, 0]] * 16, atol=12)
    white = x[..., 0] > 125
    assert (np.flatnonzero(white.any(0)) == np.flatnonzero(white.any(1))).all()
    assert np.flatnonzero(white.any(0)).tolist() == [8, 9, 10, 11]


def test_resizing_averages_fine_patterns_away(tmp_path):
    board = (np.indices((160, 160)).sum(0) % 2 * 255).astype(np.uint8)
    x = one_image(tmp_path, encoded(Image.fromarray(board)), ReadOptions(size=(16, 16)))
    np.testing.assert_allclose(x.astype(int), 127, atol=3)


@pytest.mark.parametrize("size", [(7, 32), (32, 1025)])
def test_sizes_outside_8_to_1024_are_refused(tmp_path, size):
    refused(folder_of(tmp_path, two_classes()), "8 to 1024", ReadOptions(size=size))


# Tasks


def test_two_classes_are_binary(tmp_path):
    assert read(folder_of(tmp_path, two_classes()))[1].task is Task.BINARY


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (ReadOptions(task=Task.REGRESSION), "regression needs numbers"),
        (ReadOptions(target="price"), "images have none"),
        (ReadOptions(task=Task.BINARY), "3 classes, a binary task has 2"),
    ],
)
def test_what_images_do_not_have_is_refused(tmp_path, wanted, said):
    files = two_classes() | {"emus/1.png": encoded(noise())}
    refused(folder_of(tmp_path, files), said, wanted)


# Folders


def test_what_systems_leave_behind_is_passed_over(tmp_path):
    junk = {name: b"x" for name in ("cats/.DS_Store", "dogs/Thumbs.db", "__MACOSX/cats/._1.png")}
    found, plan, _, _ = read(folder_of(tmp_path, two_classes(**junk)))
    assert found.classes == (("cats", 2), ("dogs", 1)) and not found.left_out
    assert len(plan.notes) == 2


def test_one_folder_around_the_classes_is_looked_through(tmp_path):
    files = {f"animals/{name}": content for name, content in two_classes().items()}
    assert read(folder_of(tmp_path, files))[1].class_names == ("cats", "dogs")


def test_train_and_test_folders_without_classes_are_refused(tmp_path):
    files = {f"{part}/1.png": encoded(noise()) for part in ("Train", "Test")}
    refused(folder_of(tmp_path, files), "parts of a split")


def test_train_is_a_class_among_others(tmp_path):
    files = {f"{kind}/1.png": encoded(noise()) for kind in ("train", "bus", "test")}
    assert read(folder_of(tmp_path, files))[1].class_names == ("bus", "test", "train")


@pytest.mark.parametrize("files", [{"1.png": b"x"}, {"cats/1.png": b"x"}])
def test_fewer_than_two_class_folders_are_refused(tmp_path, files):
    refused(folder_of(tmp_path, files), "class folders.*allowed: 2 to 1,000")


def test_more_than_a_thousand_classes_are_refused(tmp_path):
    refused(folder_of(tmp_path, {f"{n}/1.png": b"x" for n in range(1001)}), "1,001 class folders")


@pytest.mark.parametrize("target", ["cats/1.png", "cats"])
def test_links_in_a_folder_are_refused(tmp_path, target):
    path = folder_of(tmp_path, two_classes())
    (path / "dogs" / "linked").symlink_to(path / target)
    assert "dogs/linked" in refused(path, "is a link", SKIP)


def test_pipes_in_a_folder_are_refused(tmp_path):
    path = folder_of(tmp_path, two_classes())
    os.mkfifo(path / "dogs" / "pipe.png")
    refused(path, "dogs/pipe.png is not a regular file", SKIP)


def test_a_folder_name_that_is_no_utf8_is_refused_in_words_that_can_be_printed(tmp_path):
    files = two_classes() | {os.fsdecode(b"caf\xe9/1.png"): encoded(noise())}
    refused(folder_of(tmp_path, files), "cannot name a class").encode()


def test_a_file_name_that_is_no_utf8_is_read(tmp_path):
    files = two_classes() | {os.fsdecode(b"cats/\xe9.png"): encoded(noise())}
    assert read(folder_of(tmp_path, files))[1].samples == 4


# Bad parts


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that declares a size and has hardly any data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def with_many_scans() -> bytes:
    content = encoded(noise(), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * 101 + content[-2:]


BAD = {
    "empty": (b"", "empty \\(0 bytes\\)"),
    "text": (b"hello", "no image that can be read"),
    "51 megapixels": (png_of_size(51_000, 1000), "51,000×1,000, more than 50 megapixels"),
    # Pillow would warn of this one …
    "100 megapixels": (png_of_size(100_000, 1000), "100,000×1,000, more than 50 megapixels"),
    # … and raises for this one
    "2,500 megapixels": (png_of_size(50_000, 50_000), "more than 50 megapixels"),
    "little data": (png_of_size(1000, 1000), "damaged or cut off"),
    "many scans": (with_many_scans(), "a progressive JPEG of more than 100 scans"),
    **{
        f"cut {kind}": (encoded(noise(64, 48), kind)[:-60], "damaged or cut off")
        for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP")
    },
    "damaged PNG": (
        encoded(noise()).replace(b"IDAT\x78", b"IDAT\x00"),
        "damaged or cut off",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_images_are_refused_or_left_out(tmp_path, what):
    content, why = BAD[what]
    path = folder_of(tmp_path, two_classes(**{"cats/bad.png": content}))
    message = refused(path, f"cats/bad.png: {why}")
    assert "1 of 4 files cannot be used" in message and "--skip-bad" in message
    found, plan, x, y = read(path, SKIP)
    assert [part.what for part in found.left_out] == ["cats/bad.png"]
    assert len(x) == plan.samples == 3 and y.tolist() == [0, 0, 1]
    assert any("cats/bad.png" in note for note in plan.notes)


def test_cut_jpegs_are_found_wherever_they_are_cut():
    content = encoded(noise(64, 48), "JPEG", progressive=True)
    for end in range(1, len(content), 37):
        with pytest.raises(image_decoding.BadPartError):
            image_decoding.check(content[:end])


def test_files_over_100_megabytes_are_bad_parts(tmp_path):
    path = folder_of(tmp_path, two_classes())
    with (path / "cats" / "large.bmp").open("wb") as file:
        file.truncate(100_000_001)  # sparse
    refused(path, "cats/large.bmp: 100 MB, allowed: 100 MB")


def test_misplaced_files_are_bad_parts(tmp_path):
    good = encoded(noise())
    path = folder_of(tmp_path, two_classes(**{"1.png": good, "cats/more/2.png": good}))
    message = refused(path, "2 of 5 files")
    assert "1.png: beside the class folders" in message
    assert "cats/more/2.png: in a folder inside a class folder" in message
    assert read(path, SKIP)[1].samples == 3


def test_a_class_without_a_good_image_is_gone_with_a_note(tmp_path):
    path = folder_of(tmp_path, two_classes(**{"birds/1.png": b"x"}))
    _, plan, _, y = read(path, SKIP)
    assert plan.class_names == ("cats", "dogs") and y.tolist() == [0, 0, 1]
    assert any("birds/" in note and "dropped" in note for note in plan.notes)


def test_fewer_than_two_good_classes_are_refused_even_when_bad_files_are_skipped(tmp_path):
    good = encoded(noise())
    refused(folder_of(tmp_path, {"a/1.png": good, "b/1.png": b"x"}), "at least 2 are needed", SKIP)


def test_of_many_bad_parts_the_first_are_told(tmp_path):
    path = folder_of(tmp_path, two_classes(**{f"cats/bad{n}.png": b"" for n in range(30)}))
    message = refused(path, "30 of 33 files")
    assert "bad4.png" in message and "bad5.png" not in message and "and 25 more" in message


def test_more_pixels_in_all_than_allowed_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "_MOST_PIXELS", 3 * 16 * 12 - 1)
    refused(folder_of(tmp_path, two_classes()), "gigapixels .reached at dogs/1.png", SKIP)


def test_an_image_that_changes_after_the_look_is_told(tmp_path):
    path = folder_of(tmp_path, two_classes())
    found = IMAGES.look(path, ReadOptions())
    plan = IMAGES.plan(path, found, ReadOptions())
    (path / "dogs" / "1.png").write_bytes(b"other")
    with pytest.raises(DatasetError, match=r"dogs/1.png.*changed while it was read"):
        list(IMAGES.blocks(path, found, plan, ReadOptions()))
