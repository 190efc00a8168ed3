"""Numbers, durations, times and sizes as people read them."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

NOTHING = "–"


def number(value: float | None, digits: int = 3) -> str:
    """Rounded to so many significant digits: 0.09731 → 0.0973, 12345.6 → 12,346."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -4 or magnitude >= 9:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    decimals = max(digits - 1 - magnitude, 0)
    return f"{value:,.{decimals}f}".replace("-", "−")


def count(value: float | None) -> str:
    """A whole number with thousands apart: 101770 → 101,770."""
    return NOTHING if value is None or math.isnan(value) else f"{int(value):,}"


def parts_words(parts: Sequence[int]) -> str:
    """How many samples a file has for what: 800 for training, 200 for test."""
    named = zip(("training", "validation", "test"), parts, strict=True)
    return ", ".join(f"{count(samples)} for {name}" for name, samples in named if samples)


def duration(seconds: float | None) -> str:
    """0.4 s, 12 s, 1 min 12 s, 2 h 5 min, 3 d 4 h."""
    if seconds is None or math.isnan(seconds):
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{seconds} s"
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return _pair(minutes, "min", seconds, "s")
    days, hours = divmod(hours, 24)
    return _pair(days, "d", hours, "h") if days else _pair(hours, "h", minutes, "min")


def _pair(big: int, unit: str, small: int, small_unit: str) -> str:
    return f"{big} {unit} {small} {small_unit}" if small else f"{big} {unit}"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Just now, 40 s ago, 2 min ago, 3 h ago, 5 d ago."""
    if moment is None:
        return NOTHING
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 5:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds / 3600:.0f} h ago"
    return f"{seconds / 86_400:.0f} d ago"


def exact(moment: datetime | None) -> str:
    """The time to the second, where the dashboard runs: 2026-11-23 16:12:51."""
    return NOTHING if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size(count_of_bytes: float) -> str:
    """812 B, 4.2 kB, 1.3 MB, in powers of 1,000."""
    value = float(count_of_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable: GB takes every size")


def words(name: str) -> str:
    """A name with underscores as words: still_improving → still improving."""
    return name.replace("_", " ").replace("cant ", "can't ")


def plain(text: str) -> str:
    """Text that others wrote, with what Markdown would act on made harmless."""
    escaped = "".join(
        f"\\{letter}" if letter in "\\`*_{}[]<>()#+!|~$:" else letter for letter in text
    )
    return " ".join(escaped.split())
