// Pages work without this. It keeps them up to date and lets them be used by keyboard.
"use strict";
(() => {
  const LIVE = ["sub", "stamp", "news", "reasons", "rows", "pager", "kept", "retry-says", "figures", "way", "waiting", "rates"];
  const GAP = 2000; // milliseconds between two readings of the page
  const IDLE = 15000; // the same, when nothing changes
  const one = (id, root = document) => root.getElementById(id);

  document.body.classList.add("scripted");

  // What was done is told once: the address is that of the view again.
  const here = new URL(location.href);
  if (here.searchParams.has("due")) {
    here.searchParams.delete("due");
    here.searchParams.delete("at");
    history.replaceState(null, "", here);
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
  if (!document.body.hasAttribute("data-live") || !window.EventSource) return;
  const pulse = one("pulse");
  const alive = pulse.textContent;
  let last = 0;
  let waiting = 0;
  const told = (text, lost) => {
    pulse.hidden = false;
    pulse.textContent = text;
    pulse.classList.toggle("lost", lost);
  };
  const exchange = (fresh) => {
    const focus = document.activeElement;
    const path = focus && focus.pathname;
    for (const id of LIVE) {
      const old = one(id);
      const now = one(id, fresh);
      if (old && now && old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
    }
    const button = one("retry");
    const now = one("retry", fresh);
    if (button && now) button.disabled = now.disabled;
    mark();
    if (path && !document.contains(focus)) link(rows().find((row) => link(row).pathname === path))?.focus({ preventScroll: true });
  };
  const read = async () => {
    waiting = 0;
    last = Date.now();
    if (document.hidden || String(getSelection())) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Live": "1" }, cache: "no-store" });
      if (answer.redirected) return location.reload();
      if (answer.ok) exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      told(pulse.dataset.lost, true);
    }
  };
  const soon = () => {
    if (!waiting) waiting = setTimeout(read, Math.max(0, last + GAP - Date.now()));
  };
  const source = new EventSource("/api/v1/stream/delivery-status");
  source.onopen = () => told(alive, false);
  source.onerror = () => told(pulse.dataset.lost, true);
  // Numbers are read again when they change; ages and next tries now and then.
  let before = "";
  source.addEventListener("delivery-status", (event) => {
    const { status, tophosts, error } = JSON.parse(event.data);
    if (error) return told(pulse.dataset.lost, true);
    told(alive, false);
    const now = JSON.stringify([tophosts.hosts, { ...status.gauges, ram_kbytes: 0 }]);
    if (now === before && Date.now() - last < IDLE) return;
    before = now;
    soon();
  });
  document.addEventListener("visibilitychange", () => document.hidden || soon());
})();
