"""`scripts/deep-queue`: what a deep queue costs. Reads, pages, orders, memory, a restart, and the way out.

Mail is sent while nobody listens at the next hop, so that all of it waits; the gateway is then asked, stopped,
started again and given its next hop back. The last line is an error when a message is missing at the end.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from peers.unpacked import ROOT, PeerError, wait_for_port

from . import desk
from .load import LoadError, Sink, read_report, show
from .measured import Measured
from .server import LISTEN, NEXT_HOP

SESSIONS = 60
# Each read is asked this often; the median counts, with the start of the process that asks.
READS = 21
PATIENCE_SECONDS = 1800
# Every page and answer comes within this.
PAGE_SECONDS = 0.2
METRICS = ("127.0.0.2", 9024)
SETTINGS = f"""\
[desk]
address = "{show(desk.ADDRESS)}"

[metrics]
address = "{show(METRICS)}"

[queue]
max_recipients = 2000000
"""


class Deep(Measured):
    """A gateway with a queue."""

    def __init__(self, binary: Path, folder: Path, size: int) -> None:
        super().__init__(binary, folder, SETTINGS)
        self.size = size

    def waiting(self) -> int:
        gauges = json.loads(self.ask("status", "--json"))["gauges"]
        return gauges["active_recips"]

    def fill(self, messages: int, domains: int) -> None:
        command = [self.binary, "lab", "send", show(LISTEN), "--sessions", SESSIONS, "--messages", messages]
        command += ["--size", self.size, "--deadline", PATIENCE_SECONDS, "--per-connection", 500, "--json"]
        command += [word for number in range(domains) for word in ("--to", f"d{number}.example")]
        began = time.monotonic()
        run = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=False)
        report = read_report("send", run.stdout)
        if report["acked"]["messages"] != messages:
            raise LoadError(f"{report['acked']['messages']} of {messages} were taken: {report['refused']}")
        self.tell("accepted while it deepens", messages / (time.monotonic() - began), "messages/s")

    def reads(self) -> None:
        for words in (["tophosts"], ["hoststatus", "d0.example"], ["status"], ["showrecipients", "host", "d0.example"]):
            took = []
            for _ in range(READS):
                began = time.monotonic()
                self.ask(*words)
                took.append(time.monotonic() - began)
            self.tell(f"`{' '.join(words)}`, median", statistics.median(took), "s")

    def pages(self) -> None:
        """Asks for each page again and again."""
        browser = desk.Browser(self.server.folder / "data")
        slowest = 0.0
        for path in desk.pages("d0.example"):
            took, length = [], 0
            for _ in range(READS):
                seconds, text = browser.get(path)
                took.append(seconds)
                length = len(text)
            slowest = max(slowest, *took)
            print(f"{path:<70} {statistics.median(took):>7.3f} s, worst {max(took):.3f} s, {length} octets", flush=True)
        self.tell("slowest page of all", slowest, "s")
        if slowest > PAGE_SECONDS:
            raise LoadError(f"a page took longer than {PAGE_SECONDS} s")

    def orders(self) -> None:
        """Gives the orders that concern everybody, and tells how long the shard was held by one input."""
        each = (["delivernow", "all"], ["suspenddel", "ALL", "0"], ["resumedel", "ALL"])
        for words in (*each, ["deleterecipients", "host", "d1.example", "y"]):
            began = time.monotonic()
            self.ask(*words)
            self.tell(f"`{' '.join(words)}`", time.monotonic() - began, "s")
        with urllib.request.urlopen(f"http://{show(METRICS)}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        for what in ("input", "question"):
            classes = re.findall(rf'shard_{what}_seconds_bucket\{{le="([^"]+)"\}} (\d+)', text)
            held = {bound: int(count) for bound, count in classes}
            print(f"{what}s, seconds that they held the shard: " + ", ".join(f"{b} {n}" for b, n in held.items()), flush=True)
            self.tell(f"{what}s that held the shard for more than 5 ms", held["+Inf"] - held["0.005"], "")

    def restart(self, messages: int) -> None:
        """Stops it and starts it again with its next hop there, until everything has left."""
        journal = self.folder / "sink.jsonl"
        journal.unlink(missing_ok=True)
        began = time.monotonic()
        self.server.stop()
        self.tell("an orderly stop", time.monotonic() - began, "s")
        sink = subprocess.Popen(
            [self.binary, "lab", "sink", "--listen", show(NEXT_HOP), "--expect", str(messages)]
            + ["--patience", str(PATIENCE_SECONDS), "--journal", journal],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for_port(sink, *NEXT_HOP)
            began = time.monotonic()
            self.server.start(self.folder / "gateway", "relay", lambda: None)
            self.tell("start to banner", time.monotonic() - began, "s")
            while not (journal.exists() and journal.stat().st_size):
                time.sleep(0.005)
            self.tell("start to first delivery", time.monotonic() - began, "s")
            while json.loads(self.ask("status", "--json"))["recovering"]:
                time.sleep(0.05)
            # Those that were tried in vain just before the stop have a clock of a minute.
            self.server.release()
            output, _ = sink.communicate(timeout=PATIENCE_SECONDS)
        finally:
            sink.kill()
        arrived = read_report("sink", output)["messages"]
        self.tell("all of it delivered after", time.monotonic() - began, "s")
        self.tell("on the way out", arrived / (time.monotonic() - began), "messages/s")
        self.tell("memory at its peak meanwhile", self.memory("VmHWM") / 2**20, "MiB")
        self.found["arrived"] = arrived


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/deep-queue", description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000, help="that wait (default %(default)s)")
    parser.add_argument("--domains", type=int, default=2_000, help="destinations (default %(default)s)")
    parser.add_argument("--size", type=int, default=4096, help="octets of a message (default %(default)s)")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "mailreeve")
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "deep-queue", help="where it writes")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    chosen = parser.parse_args()
    if (chosen.folder / "gateway").exists():
        print(f"error: {chosen.folder / 'gateway'} is there already: remove it first", file=sys.stderr)
        return 2
    chosen.folder.mkdir(parents=True, exist_ok=True)
    deep = Deep(chosen.binary, chosen.folder, chosen.size)
    try:
        return run(deep, chosen)
    except (PeerError, LoadError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if deep.server.process.poll() is None:
            deep.server.stop()


def run(deep: Deep, chosen: argparse.Namespace) -> int:
    deep.server.start(chosen.folder / "gateway", "accept", lambda: None)
    empty = deep.memory()
    deep.fill(chosen.messages, chosen.domains)
    deep.tell("recipients that wait", deep.waiting(), "")
    deep.tell("memory", deep.memory() / 2**20, "MiB")
    deep.tell("memory a recipient, everything counted", (deep.memory() - empty) / chosen.messages, "octets")
    deep.reads()
    deep.pages()
    deep.orders()
    deep.tell("memory at its peak", deep.memory("VmHWM") / 2**20, "MiB")
    left = deep.waiting()
    deep.restart(left)
    deep.server.stop()
    deep.write(chosen.json)
    missing = left - deep.found["arrived"]
    if missing:
        print(f"error: {missing} messages did not arrive", file=sys.stderr)
    return 1 if missing else 0
