// The list of model servers found on this machine, asked for again every 2 s until the search is
// over. Ticks the person has set or taken away stay as they are.
const SECONDS = 2;

function show(box, { looking, found }) {
  const list = box.querySelector(".found-list");
  const ticks = new Map(inputs(list).map((input) => [input.value, input.checked]));
  const focused = list.contains(document.activeElement) ? document.activeElement.value : null;
  list.replaceChildren(...found.map((item) => row(box, item, ticks)));
  list.hidden = found.length === 0;
  if (focused !== null) inputs(list).find((input) => input.value === focused)?.focus();
  box.querySelector(".found-looking-words").hidden = !looking;
  box.querySelector(".found-nothing").hidden = looking || found.length > 0;
}

function row(box, item, ticks) {
  const made = box.querySelector("template").content.cloneNode(true);
  const input = made.querySelector("input");
  input.value = item.value;
  input.checked = ticks.get(item.value) ?? item.ticked;
  input.hidden = input.disabled = item.state !== "ready";
  made.querySelector(".found-name").textContent = item.title;
  made.querySelector(".found-state").textContent = item.state;
  made.querySelector(".found-detail").textContent = item.detail;
  return made;
}

function inputs(list) {
  return [...list.querySelectorAll("input")];
}

async function refresh(box) {
  let answer = null;
  try {
    const response = await fetch(box.dataset.refreshUrl, { headers: { Accept: "application/json" } });
    if (!response.ok) return; // The link has ended; the page says so when the form is sent.
    answer = await response.json();
  } catch {
    later(box); // The server restarts, or the network is away: try again.
    return;
  }
  show(box, answer);
  if (answer.looking) later(box);
}

function later(box) {
  setTimeout(() => refresh(box), SECONDS * 1000);
}

const box = document.querySelector("[data-refresh-url]");
if (box && box.dataset.done === undefined) later(box);
