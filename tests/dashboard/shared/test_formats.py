"""Numbers, durations and times as people read them."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.shared.formats import ago, duration, number, plain, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.097312, "0.0973"),
        (0.9999, "1.000"),
        (1.5, "1.50"),
        (12345.6, "12,346"),
        (0.0, "0"),
        (-0.5, "−0.500"),
        (1.2e-7, "1.20e−7"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (None, "–"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (12.4, "12 s"),
        (59.9, "1 min"),
        (72, "1 min 12 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
        (None, "–"),
    ],
)
def test_durations_have_two_units_at_most(seconds, text):
    assert duration(seconds) == text


def test_times_are_told_from_now():
    now = datetime(2026, 11, 23, tzinfo=UTC)
    told = [ago(now - timedelta(seconds=s), now) for s in (1, 40, 120, 7200, 200_000)]
    assert told == ["just now", "40 s ago", "2 min ago", "2 h ago", "2 d ago"]


def test_sizes_use_the_unit_that_fits():
    assert [size(n) for n in (812, 4_200, 123_456, 1_300_000)] == [
        "812 B",
        "4.2 kB",
        "123 kB",
        "1.3 MB",
    ]


def test_markdown_that_others_wrote_is_harmless():
    assert plain("**a** [b](c)\n`d`") == r"\*\*a\*\* \[b\]\(c\) \`d\`"
