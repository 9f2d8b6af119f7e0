// A tool call's card: taking shape, checked, running, then its result.
import { clock, duration, plural, size } from "./figures.js";
import { kindOf, parseJson, showJson, showTable, tableOf } from "./jsonview.js";
import { partialFields } from "./partialjson.js";
import { clone, icon, setBadge, setText } from "./templates.js";

const STATES = {
  ok: ["ok", "check", "Done"],
  error: ["bad", "x", "Failed"],
  invalid: ["bad", "x", "Invalid"],
  timeout: ["bad", "clock", "Timed out"],
  denied: ["warn", "x", "Denied"],
  cancelled: ["quiet", "square", "Cancelled"],
  lost: ["warn", "triangle-alert", "Lost"],
  handed_over: ["ok", "check", "Handed over"],
};
const NOTES = {
  invalid: "Not run. The model was told what is wrong.",
  lost: "Toolbench stopped while this ran; it may or may not have finished.",
  cancelled: "Stopped before it had a result.",
  denied: "Not run, because it was denied.",
  handed_over: "Not run here. The program that asked runs it.",
};
const TIMED = ["ok", "error", "timeout", "cancelled"];
const FIELD = /^The field “([^”]+)”:? ?(.*)$/s;

export function newToolCard(call) {
  const card = clone("tool-card");
  card.dataset.callId = call.callId;
  const id = card.querySelector("[data-call-id-words]");
  id.title = call.callId;
  setText(id, call.callId);
  return card;
}

export function drawToolCard(card, call, { now, ended }) {
  const name = card.querySelector("[data-tool-name]");
  setText(name, call.tool || "…");
  name.title = call.tool;
  const badge = card.querySelector("[data-badge]");
  const state = stateOf(call, ended);
  card.dataset.state = state;
  if (call.result) drawEnd(card, badge, call);
  else if (state === "running") {
    setBadge(badge, "live", "", `Running ${clock(now - call.checked.at)}`);
  } else if (state === "checked") setBadge(badge, "quiet", "check", "Checked");
  else if (state === "cut off") setBadge(badge, "quiet", "square", "Cut off");
  else if (state === "invalid") setBadge(badge, ...STATES.invalid);
  else setBadge(badge, "live", "", "Taking shape");
  if (call.checked) drawChecked(card, call.checked);
  else drawShape(card, call.raw);
}

// Cards that the server drew get their views of the result when the reader first sees them.
export function enhanceResult(card) {
  const text = card.querySelector("[data-result-text]");
  const views = card.querySelector("[data-result-views]");
  if (!text || views.childElementCount > 0 || text.textContent === "") return;
  const raw = text.textContent;
  const value = parseJson(raw);
  if (value === undefined || typeof value !== "object") return;
  const table = tableOf(value);
  const show = {
    JSON: () => showJson(text, value),
    ...(table && { Table: () => showTable(text, table) }),
    Raw: () => {
      text.textContent = raw;
    },
  };
  for (const [name, draw] of Object.entries(show)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "segment-item";
    button.textContent = name;
    button.addEventListener("click", () => {
      for (const other of views.children) other.setAttribute("aria-pressed", String(other === button));
      draw();
    });
    button.setAttribute("aria-pressed", String(name === "JSON"));
    views.append(button);
  }
  views.hidden = false;
  show.JSON();
}

function stateOf(call, ended) {
  if (call.result) return call.result.status;
  if (!call.checked) return ended ? "cut off" : "shaping";
  if (!call.checked.valid) return "invalid";
  return ended ? "cut off" : "running";
}

function drawEnd(card, badge, call) {
  if (badge.dataset.final === call.result.status) return;
  badge.dataset.final = call.result.status;
  const { status, content, duration_ms: ms } = call.result;
  const [kind, glyph, word] = STATES[status] ?? ["quiet", "", status];
  setBadge(badge, kind, glyph, TIMED.includes(status) ? `${word} ${duration(ms)}` : word);
  const note = card.querySelector("[data-note]");
  setText(note, NOTES[status] ?? "");
  note.hidden = !NOTES[status];
  if (status === "invalid" || !content) return;
  setText(card.querySelector("[data-result-size]"), `Result, ${size(content)}`);
  card.querySelector("[data-result-text]").textContent = content;
  card.querySelector("[data-result]").hidden = false;
  enhanceResult(card);
}

// Arguments that are being written, as rows; only the last can change.
function drawShape(card, raw) {
  drawRaw(card, raw);
  const rows = card.querySelector("[data-arguments]");
  for (const [at, field] of partialFields(raw).entries()) {
    if (rows.children[at]?.dataset.check === "shaped") continue;
    const row = shapingRow(field);
    if (rows.children[at]) rows.children[at].replaceWith(row);
    else rows.append(row);
  }
  rows.hidden = rows.childElementCount === 0;
}

function shapingRow({ name, text, whole }) {
  const row = clone("argument");
  const value = whole ? parseJson(text) : undefined;
  row.dataset.argument = name;
  row.dataset.check = whole ? "shaped" : "shaping";
  setText(row.querySelector(".argument-name"), name);
  const shown = row.querySelector(".argument-value");
  shown.className = value === undefined ? "argument-value" : `argument-value syntax-${kindOf(value)}`;
  setText(shown, text);
  row.querySelector(".argument-check .icon").remove();
  setText(row.querySelector("[data-check-words]"), value === undefined ? "" : kindOf(value));
  return row;
}

function drawRaw(card, raw) {
  const place = card.querySelector("[data-raw-arguments]");
  place.hidden = raw === "";
  setText(card.querySelector("[data-raw-words]"), `Raw, ${plural([...raw].length, "character")} so far`);
  setText(card.querySelector("[data-raw-text]"), raw);
}

function drawChecked(card, checked) {
  drawRepairs(card, checked.repairs ?? []);
  const place = card.querySelector("[data-arguments]");
  if (place.dataset.drawn) return;
  place.dataset.drawn = "yes";
  const isObject = checked.arguments !== null && typeof checked.arguments === "object";
  const { wrong, rest } = sortErrors(checked, isObject ? checked.arguments : {});
  const names = isObject ? Object.keys(checked.arguments) : [];
  place.replaceChildren(
    ...names.map((name) =>
      argumentRow(name, checked.arguments[name], { wrong: wrong[name], was: checked.was?.[name] }),
    ),
  );
  const isMended = checked.repairs?.includes("args_repaired_json") ?? false;
  place.hidden = names.length === 0;
  const raw = card.querySelector("[data-raw-arguments]");
  raw.hidden = (names.length > 0 && !isMended) || checked.raw_arguments === "";
  setText(card.querySelector("[data-raw-words]"), isMended ? "What the model wrote" : "Raw");
  setText(card.querySelector("[data-raw-text]"), checked.raw_arguments);
  const errors = card.querySelector("[data-errors]");
  errors.replaceChildren(...rest.map(listItem));
  errors.hidden = rest.length === 0;
}

function drawRepairs(card, codes) {
  const badge = card.querySelector("[data-call-repairs]");
  const list = card.querySelector("[data-call-repair-codes]");
  badge.hidden = list.hidden = codes.length === 0;
  if (list.childElementCount > 0) return;
  setText(badge.querySelector("[data-call-repairs-words]"), plural(codes.length, "repair"));
  list.replaceChildren(...codes.map(repairItem));
}

function repairItem(code) {
  const item = document.createElement("li");
  const words = document.createElement("code");
  words.textContent = code;
  item.append(smallIcon("hammer"), words);
  return item;
}

function argumentRow(name, value, { wrong, was }) {
  const row = clone("argument");
  row.dataset.argument = name;
  row.dataset.check = wrong ? "wrong" : was === undefined ? "ok" : "mended";
  setText(row.querySelector(".argument-name"), name);
  const shown = row.querySelector(".argument-value");
  shown.className = `argument-value syntax-${kindOf(value)}`;
  setText(shown, JSON.stringify(value));
  const check = row.querySelector(".argument-check");
  if (wrong || was !== undefined) {
    check.title = wrong ?? was;
    check.querySelector(".icon").replaceWith(smallIcon(wrong ? "x" : "hammer"));
  }
  const words = wrong ?? (was === undefined ? kindOf(value) : `was ${was}`);
  setText(check.querySelector("[data-check-words]"), words);
  return row;
}

function sortErrors(checked, fields) {
  const wrong = {};
  const rest = [];
  for (const error of checked.errors ?? []) {
    const match = FIELD.exec(error);
    const name = match?.[1].split(/[.[]/)[0];
    if (match && Object.hasOwn(fields, name)) wrong[name] ??= asClause(match[2] || error);
    else rest.push(error);
  }
  return { wrong, rest };
}

function asClause(text) {
  const trimmed = text.trim();
  return trimmed.charAt(0).toLowerCase() + trimmed.slice(1).replace(/\.+$/, "");
}

function smallIcon(name) {
  const made = icon(name);
  made.classList.add("icon-small");
  return made;
}

function listItem(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}
