"""A browser's part in a measurement: signs in at the desk, and asks for pages."""

import http.client
import re
import time
import urllib.parse
from pathlib import Path

from peers.unpacked import PeerError

ADDRESS = ("127.0.0.2", 8024)

# Of Delivery Status, as its headings are sorted by.
COLUMNS = ("host", "status", "active_rcpts", "conn_out", "deliv_recip", "soft_bounced", "hard_bounced")


class Browser:
    """Somebody who is signed in as the first user."""

    def __init__(self, data_dir: Path) -> None:
        told = next(data_dir.glob("**/first-login.txt")).read_text(encoding="utf-8")
        password = re.search(r"password:?\s+(\S+)", told, re.I)
        if password is None:
            raise PeerError("the first user's password is not told")
        form = urllib.parse.urlencode({"name": "admin", "password": password[1], "next": "/"})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        _, response, _ = ask("POST", "/login", form, headers)
        cookie = response.getheader("Set-Cookie")
        if cookie is None:
            raise PeerError(f"signing in was answered with {response.status}")
        self.cookie = cookie.split(";")[0]

    def get(self, path: str) -> tuple[float, str]:
        """Seconds from before the connection to the last octet, and what came."""
        seconds, response, text = ask("GET", path, None, {"Cookie": self.cookie})
        if response.status != 200:
            raise PeerError(f"{path} was answered with {response.status}: {text[:200]}")
        return seconds, text


def ask(method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[float, http.client.HTTPResponse, str]:
    """One request over a connection of its own."""
    connection = http.client.HTTPConnection(*ADDRESS, timeout=60)
    try:
        began = time.monotonic()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        return time.monotonic() - began, response, text
    finally:
        connection.close()


def pages(host: str) -> list[str]:
    """Every page there is, each way that Delivery Status can be sorted, and what programs ask for."""
    status = "/monitor/delivery-status"
    paths = [status, f"{status}?offset=20", f"{status}?offset=1900", f"{status}?filter=d1"]
    paths += [f"{status}?sort={column}&direction={way}" for column in COLUMNS for way in ("asc", "desc")]
    paths += [f"{status}/{host}", "/system/status", "/system/alerts"]
    paths += ["/api/v1/status", "/api/v1/status/detail", "/api/v1/alerts", "/api/v1/tophosts?key=active_rcpts"]
    paths += ["/api/v1/deliverystatus", f"/api/v1/hoststatus?host={host}", "/api/v1/dnsstatus", "/api/v1/jobs"]
    paths += ["/api/v1/recipients?scope=all", f"/api/v1/recipients?scope=host&what={host}"]
    return paths
