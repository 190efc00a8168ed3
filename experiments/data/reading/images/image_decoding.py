"""One image from its bytes: checked, turned upright, cut, resized, laid over white."""

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

# Imported here, not by Pillow when it meets the first image: that would be in several threads.
from PIL import (
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    ImageOps,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from experiments.data.reading.images.image_members import BadPartError

MOST_MEGAPIXELS = 50

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
_MOST_SCANS = 100  # each scan of a progressive JPEG goes over the whole image; usual are 10
_LARGE = 12 * 10**6  # pixels; an image takes up to 12 bytes a pixel while it is decoded
_one_large_at_a_time = threading.Lock()
_ORIENTATION = 0x0112
# Images of kinds that are not read, by their first bytes
_TIFF = "a TIFF (or a camera's raw file)"
_SIGNS = (
    (b"II*\0", _TIFF), (b"MM\0*", _TIFF), (b"II+\0", _TIFF), (b"MM\0+", _TIFF),
    (b"%PDF-", "a PDF"), (b"8BPS", "a PSD (Photoshop)"), (b"\0\0\x01\0", "an icon (ICO)"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000"), (b"\xff\x0a", "a JPEG XL"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL"),
)  # fmt: skip
_BRANDS = {b"avif": "an AVIF", b"avis": "an AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "a HEIC"
)
_DICOM_AT = 128
_TEXT = 1000  # bytes in which the first element of an SVG stands


class ImageHeader(NamedTuple):
    """An image that decodes to its last row: (width, height) as seen upright, and its mode."""

    size: tuple[int, int]
    mode: str


def quiet_pillow() -> None:
    """Let Pillow's modules not warn of odd metadata, in this process.

    ``warnings.catch_warnings`` is not safe with threads; a filter set twice is one filter.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")


def check(content: bytes) -> ImageHeader:
    """Decode an image, to know that all of it is there; raises BadPartError.

    JPEG at an eighth of its size and in gray: all of the coded data is read even so.
    """
    with _decoding(content) as image:
        width, height = image.size
        mode = image.mode
        image.draft("L", (1, 1))
        image.load()
        return ImageHeader((height, width) if _lies_on_its_side(image) else (width, height), mode)


def decode(content: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """An image as uint8 of the shape (height, width, 1 or 3); raises BadPartError.

    The first frame, turned as its EXIF says, cut to the middle for the proportions, resized with
    antialias, over white. A JPEG of more than twice the size is decoded at a half, a quarter or an
    eighth of its size first.
    """
    height, width, channels = shape
    with _decoding(content) as image:
        image.draft(None, (2 * max(width, height),) * 2)
        image.load()
        # Damaged metadata leaves the pixels as good as they were.
        with contextlib.suppress(Exception):
            ImageOps.exif_transpose(image, in_place=True)
        plain = _with_plain_mode(image)
        if plain.size != (width, height):
            box = _middle(plain.size, width / height)
            plain = plain.resize((width, height), Image.Resampling.BILINEAR, box=box)
        if plain.mode == "RGBA":
            plain = Image.alpha_composite(Image.new("RGBA", plain.size, "white"), plain)
        return np.asarray(_converted(plain, "L" if channels == 1 else "RGB")).reshape(shape)


@contextmanager
def _decoding(content: bytes) -> Iterator[Image.Image]:
    """The image, opened and small enough to be decoded; whatever Pillow raises, told."""
    if not content:
        raise BadPartError("empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _check_size(image, content)
            large = image.width * image.height > _LARGE
            with _one_large_at_a_time if large else contextlib.nullcontext():
                yield image
    except (BadPartError, MemoryError):
        raise
    except UnidentifiedImageError:
        if kind := _other_kind(content):
            raise BadPartError(f"{kind}, which is not read: save it as PNG or JPEG") from None
        raise BadPartError(
            "no image that can be read (PNG, JPEG, BMP, GIF, WebP), or its first bytes are damaged"
        ) from None
    except Image.DecompressionBombError:
        raise BadPartError(f"more than {MOST_MEGAPIXELS} megapixels") from None
    # Damaged bytes make Pillow's parsers raise nearly every exception that Python has.
    except Exception as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadPartError(f"damaged or cut off: {said}") from None


def _check_size(image: Image.Image, content: bytes) -> None:
    width, height = image.size
    if width * height > MOST_MEGAPIXELS * 10**6:
        raise BadPartError(f"{width:,}×{height:,}, more than {MOST_MEGAPIXELS} megapixels")
    if image.format in ("JPEG", "MPO") and content.count(b"\xff\xda") > _MOST_SCANS:
        raise BadPartError(f"a progressive JPEG of more than {_MOST_SCANS} scans")


def _lies_on_its_side(image: Image.Image) -> bool:
    with contextlib.suppress(Exception):  # as in decode
        return image.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
    return False


def _with_plain_mode(image: Image.Image) -> Image.Image:
    """The image as L, RGB or, where some of it is transparent, RGBA."""
    if image.mode.startswith("I"):
        # 16-bit gray: Pillow's own convert cuts everything above 255 off.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        return _converted(image, "RGBA")
    return _converted(image, "L" if image.mode in ("1", "L") else "RGB")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    # Pillow copies what has the mode already.
    return image if image.mode == mode else image.convert(mode)


def _middle(size: tuple[int, int], proportion: float) -> tuple[float, float, float, float]:
    """The largest box in the middle of an image of that width divided by height."""
    width, height = size
    cut_width, cut_height = min(width, height * proportion), min(height, width / proportion)
    left, above = (width - cut_width) / 2, (height - cut_height) / 2
    return left, above, left + cut_width, above + cut_height


def _other_kind(content: bytes) -> str:
    """What a file is that is no PNG, JPEG, BMP, GIF or WebP; "" where that is not known."""
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "")
    if content[_DICOM_AT : _DICOM_AT + 4] == b"DICM":
        return "a DICOM"
    if (
        content[:_TEXT].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        and b"<svg" in content[:_TEXT]
    ):
        return "an SVG"
    return next((what for sign, what in _SIGNS if content.startswith(sign)), "")
