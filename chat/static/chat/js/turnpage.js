// One turn as the server draws it, what of an old drawing lives on in the new one, and the prompt
// that stands there until the server has drawn it.
import { timeOfDay } from "./figures.js";
import { serverNow } from "./serverclock.js";
import { clone, localiseTimes, setText } from "./templates.js";

const FOCUSABLE = "a[href], button, summary, [tabindex]";

export async function fetchTurn(conversationId, stageId) {
  const answer = await fetch(`/c/${conversationId}/turn/${stageId}/`, {
    headers: { Accept: "text/html" },
  });
  if (answer.status === 404) return null;
  // Logged out leads to the log-in page; that is not a turn.
  if (!answer.ok || answer.redirected) throw new Error(`The turn could not be read: ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const take = (selector) => {
    const found = page.querySelector(selector);
    return found && document.adoptNode(found);
  };
  const turn = { message: take("[data-message-id]"), stage: take("[data-stage-id]") };
  for (const part of [turn.message, turn.stage]) if (part) localiseTimes(part);
  return turn;
}

// What is open stays open, and the focus where it is.
export function carryOver(old, fresh) {
  const oldCard = old.querySelector("[data-card]");
  const card = fresh.querySelector("[data-card]");
  card.open = oldCard.open;
  card.hidden = oldCard.hidden;
  if (oldCard.dataset.byHand) card.dataset.byHand = oldCard.dataset.byHand;
  fresh.querySelector("[data-repairs]").open = old.querySelector("[data-repairs]").open;
  const raws = [...old.querySelectorAll("[data-repair-raw]")];
  for (const [at, raw] of fresh.querySelectorAll("[data-repair-raw]").entries()) {
    raw.open = raws[at]?.open ?? false;
  }
  for (const open of old.querySelectorAll("[data-call-id][data-open]")) {
    const twin = fresh.querySelector(`[data-call-id="${CSS.escape(open.dataset.callId)}"]`);
    twin?.setAttribute("data-open", "");
    twin?.querySelector("[data-fold-card]").setAttribute("aria-expanded", "true");
  }
  for (const saying of old.querySelectorAll("[data-saying]")) {
    const twin = fresh.querySelector(`[data-saying="${saying.dataset.saying}"] [data-reasoning]`);
    if (twin) twin.open = saying.querySelector("[data-reasoning]").open;
  }
  if (!old.contains(document.activeElement)) return;
  const place = [...old.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  queueMicrotask(() => fresh.querySelectorAll(FOCUSABLE)[place]?.focus({ preventScroll: true }));
}

export function ownMessage(prompt, stageId) {
  const article = clone("message");
  article.dataset.pendingFor = stageId;
  setText(article.querySelector("[data-prompt-text]"), prompt);
  const time = article.querySelector("[data-time]");
  const now = new Date(serverNow());
  time.dateTime = now.toISOString();
  setText(time, timeOfDay(now));
  return article;
}
