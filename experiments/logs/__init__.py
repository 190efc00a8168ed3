"""The logs of other tools, read as histories: tables, JSON, TensorBoard and printed progress."""

from experiments.logs.log import Log
from experiments.logs.reading import all_of, read_log_files, read_logs

#: What is for other rooms: these names, and modules.
__all__ = ["Log", "all_of", "log", "read_log_files", "read_logs"]
