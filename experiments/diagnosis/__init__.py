"""Why a curve looks as it does, and when it could have ended. Pure pandas and numpy."""

from experiments.diagnosis.diagnose import diagnose
from experiments.diagnosis.keras_histories import history_from_keras
from experiments.diagnosis.naming import Pair, find_pairs, keras_names
from experiments.diagnosis.replay import Setting, Stop, replay
from experiments.diagnosis.replay_grid import grid, recommend, sweep
from experiments.diagnosis.verdict import RULES, Label, Verdict

#: What is for other rooms: these names, and modules.
__all__ = [
    "RULES",
    "Label",
    "Pair",
    "Setting",
    "Stop",
    "Verdict",
    "base_findings",
    "diagnose",
    "find_pairs",
    "from_scratch",
    "gap",
    "grid",
    "histories",
    "history_from_keras",
    "keras_names",
    "naming",
    "recommend",
    "remedies",
    "remedy_outcome",
    "replay",
    "sweep",
]
