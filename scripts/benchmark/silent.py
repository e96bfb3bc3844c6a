"""`scripts/silent-destinations`: one message for each of very many destinations whose next hop takes no connection.

Beside them stands one destination that takes all mail. How long its mail takes is measured before, behind all the others,
and again while they are tried; so are memory and `tophosts`. It is an error when healthy mail is missing.
"""

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from peers.unpacked import ROOT, PeerError

from .load import LoadError, Sink, read_report, show
from .measured import Measured
from .server import LISTEN, NEXT_HOP

# Another address: limits and verdicts of an address hold for all its ports.
HEALTHY = ("127.0.0.4", 2526)
HEALTHY_MESSAGES = 2_000
HEALTHY_ROUNDS = 3
# As many names as one command line takes.
AT_ONCE = 25_000
READS = 21
PATIENCE_SECONDS = 900
SETTINGS = f"""\
[desk]
enabled = false

[[route]]
domain = "healthy.example"
to = ["[{HEALTHY[0]}]:{HEALTHY[1]}"]
"""


@contextlib.contextmanager
def silence(address: tuple[str, int]) -> Iterator[None]:
    """Listens at an address whose queue of connections is full: whoever knocks hears nothing."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(0)
        for _ in range(4):
            knock = stack.enter_context(socket.socket())
            knock.setblocking(False)
            knock.connect_ex(address)
        time.sleep(0.2)
        probe = stack.enter_context(socket.socket())
        probe.settimeout(1)
        if probe.connect_ex(address) == 0:
            raise LoadError("the next hop that should be silent takes connections here")
        yield


class Silent(Measured):
    """A gateway with mail for those who never answer, and for one who does."""

    def __init__(self, binary: Path, folder: Path) -> None:
        super().__init__(binary, folder, SETTINGS)

    def send(self, messages: int, sessions: int, domains: list[str]) -> None:
        command = [self.binary, "lab", "send", show(LISTEN), "--sessions", sessions, "--messages", messages, "--json"]
        command += ["--size", 1024, "--per-connection", 500, "--deadline", PATIENCE_SECONDS]
        command += [f"--to={domain}" for domain in domains]
        run = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=False)
        report = read_report("send", run.stdout)
        if report["acked"]["messages"] != messages:
            raise LoadError(f"{report['acked']['messages']} of {messages} were taken: {report['refused']}")

    def healthy(self, when: str) -> float:
        """How long the healthy destination's mail takes, the median of a few times."""
        took = []
        for _ in range(HEALTHY_ROUNDS):
            sink = Sink(self.binary, HEALTHY, HEALTHY_MESSAGES)
            try:
                began = time.monotonic()
                self.send(HEALTHY_MESSAGES, 10, ["healthy.example"])
                arrived = sink.finish()["messages"]
                took.append(time.monotonic() - began)
            finally:
                sink.stop()
            if arrived != HEALTHY_MESSAGES:
                raise LoadError(f"{arrived} of {HEALTHY_MESSAGES} healthy messages arrived {when}")
        self.tell(f"{HEALTHY_MESSAGES:,} healthy messages {when}", statistics.median(took), "s")
        return statistics.median(took)

    def state(self, when: str) -> None:
        for field, name in (("VmRSS", "memory"), ("VmHWM", "memory at its peak")):
            self.tell(f"{name} {when}", self.memory(field) / 2**20, "MiB")
        took = []
        for _ in range(READS):
            began = time.monotonic()
            self.ask("tophosts", "active_rcpts")
            took.append(time.monotonic() - began)
        self.tell(f"`tophosts` {when}, median", statistics.median(took), "s")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/silent-destinations", description=__doc__)
    parser.add_argument("--destinations", type=int, default=100_000, help="that never answer (default %(default)s)")
    parser.add_argument("--watch", type=int, default=60, help="seconds to look on (default %(default)s)")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "mailreeve")
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "silent-destinations", help="where it writes")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    chosen = parser.parse_args()
    if (chosen.folder / "gateway").exists():
        print(f"error: {chosen.folder / 'gateway'} is there already: remove it first", file=sys.stderr)
        return 2
    measured = Silent(chosen.binary, chosen.folder)
    try:
        with silence(NEXT_HOP):
            run(measured, chosen)
    except (PeerError, LoadError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    measured.write(chosen.json)
    return 0


def run(measured: Silent, chosen: argparse.Namespace) -> None:
    measured.server.start(chosen.folder / "gateway", "relay", lambda: None)
    try:
        measured.healthy("to warm up")
        alone = measured.healthy("alone")
        for first in range(0, chosen.destinations, AT_ONCE):
            names = range(first, min(first + AT_ONCE, chosen.destinations))
            measured.send(len(names), 40, [f"d{number}.example" for number in names])
        measured.state("when all of them wait")
        beside = measured.healthy("beside them")
        measured.tell("its time against alone", beside / alone, "times")
        time.sleep(chosen.watch)
        measured.state(f"{chosen.watch} s later")
        measured.healthy("at the end")
    finally:
        began = time.monotonic()
        measured.server.stop()
        measured.tell("an orderly stop", time.monotonic() - began, "s")
