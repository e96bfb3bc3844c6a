"""A control group for one server: CPU of everything it ever ran, and its memory.

CPU comes from the unified hierarchy, which counts it without any controller. Memory comes from whichever
hierarchy has the memory controller. Without a hierarchy that we may write to, both come from walking the
process tree, and the result says so.
"""

import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

MEMORY_EVERY_SECONDS = 0.25
END_WITHIN_SECONDS = 20.0


@dataclass(frozen=True)
class Cpu:
    """Microseconds."""

    user: int
    system: int

    @property
    def total(self) -> int:
        return self.user + self.system

    def since(self, earlier: "Cpu") -> "Cpu":
        return Cpu(self.user - earlier.user, self.system - earlier.system)


class Group:
    """The group of one server's processes. `join` runs in the child before it becomes the server."""

    def __init__(self, name: str) -> None:
        self.cpu_folder = make("cgroup2", None, name)
        self.memory_folder = self.cpu_folder if has_memory(self.cpu_folder) else make("cgroup", "memory", name)
        self.peak_anonymous = 0
        self._roots: list[int] = []
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def join(self) -> None:
        for folder in self._folders():
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def watch(self, pid: int) -> None:
        """Names the server's first process, for machines without control groups."""
        self._roots.append(pid)

    def cpu(self) -> Cpu:
        if self.cpu_folder is None:
            return tree_cpu(self.processes())
        stat = dict(line.split() for line in (self.cpu_folder / "cpu.stat").read_text().splitlines())
        return Cpu(int(stat["user_usec"]), int(stat["system_usec"]))

    def processes(self) -> list[int]:
        if self.cpu_folder is None:
            return descendants(self._roots)
        return [int(pid) for pid in (self.cpu_folder / "cgroup.procs").read_text().split()]

    def threads(self) -> dict[str, float]:
        """Microseconds on a CPU of the threads that are there, those of one name together."""
        spent: dict[str, float] = {}
        for pid in self.processes():
            for task in Path(f"/proc/{pid}/task").glob("*"):
                try:
                    name, ran = (task / "comm").read_text().strip(), (task / "schedstat").read_text().split()[0]
                except OSError:
                    continue
                spent[name] = spent.get(name, 0.0) + int(ran) / 1000
        return spent

    def peak_with_cache(self) -> int | None:
        """Bytes of memory at the peak, with the page cache charged to the group."""
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            if self.memory_folder is not None and (self.memory_folder / name).exists():
                return int((self.memory_folder / name).read_text())
        return None

    def note(self) -> str:
        if self.cpu_folder is None:
            return "no control groups: CPU from /proc, in ticks of 10 ms, orphans left out"
        memory = "control group" if self.memory_folder is not None else "sum over /proc"
        return f"CPU from control group v2; memory (anonymous) from {memory}"

    def close(self) -> list[int]:
        """Removes the group. Processes that are left in it after a while are killed; returns which."""
        self._over.set()
        self._sampler.join()
        left = [] if self.cpu_folder is None else self._wait_until_empty()
        if left:
            (self.cpu_folder / "cgroup.kill").write_text("1")
            self._wait_until_empty()
        for folder in self._folders():
            folder.rmdir()
        return left

    def _wait_until_empty(self) -> list[int]:
        """Processes that are left when the time is up."""
        deadline = time.monotonic() + END_WITHIN_SECONDS
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _folders(self) -> set[Path]:
        return {folder for folder in (self.cpu_folder, self.memory_folder) if folder is not None}

    def _sample(self) -> None:
        while not self._over.wait(MEMORY_EVERY_SECONDS):
            self.peak_anonymous = max(self.peak_anonymous, self._anonymous())

    def _anonymous(self) -> int:
        """Bytes of memory that hold no file: what the server itself asked for."""
        if self.memory_folder is None:
            return sum(anonymous_of(pid) for pid in self.processes())
        stat = dict(line.split() for line in (self.memory_folder / "memory.stat").read_text().splitlines())
        return int(stat.get("anon") or stat.get("total_rss") or 0)


def make(kind: str, controller: str | None, name: str) -> Path | None:
    """Makes a group in the hierarchy of this kind and controller; `None` where there is none for us."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, mounted, options, *_ = line.split()
        if mounted == kind and (controller is None or controller in options.split(",")):
            folder = Path(place) / f"{name}-{os.getpid()}"
            try:
                folder.mkdir()
            except OSError:
                continue
            return folder
    return None


def has_memory(folder: Path | None) -> bool:
    return folder is not None and (folder / "memory.stat").exists()


def stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on; a process that is gone has none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def descendants(roots: list[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat_fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def tree_cpu(processes: list[int]) -> Cpu:
    """Own time and that of children waited for."""
    tick = 1_000_000 // os.sysconf("SC_CLK_TCK")
    user = system = 0
    for fields in filter(None, map(stat_fields, processes)):
        user += (int(fields[11]) + int(fields[13])) * tick
        system += (int(fields[12]) + int(fields[14])) * tick
    return Cpu(user, system)


def anonymous_of(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss_Anon:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
