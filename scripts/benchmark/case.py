"""What is measured: the cases, and the limits that the project sets itself."""

from dataclasses import dataclass

KIB = 1024
MODES = ("relay", "accept")
SESSIONS = (20, 100)
SIZES = (4 * KIB, 64 * KIB)


@dataclass(frozen=True)
class Case:
    """One load.

    `relay`: until the next hop has every message. `accept`: until the last message is acknowledged, while
    nothing can be delivered; afterwards all of it is released and counted at the sink all the same.
    """

    mode: str
    sessions: int
    size: int
    messages: int

    def __str__(self) -> str:
        return f"{self.mode} {self.sessions} x {self.size // KIB} KiB"


@dataclass(frozen=True)
class Wanted:
    """At least this many times the other's rate, at most this part of its CPU a message."""

    rate: float
    cpu: float | None = None


def cases(messages: int, only: list[str]) -> list[Case]:
    """Every case, or those whose name has all words of one of `only`. Large messages come in a quarter of the
    count: enough to last, and the disk is spared."""
    every = [
        Case(mode, sessions, size, max(sessions * 10, messages if size <= 4 * KIB else messages // 4))
        for size in SIZES
        for mode in MODES
        for sessions in SESSIONS
    ]
    if not only:
        return every
    return [case for case in every if any(set(words.split()) <= set(str(case).split()) for words in only)]


def wanted(case: Case) -> Wanted | None:
    """What the project wants of itself against Postfix."""
    if case.mode != "relay" or case.sessions != 20:
        return None
    return Wanted(rate=8.0, cpu=1 / 12) if case.size == 4 * KIB else Wanted(rate=3.0)
