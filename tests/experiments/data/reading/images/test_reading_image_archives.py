"""Zip archives of images that are refused as a whole, with the member's name."""

import io
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from experiments.core.errors import DatasetError
from experiments.data.reading.images import (
    image_archives,
    image_members,
)
from experiments.data.reading.images.image_files import IMAGES
from experiments.data.reading.reader import ReadOptions

SKIP = ReadOptions(skip_bad=True)


def image(value: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (8, 8), value).save(stream, "PNG")
    return stream.getvalue()


def zip_of(tmp_path: Path, *more: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    """An archive of two classes, and of what else is given."""
    path = tmp_path / "images.zip"
    good = [("cats/1.png", image()), ("dogs/1.png", image())]
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of duplicate names
        for member, content in [*good, *more]:
            archive.writestr(member, content)
    return path


def refused(path: Path, said: str) -> str:
    """It is refused, also where bad parts are skipped."""
    with pytest.raises(DatasetError, match=said) as caught:
        IMAGES.look(path, SKIP)
    message = str(caught.value)
    assert path.name in message and "\n" not in message
    return message


def replaced(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content and len(old) == len(new)
    path.write_bytes(content.replace(old, new))
    return path


def directory_patched(path: Path, name: str, offset: int, value: bytes) -> Path:
    """Bytes changed in the central directory's entry of a member."""
    content = bytearray(path.read_bytes())
    at = content.rindex(name.encode()) - 46 + offset
    assert content[at - offset : at - offset + 4] == b"PK\x01\x02"
    content[at : at + len(value)] = value
    path.write_bytes(content)
    return path


def test_a_good_archive_is_accepted(tmp_path):
    found = IMAGES.look(zip_of(tmp_path), ReadOptions())
    assert found.classes == (("cats", 1), ("dogs", 1)) and not found.left_out


def test_members_that_systems_leave_behind_are_passed_over(tmp_path):
    junk = [("__MACOSX/cats/._1.png", b"x"), ("cats/.DS_Store", b"x"), ("dogs/Thumbs.db", b"x")]
    assert not IMAGES.look(zip_of(tmp_path, *junk), ReadOptions()).left_out


def test_an_empty_class_folder_in_an_archive_is_left_out(tmp_path):
    found = IMAGES.look(zip_of(tmp_path, ("emus/", b"")), ReadOptions())
    assert [part.what for part in found.left_out] == ["emus/"]


@pytest.mark.parametrize(
    "name",
    ["cats/../../evil.png", "../evil.png", "/etc/evil.png", "C:/evil.png", "cats//evil.png",
     "./cats/evil.png", "__MACOSX/../evil.png"],
)  # fmt: skip
def test_paths_that_lead_out_are_refused(tmp_path, name):
    assert name in refused(zip_of(tmp_path, (name, image())), "lead out of the archive")


def test_backslashes_are_refused(tmp_path):
    path = replaced(zip_of(tmp_path, ("cats/evil.png", b"x")), b"cats/evil", b"cats\\evil")
    assert "evil.png" in refused(path, "lead out of the archive")


def test_zero_bytes_in_names_are_refused(tmp_path):
    path = replaced(zip_of(tmp_path, ("cats/evil.png.exe", b"x")), b"png.exe", b"png\0exe")
    assert "evil.png" in refused(path, "control characters")


def test_very_long_names_are_refused(tmp_path):
    refused(zip_of(tmp_path, (f"cats/{'x' * 256}.png", b"x")), "more than 255 characters")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    member = zipfile.ZipInfo("cats/link.png")
    member.external_attr = (kind | 0o777) << 16
    assert "cats/link.png" in refused(zip_of(tmp_path, (member, b"/etc/passwd")), "is a link")


def test_encrypted_members_are_refused(tmp_path):
    path = zip_of(tmp_path, ("cats/secret.png", image()))
    directory_patched(path, "cats/secret.png", 8, struct.pack("<H", 1))
    assert "cats/secret.png" in refused(path, "is encrypted")


def test_other_packing_methods_are_refused(tmp_path):
    member = zipfile.ZipInfo("cats/2.png")
    member.compress_type = zipfile.ZIP_LZMA
    refused(zip_of(tmp_path, (member, image())), "packed with method 14")


@pytest.mark.parametrize("suffix", ["zip", "tar", "gz", "7z", "TAR.GZ"])
def test_archives_in_the_archive_are_refused(tmp_path, suffix):
    path = zip_of(tmp_path, (f"cats/more.{suffix}", b"x"))
    assert f"cats/more.{suffix}" in refused(path, "archive inside the archive")


@pytest.mark.parametrize("name", ["cats/1.png", "cats/1.png/"])
def test_names_that_are_there_twice_are_refused(tmp_path, name):
    assert "cats/1.png" in refused(zip_of(tmp_path, (name, b"")), "appears twice")


def test_members_over_100_megabytes_are_refused(tmp_path):
    path = zip_of(tmp_path, ("cats/large.png", b"x"))
    directory_patched(path, "cats/large.png", 24, struct.pack("<I", 100_000_001))
    assert "cats/large.png" in refused(path, "100 MB, allowed: 100 MB")


def test_members_that_unpack_to_a_hundred_times_as_much_are_refused(tmp_path):
    path = zip_of(tmp_path, ("cats/bomb.png", bytes(11_000_000)))
    assert "cats/bomb.png" in refused(path, "allowed over 10 MB: 100 times")


def test_more_than_20_gigabytes_in_all_are_refused(tmp_path, monkeypatch):
    path = zip_of(tmp_path, *((f"cats/{n}.png", b"x") for n in range(100, 105)))
    monkeypatch.setattr(image_archives, "_RATIO", 10**9)
    monkeypatch.setattr(image_archives, "_MOST_BYTES", 4 * 90_000_000)
    for n in range(100, 105):
        directory_patched(path, f"cats/{n}.png", 24, struct.pack("<I", 90_000_000))
    assert "cats/103.png" in refused(path, "unpacks to more than")


def test_more_than_a_million_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(image_archives, "MOST_MEMBERS", 2)
    refused(zip_of(tmp_path, ("cats/2.png", b"x")), "has 3 members, allowed: 2")


def test_the_limits_are_those_that_are_told():
    assert image_archives._MOST_BYTES == 20e9
    assert image_members.MOST_MEMBERS == 1e6
    assert image_members.LARGEST_FILE == 100e6


@pytest.mark.parametrize("zip64", [False, True])
def test_a_directory_that_would_fill_the_memory_is_refused_before_it_is_read(tmp_path, zip64):
    path = zip_of(tmp_path)
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    if zip64:
        record = b"PK\x06\x06" + bytes(36) + struct.pack("<Q", 10**12) + bytes(8)
        content[end:end] = record + b"PK\x06\x07" + bytes(16)
    else:
        content[end + 12 : end + 16] = struct.pack("<I", 300_000_000)
    path.write_bytes(content)
    refused(path, "has a directory of")


@pytest.mark.parametrize("end", [0, 10, 100, -5])
def test_what_is_no_whole_zip_is_refused(tmp_path, end):
    path = zip_of(tmp_path)
    path.write_bytes(path.read_bytes()[:end])
    refused(path, "not a zip archive, or is damaged or cut off")


# Bad parts of archives that are otherwise safe


def left_out(path: Path) -> list[str]:
    with pytest.raises(DatasetError, match="--skip-bad"):
        IMAGES.look(path, ReadOptions())
    return [f"{part.what}: {part.why}" for part in IMAGES.look(path, SKIP).left_out]


def test_a_member_with_a_wrong_checksum_is_a_bad_part(tmp_path):
    path = zip_of(tmp_path, ("cats/2.png", image()))
    directory_patched(path, "cats/2.png", 16, b"\0\0\0\0")
    (part,) = left_out(path)
    assert part.startswith("cats/2.png: damaged in the archive: Bad CRC")


@pytest.mark.parametrize("declared", [20, 5000])
def test_a_member_that_is_not_of_the_declared_size_is_a_bad_part(tmp_path, declared):
    path = zip_of(tmp_path, ("cats/2.png", image()))
    directory_patched(path, "cats/2.png", 24, struct.pack("<I", declared))
    (part,) = left_out(path)
    assert part.startswith("cats/2.png: ")


def test_a_member_whose_own_header_has_another_name_is_a_bad_part(tmp_path):
    path = zip_of(tmp_path, ("cats/2.png", image()))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"cats/2.png", b"cats/3.png", 1))
    (part,) = left_out(path)
    assert part.startswith("cats/2.png: damaged in the archive")


def test_nothing_is_written_beside_the_archive(tmp_path):
    path = zip_of(tmp_path)
    found = IMAGES.look(path, ReadOptions())
    list(IMAGES.blocks(path, found, IMAGES.plan(path, found, ReadOptions()), ReadOptions()))
    assert list(tmp_path.iterdir()) == [path]
