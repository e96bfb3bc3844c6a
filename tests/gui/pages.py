#!/usr/bin/env python3
"""The pages in a real browser: a gateway, a world of mail hosts, and somebody who clicks.

Starts `mailreeve serve` with the desk enabled and a world of mail hosts from `mailreeve lab world`: one that takes
mail, one that is away, one of which the name service fails. Then a headless Chromium signs in, looks at every page
in both themes and narrow, uses the keyboard, and clicks Retry All Delivery once the host that was away is there.

Usage: tests/gui/pages.py [--binary FILE] [--shots FOLDER]
Ends with "N passed, M failed"; where there is no browser it says so and skips.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from answers import (
    leads_from_a_cause_to_its_page, looks_from_here, says_what_it_cannot_read, shows_how_it_stood, shows_that_tables_scroll,
    shows_what_was_said,
)
from place import Place, until
from stay import (
    comes_back, gets_its_table, retries, says_that_a_session_is_over, says_where_there_is_nothing, shows_text_as_text,
)

ROOT = Path(__file__).resolve().parents[2]


class Visit:
    """A browser with the checks that hold on every page."""

    def __init__(self, page, place, shots):
        self.page, self.place, self.shots = page, place, shots
        self.complaints = []
        page.on("console", self.heard)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", self.asked)

    def heard(self, message):
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def asked(self, request):
        if not request.url.startswith(self.place.address):
            self.complaints.append(f"elsewhere: {request.url}")

    def go(self, path):
        self.page.goto(self.place.address + path)

    def shot(self, name):
        if self.shots:
            self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)

    def sign_in(self, password):
        self.go("/")
        self.shot("login")
        self.page.fill("input[name=name]", "admin")
        self.page.fill("input[name=password]", password)
        self.page.click("button.primary")
        self.page.wait_for_selector("h1")


def sees_reasons_first(visit):
    """The page opens with why mail waits; one dead host behind two domains is one reason."""
    visit.go("/monitor/delivery-status")
    visit.shot("delivery-status")
    first = visit.page.locator(".reasons li").first.inner_text()
    assert "4 recipients at 2 destinations" in first and "127.16.0.11" in first, first
    headings = visit.page.locator("thead th a").all_inner_texts()
    assert headings == [
        "Destination Domain", "Latest Host Status", "Active Recipients", "Connections Out", "Delivered Recipients",
        "Soft Bounced", "Hard Bounced",
    ], headings
    row = visit.page.locator("#rows tr", has=visit.page.get_by_role("link", name="away.test", exact=True))
    assert "Down" in row.inner_text() and "next try" in row.inner_text(), row.inner_text()


def sorts_by_address(visit):
    """A heading is a link; the address holds the view, and back works."""
    visit.go("/monitor/delivery-status")
    visit.page.get_by_role("link", name="Delivered Recipients").click()
    assert "sort=deliv_recip" in visit.page.url, visit.page.url
    assert visit.page.locator("th[aria-sort=descending] a").inner_text() == "Delivered Recipients"
    assert visit.page.locator("#rows th").first.inner_text() == "up.test"
    visit.page.go_back()
    assert visit.page.locator("th[aria-sort=descending] a").inner_text() == "Active Recipients"


def is_used_by_keyboard(visit):
    """/ asks, j and k move, Enter opens."""
    visit.go("/monitor/delivery-status")
    visit.page.keyboard.press("/")
    assert visit.page.evaluate("document.activeElement.id") == "ask"
    visit.page.keyboard.press("Escape")
    for key in "jjk":
        visit.page.keyboard.press(key)
    chosen = visit.page.locator("tr.at th").inner_text()
    assert chosen == visit.page.locator("#rows th").first.inner_text(), chosen
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/delivery-status/" + chosen)


def explains(visit):
    """The box leads to a destination, to a message, or says what can be asked."""
    visit.go("/")
    visit.page.fill("#ask", "one@AWAY.test")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector(".why .lead")
    assert visit.page.locator("h1").inner_text() == "one@away.test"
    visit.shot("explain-mailbox")
    visit.page.fill("#ask", "AWAY.test")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/delivery-status/away.test")
    visit.shot("destination")
    assert "refus" in visit.page.locator("#why").inner_text(), visit.page.locator("#why").inner_text()
    mid = visit.page.locator("#waiting td a").first.inner_text()
    visit.go("/explain?q=" + mid)
    assert f"Message {mid}" in visit.page.locator("h1").inner_text()
    visit.go("/explain?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "cannot be answered" in visit.page.locator("h1").inner_text()
    visit.shot("explain")


def shows_the_system(visit):
    """System Status and Alerts."""
    for name in ("status", "alerts"):
        visit.go(f"/system/{name}")
        visit.shot(f"system-{name}")
    visit.go("/system/status")
    assert "Messages Received" in visit.page.locator("main").inner_text()


def finds_messages(visit):
    """Message Tracking finds what is known in part, tells how many, and shows the whole way of one."""
    page = visit.page

    def found():
        visit.go("/monitor/message-tracking")
        page.get_by_label("Recipient", exact=True).fill("AWAY.test")
        page.get_by_role("button", name="Search").click()
        return "4 records found." in page.locator("#found").inner_text()

    until("all four are found", found)
    assert "recipient=AWAY.test" in page.url, page.url
    assert page.locator("#rows tr").count() == 4
    assert "Records reach from" in page.locator("#found").inner_text()
    visit.shot("tracking")
    link = page.locator("#rows a").first
    mid = link.inner_text()
    link.click()
    assert page.locator("h1").inner_text() == f"Message {mid}"
    assert "Queued" in page.locator(".sub.state").inner_text()
    assert page.locator(".way li").count() >= 3
    assert page.locator("h2", has_text="Why").count() == 1
    visit.shot("way")
    visit.go("/monitor/message-tracking?recipient=nobody.example")
    assert "Nothing found." in page.locator("#found").inner_text()
    visit.shot("tracking-none")


def has_enough_contrast(visit):
    """Every text stands out 4.5 to 1 from what is behind it (WCAG 2.2, 1.4.3)."""
    poor = visit.page.evaluate(CONTRAST)
    assert not poor, poor


LOOKED_AT = [
    "/monitor/delivery-status", "/monitor/delivery-status/away.test", "/monitor/message-tracking", "/system/status",
    "/explain", "/help/why", "/help/why/connect-refused", "/system/alerts", "/monitor/delivery-status/away.test/history",
]
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  // Colours through which others are seen are mixed with them.
  const behind = (one) => {
    const layers = [];
    for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      layers.push(colour);
      if (colour.length === 3) break;
    }
    const mix = (under, [r, g, b, a = 1]) => [r, g, b].map((part, at) => part * a + under[at] * (1 - a));
    return layers.reverse().reduce(mix, [255, 255, 255]);
  };
  const poor = [];
  for (const one of document.querySelectorAll("body *")) {
    const text = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !one.checkVisibility() || one.matches(":disabled")) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${one.tagName} ${one.className} ${one.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


def works_without_script(browser, place, state):
    """Tables, sorting and the retry are there without script."""
    context = browser.new_context(java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(place.address + "/monitor/delivery-status?sort=host")
    names = page.locator("#rows th").all_inner_texts()
    assert names == sorted(names) and len(names) >= 8, names
    assert page.get_by_role("button", name="Retry All Delivery").count() == 1
    context.close()


def run(browser, place, shots):
    """Runs every check; returns how many passed and failed."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    visit = Visit(context.new_page(), place, shots)
    visit.sign_in(place.password())
    until("what waits was tried", lambda: place.destination("also-away.test").get("status") == "down")
    until("the name service was asked", lambda: place.destination("broken.test").get("reason"))
    checks = [
        sees_reasons_first, sorts_by_address, is_used_by_keyboard, explains, shows_the_system, finds_messages,
        leads_from_a_cause_to_its_page, looks_from_here, shows_how_it_stood, shows_what_was_said, says_what_it_cannot_read, gets_its_table, says_where_there_is_nothing,
    ]
    failed = 0

    def check(name, work):
        nonlocal failed
        try:
            work()
            assert not visit.complaints, visit.complaints
            print(f"ok      {name}")
        except Exception as error:  # whatever went wrong, the next check is run
            failed += 1
            print(f"FAILED  {name}: {error}")
            visit.complaints.clear()

    for work in checks:
        check(work.__doc__.split("\n")[0], lambda work=work: work(visit))
    state = context.storage_state()
    check(works_without_script.__doc__, lambda: works_without_script(browser, place, state))
    check(shows_that_tables_scroll.__doc__, lambda: shows_that_tables_scroll(browser, place, state, LOOKED_AT))
    looks = [("light", 1280), ("dark", 1280), ("light", 390)]
    for scheme, width in looks:
        other = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 860}, storage_state=state
        )
        look = Visit(other.new_page(), place, shots)
        for path in LOOKED_AT:
            look.go(path)
            look.shot(f"{scheme}-{width}-{path.rsplit('/', 1)[-1]}")
            check(f"contrast of {path}, {scheme}, {width}", lambda look=look: has_enough_contrast(look))
        other.close()
    last = [retries, shows_text_as_text, comes_back, says_that_a_session_is_over]
    for work in last:
        check(work.__doc__.split("\n")[0], lambda work=work: work(visit))
    return len(checks) + len(last) + 2 + len(LOOKED_AT) * len(looks) - failed, failed


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", default=ROOT / "target/debug/mailreeve", type=Path)
    arguments.add_argument("--shots", type=Path, help="keep pictures of the pages in this folder")
    arguments = arguments.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if not chromium or not sync_playwright:
        print("no browser here: apt-get install chromium, and pip install playwright")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, Place(
        arguments.binary.resolve(), folder
    ) as place:
        place.settle()
        place.send(["one@up.test", "two@up.test", "one@greylisting.test", "one@broken.test"])
        place.send([f"{name}@{host}" for host in ("away.test", "also-away.test") for name in ("one", "two")])
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        passed, failed = run(browser, place, arguments.shots)
        browser.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
