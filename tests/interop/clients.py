#!/usr/bin/env python3
"""Other people's clients hand 1,000 messages each to Mailreeve; what the next hop took is what they sent.

Clients: swaks, Python's smtplib, Postfix's smtp-source.
"""

import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
import random
import smtplib

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
sys.dont_write_bytecode = True

from letters import BODIES, Letter, Manners, Verdict, compare, large, letters  # noqa: E402
from peers import unpacked  # noqa: E402
from place import SENDERS, Gateway, Sink, address, folder, run, wait_until  # noqa: E402

COUNT = 1_000


class Relay(ExitStack):
    """Gateway and sink, started together."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def __enter__(self) -> "Relay":
        super().__enter__()
        self.folder = self.enter_context(folder())
        self.sink = self.enter_context(Sink(self.folder, address(self.number + 1)))
        self.gateway = self.enter_context(Gateway(self.folder / "gateway", address(self.number), self.sink.address))
        return self

    def verdict(self, sent: Iterable[Letter]) -> Verdict:
        wait_until("the queue is empty", lambda: self.gateway.waiting() == 0)
        return compare(sent, self.sink.arrivals())


def smtplib_client() -> Verdict:
    # Its sendmail ends every message with CRLF, so that it cannot send an empty one.
    sent = letters(COUNT, Manners(empty=False), seed=1)
    with Relay(1) as relay:

        def share(mine: list[Letter]) -> None:
            with smtplib.SMTP(*relay.gateway.smtp, local_hostname="client.test", timeout=60) as client:
                for letter in mine:
                    options = ["BODY=8BITMIME"] if letter.eight_bit else []
                    refused = client.sendmail(letter.mail, letter.rcpts, letter.content, options)
                    assert not refused, refused

        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(share, [sent[start::SENDERS] for start in range(SENDERS)]))
        return relay.verdict(sent)


def swaks() -> Verdict:
    sent = letters(COUNT, seed=2)
    with Relay(3) as relay:

        def hand_over(letter: Letter) -> None:
            # Its own changes to content are off, so the dots are ours.
            data = relay.folder / f"data-{letter.rcpts[0].partition('@')[0]}"
            data.write_bytes(letter.stuffed + b".\r\n")
            server = "{}:{}".format(*relay.gateway.smtp)
            command = ["swaks", "--server", server, "--ehlo", "client.test", "--from", letter.mail or "<>"]
            command += ["--to", ",".join(letter.rcpts), "--no-data-fixup", "--data", f"@{data}", "--silent", "2"]
            subprocess.run(command, check=True, capture_output=True)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(hand_over, sent))
        return relay.verdict(sent)


def smtp_source() -> Verdict:
    """One run sends one content many times, so there are as many runs as kinds of content and sender."""
    program = unpacked.folders()["postfix"] / "usr/sbin/smtp-source"
    libraries = unpacked.folders()["postfix"] / "usr/lib/postfix"
    dice = random.Random(3)
    senders = ("a@sender.test", f"{'x' * 64}@{'.'.join(['y' * 60] * 3)}.test")
    sent: list[Letter] = []
    with Relay(5) as relay:
        plans = [(body, mail, 70, 3) for body in BODIES for mail in senders] + [(large, senders[0], 1, 1)]
        plans.append((BODIES[0], senders[0], COUNT - sum(plan[2] for plan in plans), 1))
        for number, (body, mail, count, rcpts) in enumerate(plans):
            content = f"Subject: run {number}\r\n\r\n".encode() + body(dice, Manners())
            file = relay.folder / f"content-{number}"
            # It doubles dots itself, and puts CRLF after every line and another one at the end.
            file.write_bytes(content.replace(b"\r\n", b"\n"))
            content += b"\r\n"
            command = [program, "-N", "-s", "10", "-m", count, "-r", rcpts, "-f", mail, "-F", file]
            command += ["-M", "client.test", "-t", f"run{number}@one.test", "{}:{}".format(*relay.gateway.smtp)]
            subprocess.run([str(word) for word in command], check=True, env=unpacked.environment(libraries))
            # It numbers the recipients of a run and puts the number in front.
            names = [f"{serial}run{number}@one.test" for serial in range(1, count * rcpts + 1)]
            sent += [Letter(mail, names[start : start + rcpts], content) for start in range(0, count * rcpts, rcpts)]
        return relay.verdict(sent)


if __name__ == "__main__":
    sys.exit(run([smtplib_client, swaks, smtp_source]))
