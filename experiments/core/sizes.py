"""Sizes in bytes, and as people read them."""

MB = 1000**2
GB = 1000**3


def size_text(size: int) -> str:
    """A number of bytes for people: ``"8.0 GB"``."""
    if size < 1000:
        return f"{size} bytes"
    for unit in ("KB", "MB", "GB", "TB", "PB"):
        size_in_unit = size / 1000 ** (("KB", "MB", "GB", "TB", "PB").index(unit) + 1)
        if size_in_unit < 1000:
            return f"{size_in_unit:.1f} {unit}"
    return f"10^{len(str(size)) - 1} bytes"
