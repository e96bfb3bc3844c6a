"""Where pages lead: to what a cause means, to what was said, and back from an address that cannot be read."""

from place import until


def leads_from_a_cause_to_its_page(visit):
    """Every cause leads to what it means, from the list, a destination and the list of causes."""
    page = visit.page
    for start, link in (
        ("/monitor/delivery-status", page.locator("#reasons a.w").first),
        ("/monitor/delivery-status/away.test", page.locator("#why dd a").first),
        ("/help/why", page.get_by_role("link", name="connect-refused", exact=True)),
    ):
        visit.go(start)
        link.click()
        page.wait_for_url("**/help/why/connect-refused")
        assert page.get_by_role("heading", name="What to do").count() == 1
    visit.shot("help")


def shows_what_was_said(visit):
    """From a message that a host put off to the attempt and the conversation, by links alone."""
    page = visit.page
    visit.go("/monitor/delivery-status/greylisting.test")
    page.locator("#waiting td a").first.click()
    page.locator(".tried a").first.click()
    page.wait_for_url("**/monitor/conversations/dcid/*")
    said = page.locator(".talk").inner_text()
    assert "RCPT TO" in said and "451" in said, said
    visit.shot("conversation")
    visit.go("/monitor/conversations/dcid/999999")
    assert "Nothing of it is on record." in page.locator("main").inner_text()
    visit.complaints = [one for one in visit.complaints if "404" not in one]


def looks_from_here(visit):
    """The button beside a destination goes the way of delivery and tells step by step what it found."""
    page = visit.page
    visit.go("/monitor/delivery-status/away.test")
    page.get_by_role("button", name="Look from here").click()
    page.wait_for_url("**/away.test/probe")
    told = page.locator("main").inner_text()
    assert "Not usable" in told and "connect-refused" in told and "127.16.0.11" in told, told
    visit.shot("probe")


def shows_how_it_stood(visit):
    """From a destination to how it stood over the last day and week: a strip of its states, and each change in words."""
    page = visit.page
    visit.go("/monitor/delivery-status/away.test")
    page.get_by_role("link", name="Status over time").click()
    page.wait_for_url("**/away.test/history")
    assert page.locator("svg.strip rect.down").count() > 0
    assert page.locator("svg.strip rect.down").first.evaluate("bar => getComputedStyle(bar).fill") != "rgb(0, 0, 0)"
    told = page.locator("main").inner_text()
    assert "Down" in told and "connection refused by 127.16.0.11" in told, told
    visit.shot("timeline")
    page.get_by_role("link", name="7 days").click()
    page.wait_for_url("**/away.test/history?over=7d")
    assert page.locator("a[aria-current=true]").inner_text() == "7 days"


UNREAD = {
    "/monitor/message-tracking?mid=many": "is not the number of a message",
    "/monitor/message-tracking?page=zz": "does not lead to a page of the result",
    "/monitor/message-tracking?from=soon": "is not a time",
    "/monitor/message-tracking?ip=host": "is not an IP address",
    "/monitor/delivery-status?sort=zzz": "cannot be sorted by",
    "/monitor/delivery-status/away.test/history?over=zz": "is no span of time",
    "/monitor/delivery-status/away.test?after=zz": "is no place in the queue",
}


def says_what_it_cannot_read(visit):
    """An address that cannot be read is answered with 400, in plain words, with the way back."""
    for path, says in UNREAD.items():
        answer = visit.page.goto(visit.place.address + path)
        assert answer.status == 400, (path, answer.status)
        told = visit.page.locator("main")
        assert says in told.inner_text() and "`" not in told.inner_text(), told.inner_text()
        back = visit.page.locator(".said.bad a, .lead + p a")
        with visit.page.expect_navigation() as usual:
            back.click()
        assert usual.value.status == 200, path
    # The browser itself complains of the status.
    visit.complaints = [one for one in visit.complaints if "400" not in one]


def shows_that_tables_scroll(browser, place, state, paths):
    """Narrow, every table that is too wide is reached by keyboard and scrolls there, the page itself never."""
    context = browser.new_context(viewport={"width": 390, "height": 860}, storage_state=state)
    page = context.new_page()
    wide = 0
    for path in paths:
        page.goto(place.address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        for box in page.locator(".scroll").all():
            assert box.get_attribute("aria-label"), path
            if not box.evaluate("box => box.scrollWidth > box.clientWidth"):
                continue
            wide += 1
            shades = box.evaluate("box => getComputedStyle(box).backgroundAttachment")
            assert shades.startswith("local, local, scroll, scroll"), shades
            box.focus()
            page.keyboard.press("ArrowRight")
            until("it scrolls by keyboard", lambda box=box: box.evaluate("box => box.scrollLeft > 0"))
    assert wide >= 3, wide
    context.close()
