"""Messages that are easily spoilt, and the comparison of what arrived with what was sent.

The unit of comparison is a message for one recipient: any server on the way may split a message. Every
recipient address is used once, so an arrival is known by it, whatever happened to the content.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# Fields that a server may put on top of a message.
TRACE = ("received", "return-path", "delivered-to", "x-original-to")
LARGE_BYTES = 3_000_000


@dataclass(frozen=True)
class Letter:
    """A message with its envelope. Content has CRLF line ends and no dots doubled."""

    mail: str
    rcpts: list[str]
    content: bytes

    @property
    def eight_bit(self) -> bool:
        return not self.content.isascii()

    @property
    def stuffed(self) -> bytes:
        """The content as it goes over the line after DATA, without the last dot."""
        dotted = self.content.replace(b"\r\n.", b"\r\n..")
        return b"." + dotted if dotted.startswith(b".") else dotted


@dataclass(frozen=True)
class Arrival:
    """A message as a server took it, for one recipient."""

    rcpt: str
    mail: str
    sha256: str


@dataclass
class Manners:
    """What a peer takes, where that is less than everything."""

    quoted: bool = True
    empty: bool = True
    longest_line: int = 998
    domains: tuple[str, ...] = ("one.test", "two.test")


@dataclass
class Verdict:
    """What a comparison found, of messages for one recipient."""

    expected: int
    lost: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.duplicate or self.altered or self.strangers)

    def __str__(self) -> str:
        if self.good:
            return f"{self.expected} recipients, nothing lost, altered or repeated"
        kinds = {"lost": self.lost, "duplicate": self.duplicate, "altered": self.altered, "strangers": self.strangers}
        return "; ".join(f"{len(names)} {kind}: {', '.join(names[:5])}" for kind, names in kinds.items() if names)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def without_trace(content: bytes) -> bytes:
    """The message without the trace fields on top, each with its folded lines."""
    while True:
        name, colon, _ = content.partition(b":")
        if not colon or name.lower().decode("latin-1") not in TRACE:
            return content
        while True:
            _, _, content = content.partition(b"\r\n")
            if content[:1] not in (b" ", b"\t"):
                break


def compare(letters: Iterable[Letter], arrivals: Iterable[Arrival]) -> Verdict:
    promised = {rcpt: (letter.mail, sha256(letter.content)) for letter in letters for rcpt in letter.rcpts}
    verdict = Verdict(len(promised))
    seen: Counter[str] = Counter()
    for arrival in arrivals:
        if arrival.rcpt not in promised:
            verdict.strangers.append(arrival.rcpt)
            continue
        seen[arrival.rcpt] += 1
        if (arrival.mail, arrival.sha256) != promised[arrival.rcpt]:
            verdict.altered.append(f"{arrival.rcpt} from <{arrival.mail}>")
    verdict.duplicate = [rcpt for rcpt, times in seen.items() if times > 1]
    verdict.lost = [rcpt for rcpt in promised if rcpt not in seen]
    return verdict


def letters(count: int, manners: Manners | None = None, seed: int = 1) -> list[Letter]:
    """So many messages, one of them of 3 MB; the same for the same seed."""
    manners, dice = manners or Manners(), random.Random(seed)
    made = [letter(number, manners, dice) for number in range(count)]
    made[count // 2] = letter(count // 2, manners, dice, large)
    return made


def letter(number: int, manners: Manners, dice: random.Random, body: Callable | None = None) -> Letter:
    mail = sender(number, dice)
    rcpts = [recipient(number, index, manners, dice) for index in range(dice.choice((1, 1, 1, 2, 3, 5)))]
    if body is None and manners.empty and number % 50 == 49:
        return Letter(mail, rcpts, b"")
    body = body or dice.choice(BODIES)
    content = body(dice, manners)
    kind = b"8bit" if not content.isascii() else b"7bit"
    header = (
        f"From: <{mail or 'nobody@sender.test'}>\r\nTo: undisclosed-recipients:;\r\nSubject: number {number}\r\n"
        f"Message-ID: <{number}.{dice.getrandbits(40):x}@sender.test>\r\n"
        "Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    ).encode()
    header += b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + kind + b"\r\n\r\n"
    return Letter(mail, rcpts, header + content)


def sender(number: int, dice: random.Random) -> str:
    if number % 7 == 3:
        return ""
    if number % 7 == 5:
        # As long as RFC 5321 section 4.5.3.1 lets a local part and a path be.
        labels = ".".join(dice.choice("abcdefgh") * 60 for _ in range(3))
        return f"{number:x>64}@{labels}.test"
    return f"s{number}@sender.test"


def recipient(number: int, index: int, manners: Manners, dice: random.Random) -> str:
    domain = manners.domains[index % len(manners.domains)]
    if manners.quoted and dice.random() < 0.1:
        return f'"quoted {number} {index}"@{domain}'
    return f"r{number}-{index}+tag@{domain}"


def ordinary(dice: random.Random, manners: Manners) -> bytes:
    return b"".join(text(dice, 72) + b"\r\n" for _ in range(dice.randrange(1, 60)))


def dots(dice: random.Random, manners: Manners) -> bytes:
    starts = (b".", b"..", b"...", b". ", b".\t", b"a.")
    return b"".join(dice.choice(starts) + text(dice, dice.randrange(0, 5)) + b"\r\n" for _ in range(20))


def eight_bit(dice: random.Random, manners: Manners) -> bytes:
    raw = b"".join(bytes(dice.randrange(0x80, 0x100) for _ in range(60)) + b"\r\n" for _ in range(10))
    return "gr\u00fc\u00dfe \u4f60\u597d \U0001f4ee\r\n".encode() + raw


def long_lines(dice: random.Random, manners: Manners) -> bytes:
    return b"".join(text(dice, length) + b"\r\n" for length in (1, manners.longest_line - 1, manners.longest_line))


def traps(dice: random.Random, manners: Manners) -> bytes:
    lines = (b"From somebody Thu Jan  1 00:00:00 1970", b"Received: from nowhere", b"", b"trailing \t ", b"QUIT", b"\x01\x7f")
    return b"".join(dice.choice(lines) + b"\r\n" for _ in range(20))


def nothing(dice: random.Random, manners: Manners) -> bytes:
    return b""


def large(dice: random.Random, manners: Manners) -> bytes:
    line = text(dice, 76) + b"\r\n.\r\n"
    return line * (LARGE_BYTES // len(line) + 1)


def text(dice: random.Random, length: int) -> bytes:
    return bytes(dice.choices(b"abcdefghijklmnopqrstuvwxyz  ,", k=length))


BODIES = (ordinary, ordinary, dots, eight_bit, long_lines, traps, nothing)
