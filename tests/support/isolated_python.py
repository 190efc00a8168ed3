"""Programs run as ``python -I`` runs them, each in a process of its own, without waiting for
TensorFlow each time: the processes are forked from one that has it imported and has done nothing
more."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SERVER = """
import json, os, runpy, sys, traceback
import keras, tensorflow
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        status = 1
        try:
            os.chdir(asked["folder"])
            output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.argv = asked["command"]
            runpy.run_path(sys.argv[0], run_name="__main__")
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class IsolatedPython:
    """The process that forks, asked one line at a time."""

    def __init__(self, server: subprocess.Popen, output: Path) -> None:
        self._server, self._output = server, output

    def run(self, script: str, *arguments: str, folder: Path) -> tuple[int, str]:
        """Its return code, and all that it printed."""
        asked = {"command": [script, *arguments], "folder": str(folder)}
        server = self._server
        server.stdin.write(json.dumps(asked | {"output": str(self._output)}) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline()), self._output.read_text(encoding="utf-8")


@contextmanager
def isolated_python() -> Iterator[IsolatedPython]:
    """Such a server, for as long as it is needed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-I", "-c", _SERVER], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as server,
    ):  # fmt: skip
        yield IsolatedPython(server, Path(folder) / "output")
        server.stdin.close()
