"""Which encoding a text has: by its mark, as UTF-8, or guessed from its letters."""

import codecs
import re
from pathlib import Path

from experiments.core.errors import DatasetError, unknown

_GUESSED_FROM = 1 << 16  # bytes: charset-normalizer takes a second for a megabyte
_PIECE = 1 << 20
_BOMS = (  # UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Python has encodings that take time without end (idna) or unpack (zlib)
_ENCODINGS = (
    *("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "ascii"),
    *(f"cp{page}" for page in (437, 850, 852, 866, 932, 949, 950, *range(1250, 1259))),
    *(f"iso8859-{part}" for part in range(1, 17) if part != 12),
    *("gb18030", "gbk", "big5", "euc_kr", "euc_jp", "shift_jis", "koi8-r", "koi8-u", "mac-roman"),
)
# The letters beyond ASCII of one language at a time: a text with those of none is not Western
_ALPHABETS = (
    "äöüß", "àâäæçéèêëîïôœùûüÿ", "áéíóúüñ", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöéèàü", "æøåéèêòôó",
    "áéíóúýþæöð", "áàéèëïóöüíúê", "åäöšž", "àçéèíïóòúü", "äöõüšž",
)  # fmt: skip
_LETTER = "A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸ"
# No unit (m²) and no price has signs there: letters of Eastern Europe are written as they are
_SIGNS_IN_WORDS = re.compile(
    f"[{_LETTER}][£¥³¹²¿¡¼½¾][{_LETTER}]|(?<![{_LETTER}])[³¹²¼½¾£¥][{_LETTER}]|[{_LETTER}]{{3}}[³¹¿¼¾]"
)
_WORD = re.compile(f"[{_LETTER}]+")
_SIGNS = frozenset("€£§°±²³µ·–—‘’‚“”„…«»¡¿ºª½¼¾×÷•™®©¢¥\xa0´`¨")
_OTHER_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")


def byte_order_mark(data: bytes) -> tuple[int, str | None]:
    """Its length in bytes and the encoding that it stands for; 0 and None where there is none."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return len(mark), encoding
    return 0, None


def asked_for(name: str, marked: str | None) -> str:
    """The encoding that a user names, of a file with that mark; raises DatasetError."""
    try:
        canonical = codecs.lookup(name).name
    except LookupError:
        canonical = name
    if canonical in ("utf-16", "utf-32"):
        if marked is None or not marked.startswith(canonical):
            raise DatasetError(
                f"Received {name!r} as encoding of a file without its byte order mark. Say which "
                f"order the bytes have: {canonical}-le (Windows) or {canonical}-be."
            )
        return marked
    if canonical not in _ENCODINGS:
        raise DatasetError(unknown("encoding", name, _ENCODINGS))
    return canonical


def guess(path: Path, data: bytes, whole: bool) -> str:
    """The encoding of a file that begins with ``data``, which is all of it if ``whole``.

    Of an ASCII beginning the rest is searched for the first other letter.
    """
    if not whole and data.isascii() and b"\0" not in data:
        data, whole = _around_first_letter(path, len(data)), False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, whole)
        return "utf-8"
    except UnicodeDecodeError as error:
        # Guess from around the first letter that is no UTF-8
        start = max(0, data.rfind(b"\n", 0, error.start) + 1 - _GUESSED_FROM // 2)
    # No encoding of texts that has no mark has NUL. Both are refused with their place
    if b"\0" in data or _is_mostly_utf8(data):
        return "utf-8"
    sample = data[start : start + _GUESSED_FROM]
    if _is_western(sample):
        return "cp1252"
    from charset_normalizer import from_bytes

    # Of a table that is mostly numbers it cannot tell; of its other words it can
    best = from_bytes(sample).best() or from_bytes(b" ".join(_OTHER_WORD.findall(sample))).best()
    guessed = codecs.lookup(best.encoding).name if best else "cp1252"
    if _same(sample, guessed, "cp1252"):  # as it is for French and German words side by side
        central = _SIGNS_IN_WORDS.search(sample.decode("cp1252", "replace"))
        guessed = "cp1250" if central else "cp1252"
    for encoding in (guessed, "cp1252"):
        if encoding in _ENCODINGS and _decodes(data, encoding):
            return encoding
    return "iso8859-1"


def _around_first_letter(path: Path, start: int) -> bytes:
    """The lines from just before the first byte beyond ASCII; nothing where there is none."""
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(_PIECE):
            if not piece.isascii():
                begin = next(place for place, byte in enumerate(piece) if byte > 127)
                return piece[max(0, begin - _GUESSED_FROM // 2) :] + file.read(_GUESSED_FROM)
    return b""


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether most letters beyond ASCII are UTF-8: a few others are damage, and no encoding."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = sum(letter > "\x7f" for letter in text) - wrong
    return right > 2 * wrong


def _is_western(sample: bytes) -> bool:
    """Whether it reads as a language of Western Europe in cp1252: other guesses are often wrong."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    other = {letter for letter in text if letter > "\x7f"} - _SIGNS
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    letters = {letter.lower() if letter != "ß" else letter for letter in other}
    if not any(letters <= set(alphabet) for alphabet in _ALPHABETS):
        return False
    if _SIGNS_IN_WORDS.search(text):
        return False
    beyond = sum(letter > "\x7f" for word in words for letter in word)
    return 2 * beyond <= sum(map(len, words))


def _same(data: bytes, one: str, other: str) -> bool:
    return data.decode(one, "replace") == data.decode(other, "replace")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return False
    return True
