"""Why a curve looks as it does, and when it could have ended. Pure pandas and numpy."""

from experiments.diagnosis.diagnose import diagnose
from experiments.diagnosis.keras_histories import history_from_keras
from experiments.diagnosis.naming import Pair, find_pairs, keras_names
from experiments.diagnosis.replay import Setting, Stop, replay
from experiments.diagnosis.replay_grid import grid, recommend, sweep
from experiments.diagnosis.verdict import Label, Verdict

__all__ = [
    "Label",
    "Pair",
    "Setting",
    "Stop",
    "Verdict",
    "diagnose",
    "find_pairs",
    "grid",
    "history_from_keras",
    "keras_names",
    "recommend",
    "replay",
    "sweep",
]
