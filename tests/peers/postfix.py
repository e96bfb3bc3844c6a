"""Postfix as Debian builds it, from unpacked files: its configuration, queue, data and log in one folder.

What differs from Debian's defaults is what a folder of its own needs, where it listens, and its next hop; the
rest is Debian's `main.cf` and `master.cf` as they are, services out of their chroot.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from . import unpacked

# Accounts every Debian has. Postfix wants two that it does not share with what it hands mail to.
OWNER, SUBMITTERS = "mail", "uucp"
QUEUES = ("incoming", "active", "deferred", "hold", "corrupt", "maildrop")


class Postfix:
    """One instance. `relayhost` takes all its mail; without one it delivers by DNS."""

    def __init__(
        self,
        folder: Path,
        listen: tuple[str, int],
        relayhost: tuple[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        unpacked.need_root("Postfix")
        self.folder, self.listen, self.relayhost = folder, listen, relayhost
        self.files = unpacked.folders()["postfix"]
        self.programs = self.files / "usr/lib/postfix/sbin"
        self.environment = unpacked.environment(self.files / "usr/lib/postfix")
        self.config, self.queue, self.log = folder / "etc", folder / "queue", folder / "log/mail.log"
        self.process: subprocess.Popen | None = None
        self._lay_out()
        self._write_main(dict(settings or {}))
        self._write_master()

    def start(self, before_exec: Callable[[], None] | None = None) -> None:
        """Starts the master as our child and returns when it answers. `before_exec` runs in the child."""
        # Creates the queue's folders with the rights that the daemons insist on.
        self._run("postfix", "-c", self.config, "check")
        master = [self.programs / "master", "-c", self.config, "-d"]
        self.process = unpacked.launch(master, [self.files / "usr/lib/postfix"], None, before_exec)
        try:
            unpacked.wait_for_port(self.process, *self.listen)
        except unpacked.PeerError as error:
            self.stop()
            raise unpacked.PeerError(f"{error}; its log ends: {self.log_tail()}") from None

    def stop(self) -> None:
        """Ends the master and with it every daemon."""
        if self.process is not None:
            process, self.process = self.process, None
            if process.poll() is None:
                unpacked.end(process)

    def queued(self) -> int:
        """Messages in the queue, deferred ones included."""
        return sum(len(files) for name in QUEUES for _, _, files in os.walk(self.queue / name))

    def flush(self) -> None:
        """Has every deferred message tried now."""
        self._run("postqueue", "-c", self.config, "-f")

    def release(self) -> None:
        """Has every message that was put on hold delivered now."""
        self._run("postsuper", "-c", self.config, "-H", "ALL")
        self.flush()

    def set(self, **settings: str) -> None:
        """Changes settings of the running instance."""
        self._run("postconf", "-c", self.config, *(f"{name}={value}" for name, value in settings.items()))
        self._run("postfix", "-c", self.config, "reload")

    def log_tail(self, lines: int = 10) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def version(self) -> str:
        return self._run("postconf", "-c", self.config, "-h", "mail_version").stdout.strip()

    def __enter__(self) -> "Postfix":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _lay_out(self) -> None:
        for part in (self.config, self.queue, self.folder / "data", self.log.parent):
            part.mkdir(parents=True, exist_ok=True)
        # A file a process of that account could replace would let it choose what root runs.
        shutil.chown(self.folder / "data", OWNER)
        for name in ("postfix-files", "dynamicmaps.cf"):
            found = next(self.files.glob(f"*/**/{name}"), None)
            if found is not None:
                shutil.copy(found, self.config / name)
        for script in ("postfix-script", "post-install"):
            found = self.files / "etc/postfix" / script
            if found.exists() and not (self.programs / script).exists():
                shutil.copy(found, self.programs / script)

    def _write_main(self, settings: dict[str, str]) -> None:
        here = {
            "config_directory": self.config,
            "meta_directory": self.config,
            "queue_directory": self.queue,
            "data_directory": self.folder / "data",
            "daemon_directory": self.programs,
            "command_directory": self.files / "usr/sbin",
            "shlib_directory": self.files / "usr/lib/postfix",
            "sendmail_path": self.files / "usr/sbin/sendmail",
            "mail_owner": OWNER,
            "setgid_group": SUBMITTERS,
            "maillog_file": self.log,
            "maillog_file_prefixes": self.log.parent,
            "import_environment": "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH",
            "myhostname": "postfix.example",
            "mynetworks": "127.0.0.0/8",
            # It knows the addresses of interfaces only; where it listens stands in master.cf.
            "inet_interfaces": "loopback-only",
            "inet_protocols": "ipv4",
            # Files of a system that has no Postfix.
            "alias_maps": "",
            "alias_database": "",
        }
        if self.relayhost is not None:
            here["relayhost"] = f"[{self.relayhost[0]}]:{self.relayhost[1]}"
        debian = (self.files / "usr/share/postfix/main.cf.debian").read_text()
        lines = [f"{name} = {value}\n" for name, value in (here | settings).items()]
        (self.config / "main.cf").write_text(debian + "".join(lines))

    def _write_master(self) -> None:
        """Debian's services, out of their chroot, without the ones that hand mail to other programs."""
        lines = []
        skip = False
        for line in (self.files / "usr/share/postfix/master.cf.dist").read_text().splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0].isspace():
                if not skip:
                    lines.append(line)
                continue
            fields = line.split()
            skip = fields[7] == "pipe"
            if skip:
                continue
            if fields[:2] == ["smtp", "inet"]:
                fields[0] = f"{self.listen[0]}:{self.listen[1]}"
            fields[4] = "n"
            lines.append(" ".join(fields))
        (self.config / "master.cf").write_text("\n".join(lines) + "\n")

    def _run(self, program: str, *arguments: object) -> subprocess.CompletedProcess:
        command = [str(self.files / "usr/sbin" / program), *map(str, arguments)]
        run = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise unpacked.PeerError(f"{' '.join(command)}: {run.stderr.strip() or self.log_tail()}")
        return run
