"""The guest: QEMU without hardware support, Debian's kernel, a root in memory, one disk.

    guest ┌ clients ─► gateway ─► sink ┐            host
          │    │          │        └───┼─ port 2 ─► taken: written before each 250 of the sink
          │    └──────────┼────────────┼─ port 1 ─► acknowledged: written after each 250 of the gateway
          └───────── /dev/vda ─────────┘            an image file

The machine loses its power when QEMU is killed: what the kernel had not written to the disk is gone, and so is
everything on its way to a port. What stands in the host's files left the guest before the cut.
"""

import shutil
import signal
import subprocess
import time
from pathlib import Path

from peers.unpacked import PeerError, places

from .afterwards import CrashError, configuration, library, run

HERE = Path(__file__).resolve().parent
DISK_MIB = 512
# An emulated machine of two cores on a busy one.
BOOT_SECONDS = 120.0


def parts() -> dict[str, Path]:
    """`kernel` and `root`, fetched at the first call."""
    try:
        return places("guest")
    except PeerError as error:
        raise CrashError(str(error)) from None


def pack(binary: Path, folder: Path) -> Path:
    """Packs a root with `binary` in it, and the libraries it is linked with: the image a guest boots."""
    root = folder / "root"
    shutil.copytree(parts()["root"], root)
    for name in ("proc", "sys", "dev", "lib"):
        (root / name).mkdir()
    shutil.copy(binary, root / "bin" / "mailreeve")
    for needed in needs(binary):
        place = root / needed.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(needed, place)
    library(HERE / "withheld.c", root / "lib" / "withheld.so")
    shutil.copy(HERE / "init.sh", root / "init")
    (root / "init").chmod(0o755)
    (root / "gateway.toml").write_text(configuration(Path("/data"), "127.0.0.1:2525", "127.0.0.1:2526"))
    image = folder / "root.cpio"
    with image.open("wb") as output:
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=names.encode(), stdout=output, cwd=root, check=True)
    shutil.rmtree(root)
    return image


def needs(binary: Path) -> list[Path]:
    listed = subprocess.run(["ldd", binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    words = [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    return [Path(word) for word in words]


def new_disk(path: Path) -> None:
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(DISK_MIB << 20)
    run(["mkfs.ext4", "-q", "-F", path])


class Guest:
    """A machine that runs until its power is cut."""

    def __init__(self, image: Path, disk: Path, folder: Path, seed: int, wrong: str | None = None) -> None:
        self.acknowledged, self.taken = folder / f"acknowledged-{seed}", folder / f"taken-{seed}"
        self.console = folder / f"console-{seed}"
        words = f"console=ttyS0 quiet panic=-1 seed={seed}" + (f" wrong={wrong}" if wrong else "")
        command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "768", "-no-reboot", "-display", "none"]
        command += ["-kernel", parts()["kernel"], "-initrd", image, "-append", words, "-nic", "none"]
        command += ["-drive", f"file={disk},if=virtio,format=raw,cache=writeback", "-serial", f"file:{self.console}"]
        command += ["-device", "virtio-serial"]
        for number, file in enumerate((self.acknowledged, self.taken)):
            command += ["-chardev", f"file,id=port{number},path={file}"]
            command += ["-device", f"virtserialport,chardev=port{number},nr={number + 1}"]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, start_new_session=True)

    def wait_for_work(self) -> None:
        """Returns when a first message was acknowledged."""
        deadline = time.monotonic() + BOOT_SECONDS
        while not (self.acknowledged.exists() and self.acknowledged.stat().st_size):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.cut()
                end = self.console.read_text(errors="replace")[-2000:] if self.console.exists() else ""
                raise CrashError(f"the guest acknowledged nothing; its console ends:\n{end}")
            time.sleep(0.02)

    def outlive(self, seconds: float) -> None:
        """Lets it work for a while."""
        time.sleep(seconds)
        if self.process.poll() is not None:
            raise CrashError(f"the guest ended by itself:\n{self.console.read_text(errors='replace')[-2000:]}")

    def cut(self) -> None:
        """Takes the power away."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
