"""One run: a server, a case, figures."""

import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import load
from .case import Case
from .disk import Disk
from .group import Group
from .load import Sink, Sums
from .server import LISTEN, NEXT_HOP, MailreeveServer, PostfixServer

# Servers write and tidy up behind the last reply; that work counts too.
SETTLE_SECONDS = 1.0
# Processes started, caches filled, connections made: messages for each session before the measurement.
WARM_UP = 5


@dataclass
class Figures:
    """What a run came to. `complaint` says why there are no figures to compare."""

    server: str
    version: str
    case: str
    round: int
    messages: int
    complaint: str | None = None
    seconds: float = 0.0
    cpu_user_us: float = 0.0
    cpu_system_us: float = 0.0
    peak_anonymous: int = 0
    peak_with_cache: int | None = None
    written: int = 0
    flushes: int = 0
    log_bytes: int = 0
    latency_us: dict = field(default_factory=dict)
    acknowledged: dict = field(default_factory=dict)
    arrived: dict = field(default_factory=dict)
    others_cpu: float = 0.0
    # CPU a message of the threads that were there at the end, by name.
    threads_us: dict = field(default_factory=dict)
    note: str = ""

    @property
    def rate(self) -> float:
        return self.messages / self.seconds if self.seconds else 0.0

    @property
    def cpu_us(self) -> float:
        """Of the server, for each message."""
        return self.cpu_user_us + self.cpu_system_us

    def to_json(self) -> dict:
        return asdict(self) | {"rate": self.rate, "cpu_us": self.cpu_us}


class Bench:
    """Binary for generator and sink, and the folder that every server gets a fresh one in."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary, self.folder = binary, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.disk = Disk(folder)

    def straight(self, case: Case) -> dict:
        """Generator into the sink with nothing between: what the tools themselves can do."""
        sink = Sink(self.binary, NEXT_HOP, case.messages)
        try:
            report = load.send(self.binary, NEXT_HOP, case, case.messages)
            sink.finish()
        finally:
            sink.stop()
        return report

    def run(self, server: PostfixServer | MailreeveServer, case: Case, number: int) -> Figures:
        """One server, one case. Whatever goes wrong becomes the complaint of the figures."""
        folder = self.folder / f"{server.name}-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        group = Group(f"mailreeve-bench-{server.name}")
        figures = Figures(server.name, "", str(case), number, case.messages, note=group.note())
        try:
            group.watch(server.start(folder, case.mode, group.join))
            figures.version = server.version()
            try:
                self._measure(server, case, group, figures)
            finally:
                server.stop()
        except Exception as error:  # One broken run must not take the others' results with it.
            figures.complaint = f"{type(error).__name__}: {error}"
        if left := group.close():
            figures.complaint = figures.complaint or f"left {len(left)} processes behind"
        if figures.complaint is None:
            shutil.rmtree(folder, ignore_errors=True)
        return figures

    def _measure(self, server, case: Case, group: Group, figures: Figures) -> None:
        warm_up = WARM_UP * case.sessions if case.mode == "relay" else 0
        if warm_up:
            self._relay(case, warm_up)
        log_before = size_of(server.log())
        disk_before, cpu_before, busy_before = self.disk.written(), group.cpu(), Machine.now()
        threads_before = group.threads()
        began = time.monotonic()
        if case.mode == "relay":
            sent, arrived = self._relay(case, case.messages)
            figures.seconds = time.monotonic() - began
        else:
            sent = load.send(self.binary, LISTEN, case, case.messages)
            figures.seconds = time.monotonic() - began
        time.sleep(SETTLE_SECONDS)
        cpu = group.cpu().since(cpu_before)
        figures.threads_us = {
            name: (spent - threads_before.get(name, 0)) / case.messages for name, spent in group.threads().items()
        }
        disk = self.disk.written().since(disk_before)
        figures.others_cpu = Machine.now().others_since(busy_before, cpu.total + sent["cpu_us"])
        figures.cpu_user_us, figures.cpu_system_us = cpu.user / case.messages, cpu.system / case.messages
        figures.written, figures.flushes = disk.bytes, disk.flushes
        figures.peak_anonymous, figures.peak_with_cache = group.peak_anonymous, group.peak_with_cache()
        figures.log_bytes = size_of(server.log()) - log_before
        figures.latency_us = sent["latency_us"]
        if case.mode == "accept":
            arrived = self._release(server, case)
        figures.acknowledged, figures.arrived = sent["acked"], arrived
        figures.complaint = compare(case.messages, sent, arrived)

    def _relay(self, case: Case, messages: int) -> tuple[dict, dict]:
        """Through the server to the sink, to the last message: reports of generator and sink."""
        sink = Sink(self.binary, NEXT_HOP, messages)
        try:
            sent = load.send(self.binary, LISTEN, case, messages)
            return sent, sink.finish()
        finally:
            sink.stop()

    def _release(self, server, case: Case) -> dict:
        """Lets go what was only accepted: the sink's report."""
        sink = Sink(self.binary, NEXT_HOP, case.messages)
        try:
            server.release()
            return sink.finish()
        finally:
            sink.stop()


def compare(messages: int, sent: dict, arrived: dict) -> str | None:
    """What is wrong between the messages that were sent and those that arrived."""
    promised, came = Sums.of(sent["acked"]), Sums.of(arrived)
    if promised.messages != messages:
        return f"{promised.messages} of {messages} acknowledged: {sent['refused'] or sent['errors']}"
    if promised != came:
        return f"acknowledged {promised}, arrived {came}"
    return None


@dataclass(frozen=True)
class Machine:
    """CPU that the whole machine spent, and could have spent, in microseconds."""

    busy: int
    total: int

    @classmethod
    def now(cls) -> "Machine":
        fields = [int(field) * 10_000 for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return cls(busy=sum(fields) - fields[3] - fields[4], total=sum(fields))

    def others_since(self, earlier: "Machine", ours_us: int) -> float:
        """Part of the machine that neither server nor generator had: the sink, and what disturbs us."""
        return max(0.0, (self.busy - earlier.busy - ours_us) / max(1, self.total - earlier.total))


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
