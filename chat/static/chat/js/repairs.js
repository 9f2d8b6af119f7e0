// A stage's repairs: how many there are, and the list that the hammer badge opens.
import { plural, size } from "./figures.js";
import { clone, setText } from "./templates.js";

export function drawRepairs(article, repairs) {
  const none = repairs.length === 0;
  for (const place of article.querySelectorAll(
    "[data-repairs-badge], [data-repairs], [data-show-repairs]",
  )) {
    place.hidden = none;
    setText(place.querySelector("[data-repairs-words]"), plural(repairs.length, "repair"));
  }
  const list = article.querySelector("[data-repair-list]");
  for (const repair of repairs.slice(list.children.length)) list.append(drawn(repair));
}

export function openRepairs(article) {
  const list = article.querySelector("[data-repairs]");
  list.open = true;
  list.querySelector("summary").focus({ preventScroll: true });
  list.scrollIntoView({ block: "nearest" });
}

function drawn(repair) {
  const item = clone("repair");
  setText(item.querySelector("[data-repair-code]"), repair.code);
  setText(item.querySelector("[data-repair-place]"), placeOf(repair));
  setText(item.querySelector("[data-repair-words]"), repair.detail);
  item.querySelector("[data-repair-raw]").hidden = repair.raw === "";
  setText(item.querySelector("[data-repair-size]"), size(repair.raw));
  setText(item.querySelector("[data-repair-bytes]"), repair.raw);
  return item;
}

function placeOf({ phase, round }) {
  return { chat: "Completion", tools: `Round ${round}`, synthesis: "Synthesis" }[phase] ?? "";
}
