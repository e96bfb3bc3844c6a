"""OpenSMTPD as Debian builds it, from unpacked files, in a mount namespace of its own.

Its accounts and folders are compiled in, so it sees its own `/etc/passwd`, `/etc/group`, `/etc/resolv.conf`,
`/var/lib`, `/var/spool` and `/run`; the machine's stay as they are.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from . import unpacked

# Two accounts that nobody has, with ids from the range Debian leaves to the administrator.
ACCOUNTS = {"opensmtpd": 64990, "opensmtpq": 64991}


class OpenSMTPD:
    """One instance. `relay` takes all its mail; without one it looks for MX records and finds none."""

    def __init__(self, folder: Path, listen: tuple[str, int], relay: tuple[str, int] | None = None) -> None:
        unpacked.need_root("OpenSMTPD")
        self.folder, self.listen, self.relay = folder, listen, relay
        self.files = unpacked.folders()["opensmtpd"]
        self.log, self.config = folder / "smtpd.log", folder / "smtpd.conf"
        self.spool = folder / "spool/smtpd"
        self.process: subprocess.Popen | None = None
        self._lay_out()

    def start(self, before_exec: Callable[[], None] | None = None) -> None:
        """Starts the daemon as our child and returns when it answers. `before_exec` runs in the child."""
        mounts = {
            self.folder / "passwd": "/etc/passwd",
            self.folder / "group": "/etc/group",
            self.folder / "resolv.conf": "/etc/resolv.conf",
            self.folder / "mailname": "/etc/mailname" if Path("/etc/mailname").exists() else None,
            self.folder / "spool": "/var/spool",
            self.folder / "lib": "/var/lib",
            self.folder / "run": "/run",
        }
        script = "".join(f"mount --bind '{own}' '{place}'\n" for own, place in mounts.items() if place)
        daemon = self.files / "usr/sbin/smtpd"
        script = f"set -e\n{script}exec '{daemon}' -d -f '{self.config}'\n"
        with self.log.open("ab") as log:
            inside = ["unshare", "--mount", "--propagation=private", "sh", "-c", script]
            self.process = unpacked.launch(inside, [], log.fileno(), before_exec)
        try:
            unpacked.wait_for_port(self.process, *self.listen)
        except unpacked.PeerError as error:
            self.stop()
            raise unpacked.PeerError(f"{error}; its log ends: {self.log_tail()}") from None

    def stop(self) -> None:
        if self.process is not None:
            process, self.process = self.process, None
            if process.poll() is None:
                unpacked.end(process)

    def queued(self) -> int:
        """Messages in the queue: each has a folder with an envelope for every recipient left."""
        return sum("message" in files for _, _, files in os.walk(self.spool / "queue"))

    def log_tail(self, lines: int = 10) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> "OpenSMTPD":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _lay_out(self) -> None:
        for part in ("spool", "run", "lib/opensmtpd/empty"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        passwd, group = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
        for name, number in ACCOUNTS.items():
            passwd += f"{name}:x:{number}:{number}::/var/lib/opensmtpd/empty:/usr/sbin/nologin\n"
            group += f"{name}:x:{number}:\n"
        (self.folder / "passwd").write_text(passwd)
        (self.folder / "group").write_text(group)
        # It asks for the name of every client. Nobody answers there, at once.
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (self.folder / "mailname").write_text("opensmtpd.example\n")
        host, port = self.listen
        relay = ""
        if self.relay is not None:
            relay = f' host "smtp://{self.relay[0]}:{self.relay[1]}"'
        self.config.write_text(
            f"listen on {host} port {port} hostname opensmtpd.example\n"
            f'action "relay" relay helo opensmtpd.example{relay}\n'
            'match from src 127.0.0.0/8 for any action "relay"\n'
        )
