// The page's own markup, cloned: what the server drew into <template> elements.
import { timeOfDay } from "./figures.js";

export function clone(name) {
  const made = document.getElementById(`${name}-template`).content.firstElementChild.cloneNode(true);
  return made;
}

export function icon(name) {
  const source = document.getElementById("icons").content.querySelector(`[data-icon="${name}"] svg`);
  return source ? source.cloneNode(true) : document.createComment(name);
}

// The words change often, glyph and colour seldom: a live badge must not restart its ring.
export function setBadge(badge, kind, glyph, text) {
  if (badge.dataset.kind !== kind || badge.dataset.glyph !== glyph) {
    badge.className = `badge badge-${kind}`;
    badge.dataset.kind = kind;
    badge.dataset.glyph = glyph;
    badge.querySelector(".icon, .ring")?.remove();
    if (kind === "live") {
      const ring = document.createElement("span");
      ring.className = "ring";
      ring.setAttribute("aria-hidden", "true");
      badge.prepend(ring);
    } else if (glyph) {
      badge.prepend(icon(glyph));
    }
  }
  setText(badge.querySelector("[data-badge-words]"), text);
}

export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// Times come in the server's time zone and are shown in the reader's.
export function localiseTimes(root) {
  for (const time of root.querySelectorAll("time[data-time][datetime]")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    time.title = date.toLocaleString();
    setText(time, timeOfDay(date));
  }
}

export function readJson(id) {
  return JSON.parse(document.getElementById(id).textContent);
}
