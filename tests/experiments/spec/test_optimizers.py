from pathlib import Path

import pytest

from experiments.core.errors import SpecError
from experiments.spec.optimizers import OPTIMIZERS, WITH_MOMENTUM
from experiments.spec.spec_files import parse_spec

DOCS = Path(__file__).resolve().parents[3] / "docs" / "spec.md"


def test_a_spec_takes_each_optimizer_of_the_table_and_names_them_where_it_refuses_one():
    for name in OPTIMIZERS:
        assert parse_spec({"training": {"optimizer": name}}).training.optimizer == name
    with pytest.raises(SpecError) as refused:
        parse_spec({"training": {"optimizer": "adamm"}})
    assert all(f"'{name}'" in str(refused.value) for name in OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_momentum_is_taken_by_those_that_have_it(name):
    training = {"optimizer": name, "momentum": 0.5}
    if OPTIMIZERS[name].takes_momentum:
        assert parse_spec({"training": training}).training.momentum == 0.5
    else:
        with pytest.raises(SpecError, match=f"or optimizer {' or '.join(WITH_MOMENTUM)}"):
            parse_spec({"training": training})


def test_the_docs_name_the_optimizers():
    text = DOCS.read_text(encoding="utf-8")
    assert f"# {', '.join(OPTIMIZERS)}\n" in text
    assert f"# {' and '.join(WITH_MOMENTUM)}\n" in text
