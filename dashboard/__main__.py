"""`python -m dashboard`: the dashboard, a worker and the MLflow UI, until Ctrl-C ends them all."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from experiments.core.errors import ExperimentsError
from experiments.core.settings import ROOT, Settings, python_command, read_settings
from experiments.running.queue import end_worker, ensure_worker, worker_lives

_HOST = "127.0.0.1"
_READY_SECONDS = 180.0


def main() -> int:
    """Start what is not there yet, print the addresses, and wait for Ctrl-C."""
    try:
        port, mlflow_port = _port("PORT", 8501), _port("MLFLOW_PORT", 5000)
        settings = read_settings()
        _refuse_busy("PORT", port)
        if not settings.is_server:
            _refuse_busy("MLFLOW_PORT", mlflow_port)
    except ExperimentsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")  # it tells of every migration
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: ended.set())
    print(f"Starting Kerascope; the workspace is {settings.home}", flush=True)
    found_worker = worker_lives(settings)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(_start_dashboard(settings, port))
        ensure_worker(settings)
        _announce("Dashboard", f"http://{_HOST}:{port}", "/_stcore/health", ended)
        if not settings.is_server:
            processes.append(_start_mlflow(settings, mlflow_port))
        _announce("MLflow UI", settings.ui_url, "/health", ended)
        while not ended.wait(0.5):
            if any(process.poll() is not None for process in processes):
                print("A server stopped; see its output above.", file=sys.stderr)
                return 1
    except ExperimentsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        _end(settings, processes, found_worker)
    return 0


def _start_dashboard(settings: Settings, port: int) -> "subprocess.Popen[bytes]":
    command = python_command(
        "streamlit", "run", str(ROOT / "dashboard" / "app.py"),
        "--server.port", str(port), "--server.address", _HOST, "--server.headless", "true",
        "--logger.level", "warning",
    )  # fmt: skip
    return _start(command, settings.environment(), quiet=True)


def _start_mlflow(settings: Settings, port: int) -> "subprocess.Popen[bytes]":
    from experiments.tracking.server import server_command, server_environment

    log = settings.home / "mlflow.log"
    command = server_command(settings, _HOST, port)
    with log.open("ab") as file:
        return _start(command, server_environment(settings), output=file.fileno())


def _start(
    command: list[str],
    environment: dict[str, str],
    *,
    quiet: bool = False,
    output: int | None = None,
) -> "subprocess.Popen[bytes]":
    # a session of its own: Ctrl-C reaches this process only, which ends the others in order
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if quiet else output,
        stderr=None if quiet else output,
        start_new_session=True,
    )


def _announce(name: str, address: str, health: str, ended: threading.Event) -> None:
    if _answers(address + health, ended):
        print(f"{name}: {address}", flush=True)
    elif not ended.is_set():
        print(f"{name} at {address} does not answer.", file=sys.stderr, flush=True)


def _answers(url: str, ended: threading.Event) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and not ended.wait(0.2):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except OSError:
            continue
    return False


def _end(
    settings: Settings, processes: "list[subprocess.Popen[bytes]]", found_worker: bool
) -> None:
    """End the worker before the MLflow server, so that stopped runs are still recorded."""
    for dashboard in processes[:1]:
        _end_process(dashboard)
    if not found_worker and worker_lives(settings):
        print("Stopping the worker: running runs are stopped and their models saved …", flush=True)
        end_worker(settings)
    for process in processes[1:]:
        _end_process(process)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    for send in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, send)
            process.wait(10)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ExperimentsError(f"{name}: received {text!r}. Allowed: a port from 1 to 65535.")
    return int(text)


def _refuse_busy(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            raise ExperimentsError(
                f"Port {port} is in use. Choose another: {name}={port + 1} make run, or kerascope "
                f"dashboard --{name.lower().replace('_', '-')} {port + 1}."
            ) from None


if __name__ == "__main__":
    sys.exit(main())
