"""What happens to pages that stay open, and to text that wants to be more than text."""

import re
from urllib.parse import quote

from place import until


def gets_its_table(visit):
    """A page that was opened empty shows the table when a row comes."""
    visit.go("/monitor/delivery-status?filter=later")
    assert "No destination" in visit.page.locator("#list").inner_text()
    visit.place.send(["one@later.test"])
    row = visit.page.locator("#rows tr", has=visit.page.get_by_role("link", name="later.test", exact=True))
    until("its row comes", lambda: row.count() == 1)


PAYLOADS = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)",
    "=?utf-8?b?PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==?=", "</title><svg/onload=alert(1)>", "{{7*7}}${7*7}<%=7*7%>",
    "=cmd|' /C calc'!A0", "%0d%0aLocation:%20//evil", "' OR 1=1--", "../../../../etc/passwd", "`id`;$(id)|id",
]
DECODED = {"=?utf-8?b?PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==?=": "<script>alert(1)</script>"}


def shows_text_as_text(visit):
    """What others write in a subject or in the address of a page is shown as it was, and nothing of it runs."""
    visit.place.send([f"to{number}@broken.test" for number in range(len(PAYLOADS))], PAYLOADS)
    visit.go("/monitor/delivery-status/broken.test")
    shown = visit.page.locator("#waiting td bdi").all_inner_texts()
    for payload in PAYLOADS:
        assert DECODED.get(payload, payload) in shown, (payload, shown)
    for payload in PAYLOADS:
        word = quote(payload, safe="")
        for path in ("/explain?q=", "/monitor/delivery-status?filter=", "/monitor/delivery-status?done="):
            visit.go(path + word)
            assert visit.page.locator("h1").count() == 1, path


def says_where_there_is_nothing(visit):
    """A wrong address is a page, not JSON."""
    visit.page.goto(visit.place.address + "/nothing/here")
    assert visit.page.locator("h1").inner_text() == "There is no such page"
    visit.shot("nothing")
    # The browser itself complains of the 404.
    visit.complaints = [one for one in visit.complaints if "404" not in one]


def comes_back(visit):
    """A live page says that the connection is lost and goes live again by itself; the session goes on."""
    visit.go("/monitor/delivery-status")
    pulse = visit.page.locator("#pulse")
    until("it is live", lambda: pulse.inner_text() == "live")

    def is_away():
        lost = r"connection lost, trying again( in \d+ s)?$"
        until("the page says so", lambda: re.search(lost, pulse.inner_text()))
        visit.shot("lost")

    visit.place.restart(is_away)
    until("it is live again", lambda: pulse.inner_text() == "live")
    # The browser itself complains of what it could not fetch meanwhile.
    visit.complaints = [one for one in visit.complaints if "net::ERR" not in one]


def says_that_a_session_is_over(visit):
    """When the session has ended an open page says so, with a way back in, and keeps what it shows."""
    visit.go("/monitor/delivery-status?sort=host")
    until("it is live", lambda: visit.page.locator("#pulse").inner_text() == "live")
    visit.page.context.clear_cookies()
    enter = visit.page.locator("#pulse a")
    until("the page says so", lambda: visit.place.send(["x@up.test"]) or enter.count() == 1)
    assert "Your session has ended." in visit.page.locator("#pulse").inner_text()
    assert visit.page.locator("#rows tr").count() > 3
    visit.shot("over")
    enter.click()
    visit.page.wait_for_url("**/login?next=**")
    assert visit.page.locator("input[name=next]").input_value() == "/monitor/delivery-status?sort=host"
    visit.complaints = [one for one in visit.complaints if "401" not in one]


def retries(visit):
    """Retry All Delivery moves what became deliverable, says so, and the page follows by itself."""
    visit.go("/monitor/delivery-status")
    visit.place.host_comes_back()
    until("the host is back", lambda: visit.page.request.get(visit.place.address + "/").ok)
    visit.page.get_by_role("button", name="Retry All Delivery").click()
    said = visit.page.locator("div.said").inner_text()
    assert re.match(r"\d+ recipients at \d+ destinations became due\.", said), said
    assert "done=" not in visit.page.url, visit.page.url
    visit.shot("retried")
    until("mail moved", lambda: visit.place.destination("away.test").get("delivered_recips") == 2)
    row = visit.page.locator("#rows tr", has=visit.page.get_by_role("link", name="away.test", exact=True))
    until("the open page shows it", lambda: "Up" in row.inner_text())
    until("and what came of it", lambda: re.search(
        r"Since then: \d+ recipients delivered", visit.page.locator("#outcome").inner_text()))
    visit.shot("retried-followed")
