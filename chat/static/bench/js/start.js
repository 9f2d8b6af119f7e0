// The form that starts a run: says how many stages it will make.
import { localiseTimes } from "./times.js";

const form = document.querySelector("[data-start-form]");
const words = document.querySelector("[data-estimate]");
const MODES = { native: 1, text: 1, both: 2 };
const COUNT = new Intl.NumberFormat("en");

function estimate() {
  const data = new FormData(form);
  const routes = data.getAll("route").length;
  const chosen = [...form.querySelectorAll("[name=category]")].filter(
    (input) => input.type === "hidden" || input.checked,
  );
  const prompts = chosen.reduce((sum, input) => sum + Number(input.dataset.stages), 0);
  const tries = Number(data.get("tries")) || 0;
  const stages = routes * (MODES[data.get("tool_mode")] ?? 0) * prompts * tries;
  if (!routes) return "Choose at least one route.";
  if (!chosen.length) return "Choose at least one category of cases.";
  return `About ${COUNT.format(stages)} stage${stages === 1 ? "" : "s"}, estimated.`;
}

function show() {
  const text = estimate();
  if (words.textContent !== text) words.textContent = text;
}

form?.addEventListener("input", show);
localiseTimes(document);
if (form) show();
