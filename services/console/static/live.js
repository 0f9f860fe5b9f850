/* Keeps a server-rendered page live: takes fragments from one event stream and puts them where their ids are.
   Everything people read was formatted by the server. */
"use strict";
(() => {
  const STALE_MS = 20_000;
  const AGAIN_MS = 5_000;
  const page = document.querySelector("[data-stream]");

  /* ---- fragments: change only what differs, so that focus, scroll and an open sheet stay */
  function morph(held, next) {
    if (held.nodeType !== next.nodeType || held.nodeName !== next.nodeName || (held.id || "") !== (next.id || "")) {
      held.replaceWith(next);
      return;
    }
    if (held.nodeType === Node.TEXT_NODE) {
      if (held.data !== next.data) held.data = next.data;
      return;
    }
    if (held.nodeType !== Node.ELEMENT_NODE || held.isEqualNode(next)) return;
    const flashes = held.hasAttribute("data-flash") && held.textContent !== next.textContent;
    for (const { name } of [...held.attributes]) {
      if (!next.hasAttribute(name) && name !== "open") held.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) {
      if (held.getAttribute(name) !== value) held.setAttribute(name, value);
    }
    morphChildren(held, next);
    if (flashes) {
      held.classList.remove("flash");
      void held.offsetWidth;
      held.classList.add("flash");
    }
  }

  function morphChildren(held, next) {
    const byId = new Map([...held.children].filter((child) => child.id).map((child) => [child.id, child]));
    let at = held.firstChild;
    for (const wanted of [...next.childNodes]) {
      const known = wanted.id ? byId.get(wanted.id) : null;
      if (known) {
        if (known === at) at = at.nextSibling;
        else held.insertBefore(known, at);
        morph(known, wanted);
      } else if (at && !at.id && !wanted.id && at.nodeName === wanted.nodeName) {
        const after = at.nextSibling;
        morph(at, wanted);
        at = after;
      } else {
        held.insertBefore(wanted, at);
        if (wanted.nodeName === "LI" && wanted.id) wanted.classList.add("arrived");
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function put(html) {
    const incoming = document.createElement("template");
    incoming.innerHTML = html;
    for (const next of [...incoming.content.children]) {
      const held = document.getElementById(next.id);
      if (held) morph(held, next);
    }
  }

  /* ---- the pill: what the page knows about its own age */
  const pill = document.getElementById("pill");
  let clock = "";
  let since = "";
  function say(state) {
    if (!pill || (pill.dataset.state === state && state === "live")) return;
    if (pill.dataset.state !== state) since = clock;
    pill.dataset.state = state;
    const word = pill.querySelector(".word");
    const text = pill.dataset[state].replace("{time}", since);
    if (word.textContent !== text) word.textContent = text;
    document.body.classList.toggle("stale", state === "offline");
  }

  /* ---- the stream */
  let source = null;
  let beatAt = performance.now();
  let waiting = "";
  let frame = 0;
  let again = 0;

  function connect() {
    clearTimeout(again);
    source = new EventSource(page.dataset.stream);
    source.addEventListener("html", (event) => {
      beatAt = performance.now();
      waiting = event.data;
      if (!frame) frame = requestAnimationFrame(() => { frame = 0; put(waiting); });
    });
    source.addEventListener("heartbeat", (event) => {
      const beat = JSON.parse(event.data);
      beatAt = performance.now();
      if (beat.fresh) clock = beat.clock;
      say(beat.fresh ? "live" : "reconnecting");
    });
    source.addEventListener("error", () => {
      if (pill.dataset.state !== "offline") say("reconnecting");
      if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, AGAIN_MS * (1 + Math.random()));
    });
  }

  function disconnect() {
    clearTimeout(again);
    if (source) source.close();
    source = null;
  }

  if (page && pill && page.dataset.stream) {
    connect();
    setInterval(() => { if (performance.now() - beatAt > STALE_MS) say("offline"); }, 1_000);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) disconnect();
      else if (!source) connect();
    });
    addEventListener("pagehide", disconnect);
    addEventListener("pageshow", (event) => { if (event.persisted && !source) connect(); });
  }

  /* ---- forms that act without leaving the page: the answer comes by the stream, a refusal in words */
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-quiet]")) return;
    event.preventDefault();
    const note = document.getElementById(form.dataset.quiet);
    const body = new URLSearchParams(new FormData(form, event.submitter));
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/plain" } });
      note.textContent = await answer.text();
      note.dataset.state = answer.ok ? "good" : "bad";
    } catch {
      note.textContent = note.dataset.failed;
      note.dataset.state = "bad";
    }
  });
})();
