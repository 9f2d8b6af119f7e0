// The bench's list of runs, read anew while one of them goes.
import { morphChildren, parsePart } from "./morph.js";
import { localiseTimes } from "./times.js";

const TURN_MS = 2000;
const list = document.querySelector("[data-runs]");
let timer = null;

const isActive = () => list.querySelector("#runs-head")?.hasAttribute("data-active");

async function turn() {
  timer = null;
  try {
    const url = new URL(location.href);
    url.searchParams.set("part", "1");
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) {
      morphChildren(list, parsePart(await answer.text()));
      localiseTimes(list);
    }
  } catch {
    // The server restarts, or the network is away: the next turn asks again.
  }
  follow();
}

function follow() {
  clearTimeout(timer);
  timer = isActive() && !document.hidden ? setTimeout(turn, TURN_MS) : null;
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && timer === null) follow();
});
localiseTimes(document);
follow();
