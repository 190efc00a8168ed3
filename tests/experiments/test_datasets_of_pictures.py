"""Pictures in class folders, from a zip or a folder, as samples."""

import io
import stat
import zipfile

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from experiments.datasets.catalogue import Kind, Task
from experiments.datasets.reading.found import Wanted
from experiments.datasets.reading.picture_files import PICTURES
from experiments.errors import DatasetError


def encoded(pixels, kind="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def grey(value, side=8):
    return np.full((side, side), value, np.uint8)


def archive(path, members):
    with zipfile.ZipFile(path, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def two_classes(**more):
    members = {f"{name}/{i}.png": encoded(grey(10 * i)) for name in ("cat", "dog") for i in (1, 2)}
    return members | more


def read(path, **wanted):
    chosen = Wanted(**wanted)
    found = PICTURES.look(path, chosen)
    plan = PICTURES.plan(path, found, chosen)
    blocks = list(PICTURES.blocks(path, found, plan, chosen))
    x, y = (np.concatenate([block[i] for block in blocks]) for i in (0, 1))
    assert x.shape == (plan.samples, *plan.shape) and x.dtype == np.uint8 and len(y) == len(x)
    return plan, x, y


def test_digits_come_back_to_the_bit_from_zip_and_folder(tmp_path):
    digits = load_digits()
    pixels = (digits.images * 15).astype(np.uint8)[:200]
    labels = digits.target[:200]
    order = sorted(range(200), key=lambda i: (labels[i], i))
    members = {
        f"digits/{labels[i]}/{i}.png": encoded(pixels[i]) for i in np.random.permutation(200)
    }
    zipped = archive(tmp_path / "digits.zip", members)
    folder = tmp_path / "unpacked"
    for name, data in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    for path in (zipped, folder):
        plan, x, y = read(path)
        assert (plan.kind, plan.task, plan.shape) == (Kind.IMAGE, Task.MULTICLASS, (8, 8, 1))
        assert plan.class_names == tuple("0123456789")
        np.testing.assert_array_equal(x[..., 0], pixels[order])
        np.testing.assert_array_equal(y, labels[order])


def test_modes_and_rotation_are_what_a_viewer_shows(tmp_path):
    red = np.zeros((8, 8, 3), np.uint8)
    red[:, :4] = (255, 0, 0)  # the left half
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down: the red half is on the right
    clear = np.zeros((8, 8, 4), np.uint8)
    members = {
        "a/plain.png": encoded(red),
        "a/turned.png": encoded(red, exif=turned.tobytes()),
        "b/clear.png": encoded(clear),
        "b/grey.bmp": encoded(grey(99), "BMP"),
    }
    plan, x, y = read(archive(tmp_path / "modes.zip", members))
    assert plan.shape == (8, 8, 3) and plan.task is Task.BINARY and y.tolist() == [0, 0, 1, 1]
    assert x[0, 0, 0].tolist() == [255, 0, 0] and x[0, 0, 7].tolist() == [0, 0, 0]
    assert x[1, 0, 0].tolist() == [0, 0, 0] and x[1, 0, 7].tolist() == [255, 0, 0]
    assert (x[2] == 255).all(), "transparent over white"
    assert (x[3] == 99).all()


def test_pictures_of_other_sizes_are_brought_to_one(tmp_path):
    members = {f"{c}/{i}.png": encoded(grey(50, 8 + i)) for c in "ab" for i in (0, 4, 8)}
    plan, x, _ = read(archive(tmp_path / "sizes.zip", members))
    assert plan.shape == (12, 12, 1) and (x == 50).all()
    plan, _, _ = read(archive(tmp_path / "sizes.zip", members), size=(16, 20))
    assert plan.shape == (16, 20, 1)
    with pytest.raises(DatasetError):
        read(tmp_path / "sizes.zip", size=(4, 4))


NOISE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)


@pytest.mark.parametrize("bad", [b"", b"no picture", encoded(NOISE, "JPEG")[:900]])
def test_bad_pictures_are_refused_by_name_or_left_out_when_the_user_says_so(tmp_path, bad):
    path = archive(tmp_path / "bad.zip", two_classes(**{"cat/broken.jpg": bad}))
    with pytest.raises(DatasetError, match=r"broken\.jpg"):
        read(path)
    found = PICTURES.look(path, Wanted(skip_bad=True))
    assert [one.what for one in found.left_out] == ["cat/broken.jpg"]
    plan, _, y = read(path, skip_bad=True)
    assert plan.samples == 4 and y.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "name", ["../cat/3.png", "/cat/3.png", "cat/../../3.png", "C:/cat/3.png", "cat\\3.png"]
)
def test_paths_that_lead_out_are_never_accepted(tmp_path, name):
    path = archive(tmp_path / "evil.zip", two_classes(**{name: encoded(grey(1))}))
    for skip in (False, True):
        with pytest.raises(DatasetError):
            read(path, skip_bad=skip)


def test_links_and_nested_archives_are_never_accepted(tmp_path):
    nested = archive(tmp_path / "nested.zip", two_classes(**{"cat/more.zip": b"PK"}))
    linked = tmp_path / "linked.zip"
    with zipfile.ZipFile(linked, "w") as made:
        for name, data in two_classes().items():
            made.writestr(name, data)
        link = zipfile.ZipInfo("dog/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    folder = tmp_path / "folder"
    for name, data in two_classes().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "dog" / "link.png").symlink_to("/etc/passwd")
    for path in (nested, linked, folder):
        for skip in (False, True):
            with pytest.raises(DatasetError):
                read(path, skip_bad=skip)


def test_picture_of_too_many_pixels_is_not_decoded(tmp_path):
    bomb = encoded(np.zeros((8000, 8000), np.uint8))  # 64 megapixels in some kB
    path = archive(tmp_path / "bomb.zip", two_classes(**{"cat/bomb.png": bomb}))
    with pytest.raises(DatasetError, match=r"bomb\.png"):
        read(path)


def test_one_class_or_no_folders_are_refused(tmp_path):
    with pytest.raises(DatasetError):
        read(archive(tmp_path / "one.zip", {"cat/1.png": encoded(grey(1))}))
    with pytest.raises(DatasetError):
        read(archive(tmp_path / "flat.zip", {"1.png": encoded(grey(1)), "2.png": encoded(grey(2))}))
    with pytest.raises(DatasetError):
        read(archive(tmp_path / "empty.zip", {}))


def test_damaged_archive_is_refused(tmp_path):
    path = archive(tmp_path / "cut.zip", two_classes())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match=r"cut\.zip"):
        read(path)
