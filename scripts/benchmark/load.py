"""Generator and sink: `mailreeve lab send` and `mailreeve lab sink`, each a process outside of what is measured.

Both sum up what they saw the same way (count, recipients, bytes and checksum of the content without the trace
fields on top); equal sums mean that every message arrived once and unchanged.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from peers.unpacked import end, wait_for_port

from .case import Case

# A run that takes longer is over, with what has arrived by then.
PATIENCE_SECONDS = 900


class LoadError(Exception):
    """Generator or sink failed. The text says how."""


@dataclass(frozen=True)
class Sums:
    """What the lab calls by the same names."""

    messages: int
    recipients: int
    content_bytes: int
    checksum: int

    @classmethod
    def of(cls, report: dict) -> "Sums":
        return cls(**{name: report[name] for name in ("messages", "recipients", "content_bytes", "checksum")})


class Sink:
    """A sink that ends by itself when it has `expected` messages, or its patience does."""

    def __init__(self, binary: Path, address: tuple[str, int], expected: int) -> None:
        command = [binary, "lab", "sink", "--listen", show(address), "--expect", expected]
        command += ["--patience", PATIENCE_SECONDS]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
        wait_for_port(self.process, *address)

    def finish(self) -> dict:
        """Waits for the end: its report."""
        output, _ = self.process.communicate()
        return read_report("sink", output)

    def stop(self) -> None:
        if self.process.poll() is None:
            end(self.process)


def send(binary: Path, target: tuple[str, int], case: Case, messages: int) -> dict:
    """Sends and waits for the last reply: the generator's report, with the CPU that it took itself."""
    command = [binary, "lab", "send", show(target), "--sessions", case.sessions, "--messages", messages]
    command += ["--size", case.size, "--recipients", case.recipients, "--deadline", PATIENCE_SECONDS, "--json"]
    if case.a_connection is not None:
        command += ["--per-connection", case.a_connection]
    before = os.times()
    run = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=False)
    after = os.times()
    report = read_report("send", run.stdout)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    report["cpu_us"] = round(spent * 1e6)
    return report


def read_report(which: str, output: str) -> dict:
    """The JSON that stands in what the lab printed."""
    begin = output.find("{")
    if begin < 0:
        raise LoadError(f"mailreeve lab {which} printed no report: {output.strip() or 'nothing at all'}")
    return json.JSONDecoder().raw_decode(output[begin:])[0]


def show(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"
