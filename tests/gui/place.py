"""A gateway with the desk enabled, in a world of mail hosts of every kind."""

import json
import re
import smtplib
import socket
import subprocess
import time
from pathlib import Path

PATIENCE = 60.0


def free_port(address="127.0.0.1"):
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def until(what, condition, patience=PATIENCE):
    """Waits for a condition and returns its value."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:.0f} s in vain: {what}")


class Place:
    """A world, a gateway in it, and a folder for both. Ends what it started."""

    def __init__(self, binary, folder):
        self.binary, self.folder = str(binary), Path(folder)
        self.children = []
        self.dns, self.smtp, self.desk, self.port = (free_port() for _ in range(4))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.desk}"

    def start(self, *words):
        with open(self.folder / f"{len(self.children)}-{words[0]}.log", "w", encoding="utf-8") as log:
            child = subprocess.Popen([self.binary, *words], stdout=log, stderr=log, cwd=self.folder)
        self.children.append(child)

    def settle(self):
        """The world: a zone for each kind of destination. Both that are away share a mail host."""
        hosts = {"up.test": 9, "greylisting.test": 10, "away.test": 11, "also-away.test": 11}
        zones = "".join(
            f'[[zone]]\norigin = "{name}"\nrecords = ["@ MX 10 mx.{name}", "mx.{name} A 127.16.0.{last}"]\n'
            for name, last in hosts.items()
        )
        (self.folder / "world.toml").write_text(
            f'dns = "127.0.0.1:{self.dns}"\nport = {self.port}\n{zones}'
            '[[behaviour]]\nname = "broken.test"\ndo = "servfail"\n'
            '[[host]]\naddress = "127.16.0.9"\ntemper = "healthy"\n'
            '[[host]]\naddress = "127.16.0.10"\ntemper = "greylisting"\ncount = 1000\n',
            encoding="utf-8",
        )
        self.start("lab", "world", "world.toml")
        (self.folder / "mailreeve.toml").write_text(
            f'hostname = "mail.gui.test"\ndata_dir = "{self.folder}/data"\nlog_dir = "{self.folder}/log"\n'
            f'socket = "{self.folder}/socket"\n'
            f'[[listener]]\nname = "In"\naddress = "127.0.0.1:{self.smtp}"\n'
            '[accept]\nrelay_networks = ["127.0.0.0/8"]\n'
            f'[dns]\nservers = ["127.0.0.1:{self.dns}"]\n'
            f"[delivery]\nport = {self.port}\nrefused_networks = []\n"
            f'[desk]\nenabled = true\naddress = "127.0.0.1:{self.desk}"\n',
            encoding="utf-8",
        )
        self.start("--config", "mailreeve.toml", "serve")
        until("the gateway listens", lambda: self.answers(self.smtp) and self.answers(self.desk))

    @staticmethod
    def answers(port):
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def host_comes_back(self):
        """The host that was away takes mail from now on."""
        self.start("lab", "host", "--listen", f"127.16.0.11:{self.port}")

    def command(self, words):
        done = subprocess.run(
            [self.binary, "--config", "mailreeve.toml", "--json", *words.split()],
            cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def destination(self, host):
        lines = self.command(f"deliverystatus host {host}").get("destinations", [])
        return next((line for line in lines if line["host"] == host), {})

    def restart(self, while_away):
        """Ends the gateway, does something, and starts it again."""
        gateway = self.children[1]
        gateway.terminate()
        gateway.wait(PATIENCE)
        while_away()
        self.start("--config", "mailreeve.toml", "serve")
        self.children[1] = self.children.pop()
        until("the gateway is back", lambda: self.answers(self.smtp) and self.answers(self.desk))

    def send(self, recipients, subjects=None):
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=PATIENCE) as client:
            for number, recipient in enumerate(recipients):
                subject = subjects[number] if subjects else f"</td><script>alert({number})</script>"
                text = f"Subject: {subject}\r\n\r\nhello\r\n"
                client.sendmail("ann@sender.test", [recipient], text.encode())

    def password(self):
        """The first user's, from the file that tells it once."""
        told = until("the first user is told", lambda: next(self.folder.glob("data/**/first-login.txt"), None))
        return re.search(r"password:?\s+(\S+)", told.read_text(encoding="utf-8"), re.I).group(1)
