// Route pages of the admin: the last outcome of each connection check, refreshed as it comes in.
const CHECKING_MS = 1000;
const QUIET_MS = 10000;

const cells = () => [...document.querySelectorAll("[data-route-check]")];
const offers = document.querySelector("[data-found-url]");
const base = document.querySelector("[data-checks-url]");

async function get(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // The server restarts, or the network is away: the next turn asks again.
  }
}

async function refresh() {
  const answer = await get(base.dataset.checksUrl);
  for (const cell of answer === null ? [] : cells()) {
    const told = answer.routes[cell.dataset.routeCheck];
    if (told === undefined) continue;
    if (cell.textContent !== told.text) cell.textContent = told.text;
    cell.dataset.status = told.status;
    cell.title = told.checked;
  }
}

async function turn() {
  if (!document.hidden) await refresh();
  const checking = cells().some((cell) => cell.dataset.status === "checking");
  setTimeout(turn, checking ? CHECKING_MS : QUIET_MS);
}

async function look() {
  const answer = await get(offers.dataset.foundUrl);
  if (answer !== null && !answer.looking) {
    if (answer.count > 0) offers.querySelector("[data-found-later]").hidden = false;
    offers.querySelector("[data-found-looking]").hidden = true;
    return;
  }
  setTimeout(look, CHECKING_MS);
}

if (base !== null && cells().length > 0) setTimeout(turn, CHECKING_MS);
if (offers !== null) setTimeout(look, CHECKING_MS);
