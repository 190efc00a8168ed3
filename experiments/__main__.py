"""The command line: `kerascope …`, or `python -m experiments …`. Exit code 2 for input that is
refused, 1 for what went wrong otherwise, 0 only on success."""

import logging
import os
import sys
from io import TextIOWrapper

from experiments.cli.parser import make_parser
from experiments.core.errors import ArtifactError, ExperimentsError, StoreError, WorkerError
from experiments.core.settings import read_settings, use_settings

#: TensorFlow and MLflow talk about themselves on standard error otherwise.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_LOGGING_LEVEL": "ERROR"}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors go to standard error as one message, without a traceback."""
    options = make_parser().parse_args(arguments)
    options.is_program = arguments is None  # else the process belongs to whoever calls
    level = logging.INFO if options.logs else logging.ERROR
    logging.basicConfig(level=level, format="%(asctime)s %(message)s")
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):  # names of files are any bytes, terminals may be ASCII
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    use_settings(read_settings())
    try:
        code: int = options.call(options)
    except ExperimentsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if isinstance(error, StoreError | WorkerError | ArtifactError) else 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
