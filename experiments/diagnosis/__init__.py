"""Why a curve looks as it does: diagnose(history) -> Verdict. Pure pandas and numpy."""

from experiments.diagnosis.diagnose import diagnose
from experiments.diagnosis.reading import history_from_keras
from experiments.diagnosis.verdict import Label, Verdict

__all__ = ["Label", "Verdict", "diagnose", "history_from_keras"]
