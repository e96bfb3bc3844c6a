// Pages work without this. It keeps them up to date and lets them be used by keyboard.
"use strict";
(() => {
  const LIVE = ["sub", "stamp", "news", "reasons", "why", "rows", "pager", "kept", "retry-says", "outcome", "figures", "way", "waiting", "rates"];
  const GAP = 2000; // milliseconds between two readings of the page
  const IDLE = 15000; // the same, when nothing changes
  const FIRST = 2, LONGEST = 60; // seconds before a lost connection is tried again, doubling
  const MANY = 30; // seconds to wait when nobody says how many
  const one = (id, root = document) => root.getElementById(id);

  document.body.classList.add("scripted");

  // What was done is told once: the address is that of the view again.
  const address = document.body.dataset.live;
  if (address && (location.search.includes("done=") || location.pathname.endsWith("/retry"))) {
    const view = new URL(address, location.href);
    view.searchParams.delete("done");
    history.replaceState(null, "", view);
  }

  /* ---- keyboard: / asks, j and k move, Enter opens, r retries, e explains ---- */
  const rows = () => [...document.querySelectorAll("#rows tr")].filter((row) => row.querySelector("a"));
  const link = (row) => row && row.querySelector("a");
  let chosen = "";
  const mark = () => {
    for (const row of rows()) row.classList.toggle("at", link(row).pathname === chosen);
  };
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => link(row).pathname === chosen);
    const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? 0 : now + step))];
    chosen = link(next).pathname;
    mark();
    link(next).focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const retry = (row) => {
    const form = document.querySelector("form.retry");
    if (!form || !row) return;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "host", value: link(row).textContent });
    form.querySelector("[name=host]")?.remove();
    form.append(field);
    form.submit();
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const row = rows().find((one) => link(one).pathname === chosen);
    const ask = one("ask");
    if (event.key === "/" && ask) ask.focus(), ask.select();
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "r" && row) retry(row);
    else if (event.key === "e" && row) location.assign("/explain?q=" + encodeURIComponent(link(row).textContent));
    else return;
    event.preventDefault();
  });

  /* ---- live: when the gateway tells of a change, the page is read again and what differs is exchanged ---- */
  if (!address) return;
  const pulse = one("pulse");
  const alive = pulse.textContent;
  let last = 0;
  let waiting = 0;
  let over = false;
  const told = (text, lost) => {
    if (over) return;
    pulse.hidden = false;
    pulse.classList.toggle("lost", lost);
    if (pulse.textContent !== text) pulse.textContent = text;
  };
  const ended = () => {
    told(pulse.dataset.over + " ", true);
    over = true;
    const enter = document.createElement("a");
    enter.href = "/login?next=" + encodeURIComponent(location.pathname + location.search);
    enter.textContent = pulse.dataset.enter;
    pulse.append(enter);
  };
  // What somebody opened stays open, and a table stays where it was scrolled to.
  const swap = (old, now) => {
    const were = [...old.querySelectorAll("details")];
    [...now.querySelectorAll("details")].forEach((one, place) => (one.open = were[place]?.open ?? one.open));
    if (old.innerHTML === now.innerHTML) return;
    const lefts = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    old.replaceChildren(...now.childNodes);
    [...old.querySelectorAll(".scroll")].forEach((box, place) => (box.scrollLeft = lefts[place] ?? 0));
  };
  const PLACES = "a, summary, [tabindex]";
  const exchange = (fresh) => {
    const focus = document.activeElement;
    const path = focus && focus.pathname;
    const part = focus && focus.closest(LIVE.map((id) => "#" + id).join());
    const place = part ? [...part.querySelectorAll(PLACES)].indexOf(focus) : -1;
    // A table comes or goes as a whole.
    const whole = !one("rows") === !one("rows", fresh) ? [] : ["list"];
    for (const id of [...whole, ...LIVE]) {
      const old = one(id);
      const now = one(id, fresh);
      if (old && now) swap(old, now);
    }
    const button = one("retry");
    const now = one("retry", fresh);
    if (button && now) button.disabled = now.disabled;
    mark();
    if (!part || document.contains(focus)) return;
    const again = (path && link(rows().find((row) => link(row).pathname === path))) || part.querySelectorAll(PLACES)[place];
    again?.focus({ preventScroll: true });
  };
  const read = async () => {
    waiting = 0;
    last = Date.now();
    if (over || document.hidden || String(getSelection())) return;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html", "X-Live": "1" }, cache: "no-store" });
      if (answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === "/login")) return ended();
      if (answer.ok) exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      told(pulse.dataset.lost, true);
    }
  };
  const soon = () => {
    if (!waiting) waiting = setTimeout(read, Math.max(0, last + GAP - Date.now()));
  };
  // Numbers are read again when they change; ages and next tries now and then.
  let before = "";
  const heard = (state) => {
    const { status, tophosts, error } = JSON.parse(state);
    if (error) return told(pulse.dataset.lost, true);
    told(alive, false);
    const now = JSON.stringify([tophosts.hosts, { ...status.gauges, ram_kbytes: 0 }]);
    if (now === before && Date.now() - last < IDLE) return;
    before = now;
    soon();
  };
  const visible = () => new Promise((done) => {
    if (!document.hidden) return done();
    document.addEventListener("visibilitychange", done, { once: true });
  });
  const pause = async (text, seconds) => {
    for (let left = seconds; left > 0; left--) {
      told(text.replace("#", left), true);
      await new Promise((done) => setTimeout(done, 1000));
    }
  };
  // Reads the stream to its end; says how long to wait before the next one, or that there is none.
  const listen = async () => {
    const answer = await fetch("/api/v1/stream/delivery-status", { headers: { Accept: "text/event-stream" }, cache: "no-store" });
    if (answer.status === 401) return { over: true };
    if (!answer.ok) return { many: answer.status === 429, wait: Number(answer.headers.get("Retry-After")) || MANY };
    soon();
    const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await lines.read();
      if (done) return { wait: 0 };
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      for (const line of parts) if (line.startsWith("data: ")) heard(line.slice(6));
    }
  };
  (async () => {
    for (let next = FIRST; !over; ) {
      await visible();
      const began = Date.now();
      const end = await listen().catch(() => ({ lost: true }));
      if (end.over) return ended();
      // One that went on for a while was well.
      const brief = Date.now() - began < 10000;
      if (!brief) next = FIRST;
      if (end.many) await pause(pulse.dataset.many, end.wait);
      else if (end.lost || end.wait || brief) {
        await pause(pulse.dataset.again, Math.max(next, end.wait || 0));
        next = Math.min(next * 2, LONGEST);
      }
    }
  })();
  document.addEventListener("visibilitychange", () => document.hidden || soon());
})();
