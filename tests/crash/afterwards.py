"""A gateway that runs on a folder, and what became of the mail that it acknowledged."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

LISTEN, SINK = "127.0.0.4:2525", "127.0.0.5:2526"
# How long all that waits may take to be delivered, and a process to end when it is asked to.
DRAIN_SECONDS, END_SECONDS = 120.0, 60.0
# Nobody listens there.
NOBODY = "127.0.0.1:9"


class CrashError(Exception):
    """Something could not be run here, or did not do what it must. The text says which and why."""


def configuration(data: Path, listen: str, taken: str, waits: str = NOBODY) -> str:
    """`taken` is the next hop of taken.test, `waits` that of waits.test."""
    routes = "".join(
        f'[[route]]\ndomain = "{domain}"\nto = ["[{host}]:{port}"]\n'
        for domain, (host, port) in (("taken.test", taken.split(":")), ("waits.test", waits.split(":")))
    )
    return (
        'hostname = "gateway.test"\n'
        f'data_dir = "{data}/spool"\nlog_dir = "{data}/log"\nsocket = "{data}/socket"\n'
        f'[[listener]]\nname = "Incoming"\naddress = "{listen}"\n'
        '[accept]\nrelay_networks = ["127.0.0.0/8"]\n'
        # Nobody answers there: every next hop is given. The disks are small.
        '[dns]\nservers = ["127.0.0.1"]\n'
        '[queue]\nlow = "64 MiB"\nreserve = "16 MiB"\n[desk]\nenabled = false\n'
        "[delivery]\nrefused_networks = []\n"
        '[[bounce_profile]]\nname = "default"\nmax_attempts = 100000\ninitial = "1s"\nmax_interval = "2s"\n' + routes
    )


class Gateway:
    """A gateway of a folder, on this machine."""

    def __init__(self, binary: Path, data: Path, folder: Path, waits: str = NOBODY) -> None:
        """`data` holds its spool and logs, `folder` its configuration and output."""
        self.binary, self.output = binary, folder / "gateway.out"
        self.config = folder / "gateway.toml"
        self.config.write_text(configuration(data, LISTEN, SINK, waits))

    @contextmanager
    def running(self, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen]:
        with self.output.open("ab") as output, process(self._words("serve"), output, environment) as running:
            yield running

    def drain(self, running: subprocess.Popen) -> None:
        """Returns when nothing waits any more."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            if running.poll() is not None:
                end = self.output.read_text(errors="replace")[-1000:]
                raise CrashError(f"the gateway ended with status {running.returncode}:\n{end}")
            status = self.ask("status")
            if status and status.get("recovering") is None and not status["gauges"]["active_recips"]:
                return
            if time.monotonic() > deadline:
                raise CrashError(f"the queue was not empty after {DRAIN_SECONDS:.0f} s: {status}")
            time.sleep(0.05)

    def ask(self, command: str) -> dict:
        """A command's reply; empty when there was none."""
        done = subprocess.run(self._words("--json", command), capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def _words(self, *words: str) -> list[str]:
        return [str(self.binary), "--config", str(self.config), *words]


@contextmanager
def sink(binary: Path, journal: Path) -> Iterator[subprocess.Popen]:
    """Takes all mail at `SINK` and writes it down before each 250."""
    words = [str(binary), "lab", "sink", "--listen", SINK, "--journal", str(journal)]
    with journal.with_suffix(".out").open("ab") as output, process(words, output) as running:
        yield running


@contextmanager
def process(words: list[str], output, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen]:
    running = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


class Sums:
    """What a campaign came to; its attributes are the counts that it prints."""

    def __init__(self, **counts: int) -> None:
        self.__dict__.update(counts)
        self.recipients_acknowledged = self.recipients_delivered = 0
        self.lost = self.altered = self.duplicates = self.unacked = 0
        self.broken: list[str] = []

    def compare(self, binary: Path, acknowledged: list[Path], delivered: list[Path], proved: dict) -> dict:
        """Adds what came of one run, and returns the verdict on it."""
        words = ["--json", "lab", "verify", "--acked", *acknowledged, "--delivered", *delivered]
        done = subprocess.run([str(word) for word in (binary, *words)], stdout=subprocess.PIPE, text=True, check=False)
        verdict = json.loads(done.stdout)
        self.recipients_acknowledged += verdict["acked"]
        self.recipients_delivered += verdict["delivered"]
        self.lost += verdict["lost"]
        self.altered += verdict["altered"]
        self.duplicates += verdict["duplicates"]
        self.unacked += verdict["unacked"]
        if proved.get("difference") != 0 or proved.get("disagreeing_segments") or proved.get("without_next_event"):
            self.broken.append(f"the ledger does not add up: {proved}")
        return verdict

    def held(self) -> bool:
        return not (self.lost or self.altered or self.broken) and self.recipients_acknowledged > 0


def built(root: Path) -> Path:
    """Builds the gateway for release: its file."""
    subprocess.run(["cargo", "build", "--quiet", "--release"], cwd=root, check=True)
    asked = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    metadata = subprocess.run(asked, cwd=root, stdout=subprocess.PIPE, check=True).stdout
    return Path(json.loads(metadata)["target_directory"]) / "release" / "mailreeve"


def library(source: Path, made: Path) -> Path:
    """Compiles a library that is loaded before the system's."""
    run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", made, source, "-ldl", "-pthread"])
    return made


def run(command: list[object]) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CrashError(f"{command[0]} failed: {done.stderr.strip()}")
