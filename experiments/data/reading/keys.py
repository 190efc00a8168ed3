"""Groups as numbers: equal texts get the same one, in every file and on every machine."""

import hashlib


def same_number(text: str) -> int:
    """A number of 64 bits for a text: of a million texts two agree once in 37 million times."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "little", signed=True)
