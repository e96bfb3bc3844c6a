"""Where `scripts/peers` unpacked the programs, and what it takes to run one."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class PeerError(Exception):
    """A peer cannot be run here, or did not do what it must. The text says which and why."""


@cache
def places(script: str) -> dict[str, Path]:
    """What a script of `scripts` fetches, by the name that it prints; fetched at the first call."""
    run = subprocess.run([ROOT / "scripts" / script], stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        raise PeerError(f"scripts/{script} failed; it printed why")
    return {name: Path(place) for name, place in (line.split("=", 1) for line in run.stdout.splitlines())}


def folders() -> dict[str, Path]:
    """Folder of each peer by name."""
    return places("peers")


def environment(*own_libraries: Path) -> dict[str, str]:
    """A bare environment in which an unpacked program finds its libraries."""
    unpacked = sorted(folders()["lib"].glob("*/usr/lib/*-linux-gnu"))
    libraries = [str(folder) for folder in (*own_libraries, *unpacked)]
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "LD_LIBRARY_PATH": ":".join(libraries)}


def need_root(name: str) -> None:
    if os.geteuid() != 0:
        raise PeerError(f"{name} has to be started by root")


def launch(
    command: list[object], own_libraries: list[Path], output: int | None, before_exec: Callable[[], None] | None
) -> subprocess.Popen:
    """Starts a daemon as our child: in a session of its own, for it may end its whole process group, and not
    outliving us, however we end. `before_exec` runs in the child."""
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        pr_set_pdeathsig = 1
        libc.prctl(pr_set_pdeathsig, signal.SIGTERM, 0, 0, 0)
        if before_exec is not None:
            before_exec()

    return subprocess.Popen(
        [str(word) for word in command],
        env=environment(*own_libraries),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=prepare,
    )


def wait_for_port(process: subprocess.Popen, host: str, port: int, seconds: float = 20.0) -> None:
    """Returns when something answers at `host`:`port`; fails when the process ends first, or time does."""
    deadline = time.monotonic() + seconds
    while True:
        if process.poll() is not None:
            raise PeerError(f"{process.args[0]} ended with status {process.returncode} before it answered")
        try:
            with socket.create_connection((host, port), timeout=1.0) as connection:
                connection.settimeout(5.0)
                if connection.recv(3) == b"220":
                    connection.sendall(b"QUIT\r\n")
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise PeerError(f"{process.args[0]} did not answer at {host}:{port} within {seconds:.0f} s")
        time.sleep(0.05)


def end(process: subprocess.Popen, seconds: float = 20.0) -> None:
    """Asks a process to end and waits; after `seconds` it is killed, which is an error."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise PeerError(f"{process.args[0]} did not end within {seconds:.0f} s") from None
