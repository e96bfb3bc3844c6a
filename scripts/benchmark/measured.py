"""A gateway that is measured for a while, and what was found so far."""

import json
import subprocess
from pathlib import Path

from .server import MailreeveServer


class Measured:
    """A gateway with more settings, in a folder; nothing is started yet."""

    def __init__(self, binary: Path, folder: Path, settings: str) -> None:
        self.binary, self.folder = binary, folder
        self.server = MailreeveServer(binary, settings)
        self.found: dict[str, float] = {}

    def tell(self, name: str, value: float, unit: str) -> None:
        self.found[f"{name} ({unit})"] = round(value, 3)
        print(f"{name:<58} {value:>12,.3f} {unit}", flush=True)

    def memory(self, field: str = "VmRSS") -> int:
        """Of the gateway, in octets."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) * 1024

    def ask(self, *words: str) -> str:
        command = [self.binary, "--config", self.server.config, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def write(self, file: Path | None) -> None:
        """Writes what was found, where that is wanted."""
        if file:
            file.write_text(json.dumps(self.found, indent=1) + "\n")
