"""Images of kinds that are not read, by their first bytes."""

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


def other_kind(content: bytes) -> str:
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
