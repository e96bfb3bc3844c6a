"""The block device under a folder, and what was written to it."""

import os
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512


class NotADisk(Exception):
    """The folder is on no block device: its writes would cost nothing."""


@dataclass(frozen=True)
class Written:
    """Of the whole device: the kernel counts flushes nowhere else."""

    bytes: int
    flushes: int

    def since(self, earlier: "Written") -> "Written":
        return Written(self.bytes - earlier.bytes, self.flushes - earlier.flushes)


class Disk:
    def __init__(self, folder: Path) -> None:
        self.kind = file_system(folder)
        number = os.stat(folder).st_dev
        device = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
        if not device.exists():
            raise NotADisk(f"{folder} is on {self.kind}, which is on no disk: choose another folder (--folder)")
        device = device.resolve()
        # Flushes are counted for the whole disk, not for a partition.
        self.device = device.parent if (device / "partition").exists() else device

    def written(self) -> Written:
        """Fields of /sys/block/*/stat: 7 is sectors written, 16 is flush requests (Linux 5.5 or later)."""
        fields = [int(field) for field in (self.device / "stat").read_text().split()]
        return Written(bytes=fields[6] * SECTOR, flushes=fields[15] if len(fields) > 15 else 0)

    def __str__(self) -> str:
        return f"{self.kind} on {self.device.name}"


def file_system(folder: Path) -> str:
    """Type of the file system that a folder is on."""
    found = ("?", Path("/"))
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        mount = Path(place.replace("\\040", " "))
        if folder.resolve().is_relative_to(mount) and len(mount.parts) >= len(found[1].parts):
            found = (kind, mount)
    return found[0]
