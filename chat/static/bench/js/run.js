// A run's page: follows the run while it goes, and draws what is chosen without leaving the page.
import { prepareGrid, watchGrid } from "./grid.js";
import { morphChildren, parsePart } from "./morph.js";
import { localiseTimes } from "./times.js";

const TURN_MS = 1000;
// A page with many cells is asked for less often, so that reading never costs more than running.
const REST = 5;

const root = document.querySelector("[data-bench-run]");
const said = document.querySelector("[data-said]");
const connection = document.querySelector("[data-connection]");
let timer = null;
let asked = 0;

const head = () => root.querySelector("#run-head");
const isActive = () => head().hasAttribute("data-active");

async function read(address, seen = "") {
  const url = new URL(address, location.href);
  url.searchParams.set("part", "1");
  if (seen) url.searchParams.set("seen", seen);
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  if (answer.status === 204) return null;
  if (!answer.ok || answer.redirected) throw new Error(`answered ${answer.status}`);
  return parsePart(await answer.text());
}

function show(drawing) {
  const was = isActive();
  morphChildren(root, drawing);
  localiseTimes(root);
  prepareGrid(root);
  if (was && !isActive()) say(`The run has ended. ${words(".bench-line")}`);
}

async function turn() {
  timer = null;
  const number = asked;
  const begun = performance.now();
  try {
    const drawing = await read(location.href, head().dataset.state);
    // What was chosen meanwhile is newer than what this turn asked for.
    if (drawing !== null && number === asked) show(drawing);
    tell("live", "Live, every second");
  } catch {
    tell("busy", "Reconnecting"); // The server restarts, or the network is away.
  }
  follow(Math.max(TURN_MS, REST * (performance.now() - begun)));
}

function follow(pause) {
  clearTimeout(timer);
  timer = null;
  if (!isActive()) {
    connection.hidden = true;
    return;
  }
  if (!document.hidden) timer = setTimeout(turn, pause);
}

function tell(state, text) {
  connection.hidden = !isActive();
  connection.dataset.state = state;
  if (connection.textContent !== text) connection.textContent = text;
}

async function choose(link) {
  asked += 1;
  const number = asked;
  try {
    const drawing = await read(link.href);
    if (number !== asked || drawing === null) return;
    history.replaceState(null, "", link.href);
    show(drawing);
  } catch {
    location.assign(link.href);
    return;
  }
  if (link.matches("[data-cell]")) showCell();
  else say(words(".bench-card-title"));
}

function showCell() {
  say(words("[data-cell-lead]"));
  const cell = root.querySelector("#run-cell");
  if (cell.getBoundingClientRect().top > innerHeight * 0.8) cell.scrollIntoView();
}

const words = (selector) => root.querySelector(selector)?.textContent.trim() ?? "";

function say(text) {
  said.textContent = text;
}

root.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  link.closest(".menu")?.hidePopover();
  choose(link);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && isActive() && timer === null) follow(0);
});
watchGrid(root);
localiseTimes(root);
prepareGrid(root);
follow(TURN_MS);
document.documentElement.dataset.ready = "";
