"""What a process that reads the files of others may take from the machine."""

import sys


def limit_process(memory: int, seconds: int | None = None, *, on_top: bool = False) -> None:
    """Have the system refuse this process more than ``memory`` bytes of addresses, more than
    ``seconds`` of computing, and core dumps; a limit that is lower already stays.

    ``on_top`` counts the bytes from what the process has now. Windows has no such limits: there
    only the deadline of whoever waits for the process holds.
    """
    if sys.platform == "win32":
        return
    import resource

    if on_top:
        import psutil

        memory += psutil.Process().memory_info().vms
    limits = {resource.RLIMIT_AS: memory, resource.RLIMIT_CORE: 0}
    if seconds is not None:
        limits[resource.RLIMIT_CPU] = seconds
    for what, value in limits.items():
        _, hard = resource.getrlimit(what)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))
