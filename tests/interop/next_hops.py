#!/usr/bin/env python3
"""Mailreeve hands 1,000 messages each to other people's servers; what they took is what it was given.

Next hops: aiosmtpd, which keeps what it takes; Postfix and OpenSMTPD, which relay to the lab's sink, so that
what is compared has passed through their queues.
"""

import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
sys.dont_write_bytecode = True

from aiosmtpd.controller import Controller  # noqa: E402
from aiosmtpd.smtp import SMTP  # noqa: E402

from letters import Arrival, Letter, Manners, Verdict, compare, letters, sha256, without_trace  # noqa: E402
from peers import OpenSMTPD, Postfix  # noqa: E402
from place import PORT, Gateway, Sink, address, folder, run, wait_until  # noqa: E402

COUNT = 1_000


class Keeper:
    """aiosmtpd's end of a conversation: keeps a line for each recipient of what it takes."""

    def __init__(self) -> None:
        self.kept: list[Arrival] = []
        self.lock = threading.Lock()

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        digest = sha256(without_trace(envelope.original_content))
        with self.lock:
            self.kept += [Arrival(rcpt, envelope.mail_from.strip("<>"), digest) for rcpt in envelope.rcpt_tos]
        return "250 2.0.0 kept"


def aiosmtpd() -> Verdict:
    keeper = Keeper()
    # Its limit counts the end of the line.
    SMTP.line_length_limit = 1001
    server = Controller(keeper, address(1), PORT, data_size_limit=50_000_000, enable_SMTPUTF8=True, ident="aiosmtpd")
    server.start()
    try:
        with folder() as place, Gateway(place / "gateway", address(2), (address(1), PORT)) as gateway:
            sent = letters(COUNT, seed=11)
            gateway.send(sent)
            wait_until("the queue is empty", lambda: gateway.waiting() == 0)
            return compare(sent, keeper.kept)
    finally:
        server.stop()


def postfix() -> Verdict:
    # Without this it adds what it finds missing to the headers of hosts it trusts.
    settings = {"local_header_rewrite_clients": "", "message_size_limit": "50000000"}
    with folder() as place, Sink(place, address(3)) as sink:
        peer = Postfix(place / "postfix", (address(4), PORT), sink.address, settings)
        return through(peer, peer.listen, place, sink, letters(COUNT, Manners(empty=False), seed=12))


def opensmtpd() -> Verdict:
    # Quoted local parts are refused there.
    with folder() as place, Sink(place, address(5)) as sink:
        peer = OpenSMTPD(place / "opensmtpd", (address(6), PORT), sink.address)
        return through(peer, peer.listen, place, sink, letters(COUNT, Manners(quoted=False, empty=False), seed=13))


def through(
    peer: AbstractContextManager, listen: tuple[str, int], place: Path, sink: Sink, sent: list[Letter]
) -> Verdict:
    """By way of Mailreeve and a relaying peer to the sink."""
    with peer, Gateway(place / "gateway", address(int(listen[0].rpartition(".")[2]) + 20), listen) as gateway:
        gateway.send(sent)
        wait_until("the gateway's queue is empty", lambda: gateway.waiting() == 0)
        wait_until("the peer's queue is empty", lambda: peer.queued() == 0)
        return compare(sent, sink.arrivals())


if __name__ == "__main__":
    sys.exit(run([aiosmtpd, postfix, opensmtpd]))
