// Keeps the till's page current: replaces the fragments that the stream sends, and says when the stream is silent.
"use strict";

const STALE_MS = 20_000;
const address = document.body.dataset.live;
let stream = null;
let heard = Date.now();

function replace(id, html) {
  const held = document.getElementById(id);
  if (!held) return null;
  const parsed = document.createElement("template");
  parsed.innerHTML = html;
  const fresh = parsed.content.firstElementChild;
  held.replaceWith(fresh);
  return fresh;
}

function alive() {
  heard = Date.now();
  document.body.classList.remove("stale");
}

function open() {
  if (stream || document.hidden) return;
  stream = new EventSource(address);
  stream.addEventListener("pill", (told) => { alive(); replace("pill", told.data); });
  stream.addEventListener("card", (told) => {
    alive();
    const before = document.getElementById("card")?.dataset.version;
    const card = replace("card", told.data);
    if (card && card.dataset.version !== before) card.classList.add("changed");
  });
}

function close() {
  stream?.close();
  stream = null;
}

function check() {
  if (document.hidden || Date.now() - heard < STALE_MS || document.body.classList.contains("stale")) return;
  document.body.classList.add("stale");
  const time = new Date(heard).toTimeString().slice(0, 8);
  const pill = document.getElementById("pill");
  pill.className = "pill offline";
  pill.textContent = "○ " + document.body.dataset.offline.replace("{time}", time);
}

document.addEventListener("visibilitychange", () => { document.hidden ? close() : (heard = Date.now(), open()); });
setInterval(check, 1000);
open();
