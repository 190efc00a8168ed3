"""The table of the kinds of files: each has a reader, and every text that lists them has it."""

from pathlib import Path

import pytest

from experiments.core.errors import DatasetError
from experiments.data.reading.kinds import KINDS, SUFFIXES, kind_by_name, kinds_in_words, reader_of

README = Path(__file__).resolve().parents[4] / "README.md"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_file_is_read_by_its_name_or_by_what_is_said_of_it(kind, tmp_path):
    for suffix in kind.suffixes:
        assert kind_by_name(tmp_path / f"UPPER{suffix.upper()}") == kind.name
    path = tmp_path / "unnamed"
    path.write_bytes(b"")
    assert reader_of(path, kind.name) is kind.load_reader()
    assert callable(kind.load_reader().look)


def test_no_two_kinds_have_the_same_suffix():
    assert len(SUFFIXES) == sum(len(kind.suffixes) for kind in KINDS.values())


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_list_of_kinds_has_it(kind, tmp_path):
    assert kind.words in kinds_in_words()
    assert (kind.uploaded or kind.words) in kinds_in_words(uploaded=True)
    pdf = tmp_path / "table.csv"
    pdf.write_bytes(b"%PDF-1.7")
    with pytest.raises(DatasetError) as refused:
        reader_of(pdf)
    assert kind.words in str(refused.value)
    assert kind.name in README.read_text(encoding="utf-8").lower()
