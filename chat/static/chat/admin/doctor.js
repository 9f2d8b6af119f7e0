// The doctor's page: what changes while an examination runs, and the report to the clipboard.
const TURN_MS = 1000;

const root = document.querySelector("[data-doctor]");
const said = document.querySelector("[data-doctor-said]");
const shown = new Map();

const isActive = () => root.querySelector("#doctor-head[data-active]") !== null;
const parts = (within) => [...within.querySelectorAll("[data-part]")];

// As the server sent it: a part that a person has opened differs from it on the page only, and
// each answer has another token in its forms.
const source = (part) =>
  part.outerHTML.replace(/(name="csrfmiddlewaretoken" value=")[^"]*/g, "$1");

function remember(within) {
  for (const part of parts(within)) shown.set(part.id, source(part));
}

async function fetchReport() {
  try {
    const answer = await fetch("?part=1", { headers: { Accept: "text/html" } });
    if (!answer.ok) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html").body;
  } catch {
    return null; // The server restarts, or the network is away: the next turn asks again.
  }
}

function show(report) {
  const wanted = parts(report).map((part) => part.id);
  const known = parts(root).map((part) => part.id);
  if (wanted.join() !== known.join()) {
    remember(report);
    root.replaceChildren(...report.childNodes);
    return;
  }
  for (const part of parts(report)) {
    if (shown.get(part.id) === source(part)) continue;
    shown.set(part.id, source(part));
    const old = document.getElementById(part.id);
    const held = old.contains(document.activeElement);
    old.replaceWith(part);
    if (held) part.querySelector("button, summary, a")?.focus();
  }
}

async function turn() {
  const report = document.hidden ? null : await fetchReport();
  if (report !== null) show(report);
  if (isActive()) setTimeout(turn, TURN_MS);
  else ended();
}

function ended() {
  const line = root.querySelector(".doctor-line");
  const counts = [...root.querySelectorAll(".doctor-badge")].map((badge) => badge.textContent.trim());
  said.textContent = [line?.textContent.trim(), counts.join(", ")].filter(Boolean).join(" ");
  offerCopy();
}

function offerCopy() {
  const button = root.querySelector("[data-copy-report]");
  if (button !== null && navigator.clipboard) button.hidden = false;
}

root?.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-report]");
  if (button === null) return;
  await navigator.clipboard.writeText(root.querySelector("[data-report]").textContent);
  const words = button.querySelector("span");
  words.textContent = "Copied";
  setTimeout(() => {
    words.textContent = "Copy the report";
  }, 1500);
});

if (root !== null) {
  remember(root);
  offerCopy();
  if (isActive()) setTimeout(turn, TURN_MS);
}
