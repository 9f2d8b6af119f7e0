// Says finished sentences and changes of state to assistive technology, never single tokens.
const PACE_MS = 1500;
const SENTENCE = /[.!?…:](?=\s|$)|\n{2,}/g;

const place = document.querySelector("[data-announcer]");
const said = new Map();
let waiting = [];
let timer = 0;

export function announce(text) {
  if (!text || !place) return;
  waiting.push(text);
  timer ||= setTimeout(speak, PACE_MS);
}

// Announces what has been completed of a growing text since the last time.
export function announceSentences(key, text, { finished = false } = {}) {
  const from = said.get(key) ?? 0;
  const fresh = text.slice(from);
  let length = finished ? fresh.length : 0;
  if (!finished) for (const match of fresh.matchAll(SENTENCE)) length = match.index + match[0].length;
  if (length === 0) return;
  said.set(key, from + length);
  announce(withoutMarks(fresh.slice(0, length)).trim());
}

// Markdown's marks are for the eye.
function withoutMarks(text) {
  return text.replace(/^\s*```.*$/gm, "").replace(/[#*_`>|]+/g, "");
}

function speak() {
  timer = 0;
  place.textContent = waiting.join(" ");
  waiting = [];
}
