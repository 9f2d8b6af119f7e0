// Puts a newer drawing over an older one in place: what is the same stays, with its focus, its
// scroll position and what a person has opened.

// Set by scripts and by the browser, unknown to the server.
const OURS = new Set(["open", "role", "style", "tabindex", "aria-expanded"]);

// A part of a page as the server sent it. Within an element, or the parser would leave out the space
// before its first child, and old and new would stand askew.
export function parsePart(text) {
  const page = new DOMParser().parseFromString(`<div>${text}</div>`, "text/html");
  return page.body.firstElementChild;
}

export function morph(old, next) {
  if (old.isEqualNode(next)) return;
  if (!isAlike(old, next)) {
    old.replaceWith(next);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = next.data;
    return;
  }
  if (old.nodeType === Node.ELEMENT_NODE) takeAttributes(old, next);
  morphChildren(old, next);
}

export function morphChildren(old, next) {
  const before = [...old.childNodes];
  const after = [...next.childNodes];
  for (let at = 0; at < Math.min(before.length, after.length); at += 1) morph(before[at], after[at]);
  for (const gone of before.slice(after.length)) gone.remove();
  old.append(...after.slice(before.length));
}

function isAlike(old, next) {
  return old.nodeName === next.nodeName && (old.id ?? "") === (next.id ?? "");
}

function takeAttributes(old, next) {
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !OURS.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...next.attributes]) {
    if (!OURS.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}
