"""The servers that are measured, each started the way its operator would, from default configuration."""

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from peers import Postfix
from peers.unpacked import end, launch, wait_for_port

LISTEN = ("127.0.0.2", 2525)
NEXT_HOP = ("127.0.0.3", 2526)
NO_DESK = "[desk]\nenabled = false\n"
# What observes and may be switched off: in the background, nothing waits for it.
PARTS = ("tracking", "recorder")


class PostfixServer:
    """Postfix. In `accept` mode its mail goes to the hold queue, the cheapest way it has of only accepting."""

    def __init__(self, name: str, settings: dict[str, str]) -> None:
        self.name, self.settings = name, settings
        self.exceptions = ["listen address", "relayhost", "mynetworks = 127.0.0.0/8", "its folders"]
        self.exceptions += [f"{key} = {value}" for key, value in settings.items()]

    def start(self, folder: Path, mode: str, before_exec: Callable[[], None]) -> int:
        settings = dict(self.settings)
        if mode == "accept":
            settings["smtpd_end_of_data_restrictions"] = "check_client_access static:HOLD"
        self.postfix = Postfix(folder, LISTEN, NEXT_HOP, settings)
        self.postfix.start(before_exec)
        return self.postfix.process.pid

    def release(self) -> None:
        """Lets go what was only accepted."""
        self.postfix.release()

    def stop(self) -> None:
        self.postfix.stop()

    def version(self) -> str:
        return f"Postfix {self.postfix.version()}"

    def log(self) -> Path:
        return self.postfix.log


class MailreeveServer:
    """Mailreeve. In `accept` mode nobody listens at its next hop until `release`."""

    def __init__(self, binary: Path, more: str = NO_DESK, name: str = "mailreeve") -> None:
        """`more` stands in the configuration as well."""
        self.binary, self.more, self.name = binary, more, name
        self.exceptions = [
            "listen address",
            "max_connections_per_ip (Postfix counts no connection from its own networks)",
            "one route for all mail",
            "relay_networks = 127.0.0.0/8",
            "its folders",
        ]
        self.exceptions += [f"no {part}" for part in PARTS if part in more]

    def start(self, folder: Path, mode: str, before_exec: Callable[[], None]) -> int:
        """`mode` makes no difference: whether the next hop is there does."""
        self.folder, self.config = folder, folder / "mailreeve.toml"
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(self._config())
        with (folder / "serve.out").open("ab") as output:
            command = [self.binary, "serve", "--config", self.config]
            self.process = launch(command, [], output.fileno(), before_exec)
        wait_for_port(self.process, *LISTEN)
        return self.process.pid

    def release(self) -> None:
        """Lets go what was only accepted."""
        subprocess.run([self.binary, "--config", self.config, "delivernow", "all"], check=True, capture_output=True)

    def stop(self) -> None:
        end(self.process)

    def version(self) -> str:
        run = subprocess.run([self.binary, "--version"], check=True, capture_output=True, text=True)
        return run.stdout.strip()

    def log(self) -> Path:
        return self.folder / "log" / "mail.current"

    def _config(self) -> str:
        return f"""\
hostname = "gateway.example"
data_dir = "{self.folder}/data"
log_dir = "{self.folder}/log"
socket = "{self.folder}/socket"

[[listener]]
name = "Incoming"
address = "{LISTEN[0]}:{LISTEN[1]}"
max_connections_per_ip = 1000

{self.more}
[accept]
relay_networks = ["127.0.0.0/8"]

[[route]]
domain = "ALL"
to = ["[{NEXT_HOP[0]}]:{NEXT_HOP[1]}"]
"""


def servers(binary: Path, names: list[str]) -> list[PostfixServer | MailreeveServer]:
    """The servers of these names, in the order in which the first round takes them."""
    every = [
        MailreeveServer(binary),
        PostfixServer("postfix", {}),
        # Postfix slows its clients down when mail comes in faster than it goes out; this switches it off.
        PostfixServer("postfix-fast", {"in_flow_delay": "0"}),
        MailreeveServer(binary, NO_DESK + without(PARTS), "mailreeve-bare"),
        *(MailreeveServer(binary, NO_DESK + without([part]), f"mailreeve-no-{part}") for part in PARTS),
    ]
    return [server for server in every if server.name in names]


def without(parts: Iterable[str]) -> str:
    return "".join(f"[{part}]\nenabled = false\n" for part in parts)


NAMES = ("mailreeve", "postfix", "postfix-fast")
# Named by those who want to know what observing costs.
ON_DEMAND = ("mailreeve-bare", *(f"mailreeve-no-{part}" for part in PARTS))
