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
    # Messages on a connection of the generator; all of a session's where nothing is said.
    a_connection: int | None = None
    recipients: int = 1

    def __str__(self) -> str:
        more = ", one a connection" if self.a_connection == 1 else ""
        more += f", {self.recipients} recipients" if self.recipients > 1 else ""
        return f"{self.mode} {self.sessions} x {self.size // KIB} KiB{more}"


@dataclass(frozen=True)
class Wanted:
    """At least this many times the other's rate, at most this part of its CPU a message."""

    rate: float | None = None
    cpu: float | None = None


def cases(messages: int, only: list[str]) -> list[Case]:
    """Every case, or those whose name has all words of one of `only`. Large messages come in a quarter of the
    count: enough to last, and the disk is spared; so do those that take longer each."""
    fewer = messages // 4
    every = [
        Case(mode, sessions, size, max(sessions * 10, messages if size <= 4 * KIB else fewer))
        for size in SIZES
        for mode in MODES
        for sessions in SESSIONS
    ]
    # A server may end a connection after a number of messages: one session comes again before that.
    every.append(Case("relay", 1, 4 * KIB, max(10, messages // 10), a_connection=500))
    every.append(Case("relay", 20, 4 * KIB, max(200, fewer), a_connection=1))
    every.append(Case("relay", 20, 4 * KIB, max(200, fewer), recipients=10))
    if not only:
        return every
    return [case for case in every if any(set(words.split()) <= words_of(case) for words in only)]


def words_of(case: Case) -> set[str]:
    """The words of its name."""
    return set(str(case).replace(",", "").split())


def wanted(case: Case) -> Wanted | None:
    """What the project wants of itself against Postfix."""
    if case.mode != "relay" or case.recipients > 1:
        return None
    if case.a_connection == 1:
        return Wanted(cpu=1 / 9)
    if case.size > 4 * KIB or case.sessions == 1:
        return Wanted(rate=4.0)
    return Wanted(rate=11.0, cpu=1 / 15)
