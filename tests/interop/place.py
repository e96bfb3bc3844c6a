"""A gateway and a checking sink for one conversation, in a folder and at addresses of their own.

The binary is target/release/mailreeve, or what MAILREEVE_BIN names.
"""

import json
import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from letters import Arrival, Letter, Verdict

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("MAILREEVE_BIN", ROOT / "target" / "release" / "mailreeve"))
PORT = 2525
SENDERS = 8


def address(number: int) -> str:
    """A loopback address that no other run on this machine uses."""
    process = os.getpid()
    return f"127.{100 + process // 250 % 100}.{1 + process % 250}.{number}"


class Gateway:
    """Mailreeve with one next hop for all mail."""

    def __init__(self, folder: Path, listen: str, hop: tuple[str, int]) -> None:
        self.folder, self.smtp = folder, (listen, PORT)
        folder.mkdir()
        self.config = folder / "mailreeve.toml"
        self.config.write_text(
            f'hostname = "gw.test"\ndata_dir = "{folder}/data"\nlog_dir = "{folder}/log"\nsocket = "{folder}/socket"\n'
            f'[[listener]]\nname = "Incoming"\naddress = "{listen}:{PORT}"\n'
            '[accept]\nrelay_networks = ["127.0.0.0/8"]\n'
            f'[[route]]\ndomain = "ALL"\nto = ["[{hop[0]}]:{hop[1]}"]\n'
            "[destination_default]\nconcurrency = 10\n[desk]\nenabled = false\n"
        )

    def __enter__(self) -> "Gateway":
        with (self.folder / "stderr").open("ab") as errors:
            self.process = subprocess.Popen([BINARY, "--config", self.config, "serve"], stdin=subprocess.DEVNULL, stderr=errors)
        wait_until("the gateway answers", self.answers, 20)
        return self

    def __exit__(self, *_: object) -> None:
        end(self.process)

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the gateway ended: {(self.folder / 'stderr').read_text()}")
        try:
            with smtplib.SMTP(*self.smtp, timeout=5):
                return True
        except OSError:
            return False

    def waiting(self) -> int:
        """Recipients that wait for delivery."""
        command = [BINARY, "--config", self.config, "status", "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["gauges"]["active_recips"]

    def send(self, letters: list[Letter]) -> None:
        """Hands messages over by Python's client, over several sessions."""
        shares = [letters[start::SENDERS] for start in range(SENDERS)]
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(self._send_share, shares))

    def _send_share(self, letters: list[Letter]) -> None:
        with smtplib.SMTP(*self.smtp, local_hostname="client.test", timeout=60) as client:
            for letter in letters:
                options = ["BODY=8BITMIME"] if letter.eight_bit else []
                send_exactly(client, letter, options)


def send_exactly(client: smtplib.SMTP, letter: Letter, options: list[str]) -> None:
    """Python's sendmail, but for two things it does of its own: a CRLF after empty content, quotes taken off."""
    client.ehlo_or_helo_if_needed()
    answers = [client.docmd(f"MAIL FROM:<{letter.mail}>", " ".join(options))]
    answers += [client.docmd(f"RCPT TO:<{rcpt}>") for rcpt in letter.rcpts]
    answers.append(client.docmd("DATA"))
    if answers[-1][0] == 354:
        client.send(letter.stuffed + b".\r\n")
        answers.append(client.getreply())
    bad = [answer for answer in answers if answer[0] not in (250, 354)]
    if bad:
        raise RuntimeError(f"refused: {bad} for {letter.mail} {letter.rcpts}")


class Sink:
    """The lab's checking sink: takes all mail and notes it before its 250."""

    def __init__(self, folder: Path, listen: str) -> None:
        self.address, self.journal = (listen, PORT), folder / "delivered.jsonl"

    def __enter__(self) -> "Sink":
        command = [BINARY, "lab", "sink", "--listen", "{}:{}".format(*self.address), "--journal", self.journal]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        end(self.process)

    def arrivals(self) -> Iterator[Arrival]:
        for line in self.journal.read_text().splitlines():
            delivery = json.loads(line)
            for rcpt in delivery["rcpts"]:
                yield Arrival(rcpt["address"], delivery["mail"], delivery["content_sha256"])

    def took(self) -> int:
        """Messages for one recipient so far."""
        return sum(1 for _ in self.arrivals())


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one conversation, kept when it fails. Open to the accounts that peers give up root for."""
    path = Path(tempfile.mkdtemp(prefix="interop-"))
    path.chmod(0o755)
    try:
        yield path
    except BaseException:
        print(f"    what is left of it: {path}", flush=True)
        raise
    shutil.rmtree(path)


def wait_until(what: str, holds: Callable[[], bool], seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds:.0f} s for: {what}")
        time.sleep(0.05)


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise RuntimeError(f"{process.args[0]} did not end") from None


def run(conversations: list[Callable[[], Verdict]]) -> int:
    """Holds all conversations, or those named on the command line, and prints the counts that scripts/test reads."""
    wanted = sys.argv[1:]
    passed = failed = 0
    for conversation in conversations:
        name = conversation.__name__
        if wanted and name not in wanted:
            continue
        began = time.monotonic()
        try:
            verdict = conversation()
            good, told = verdict.good, str(verdict)
        except Exception:  # noqa: BLE001 - a conversation that breaks is a failed one
            good, told = False, traceback.format_exc()
        passed, failed = passed + good, failed + (not good)
        print(f"{'ok' if good else 'FAILED'}: {name}: {told} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
