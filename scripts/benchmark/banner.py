"""How long the first words take while the name server answers nothing: a banner must wait for no look-up."""

import contextlib
import shutil
import socket
import statistics
import time
from pathlib import Path

from .server import LISTEN, MailreeveServer

NAME_SERVER = (LISTEN[0], 2553)
CONNECTIONS = 100
# Longer than any banner, shorter than any look-up that is given up.
PATIENCE_SECONDS = 10.0
SETTINGS = f"""\
[desk]
enabled = false

[dns]
servers = ["{NAME_SERVER[0]}:{NAME_SERVER[1]}"]

"""


def banners(binary: Path, folder: Path) -> dict[str, float]:
    """Milliseconds from the call to the last octet of the banner: median and worst of many connections, all held."""
    place = folder / "banner"
    shutil.rmtree(place, ignore_errors=True)
    server = MailreeveServer(binary, SETTINGS)
    with contextlib.ExitStack() as stack:
        # Takes questions and never answers.
        stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(NAME_SERVER)
        server.start(place, "accept", lambda: None)
        stack.callback(server.stop)
        took = [banner(stack) for _ in range(CONNECTIONS)]
    shutil.rmtree(place, ignore_errors=True)
    return {"median_ms": statistics.median(took), "worst_ms": max(took)}


def banner(stack: contextlib.ExitStack) -> float:
    began = time.monotonic()
    connection = stack.enter_context(socket.create_connection(LISTEN, PATIENCE_SECONDS))
    line = stack.enter_context(connection.makefile("rb")).readline()
    if not line.startswith(b"220 "):
        raise OSError(f"no banner: {line!r}")
    return (time.monotonic() - began) * 1000
