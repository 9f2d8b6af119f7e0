// Draws the phases of a stage: a row each, bars as SVG with percentages as attributes, and the
// figures beside them in words.
import { count, duration } from "./figures.js";
import { phasesOf } from "./phases.js";
import { icon, setText } from "./templates.js";

const SVG = "http://www.w3.org/2000/svg";
const STEPS_SHOWN = 4;
const ROW_HEIGHT = 22;
const AXIS_HEIGHT = 26;
const NAMES = {
  completion: "Completion",
  extraction: "Extraction",
  validation: "Validation",
  execution: "Execution",
  summary: "Summary",
  synthesis: "Synthesis",
};

export class Timeline {
  #root;
  #rows = new Map();
  #axis = null;
  #step = 0;

  constructor(root) {
    this.#root = root;
  }

  get isDrawn() {
    return this.#axis !== null;
  }

  draw(stage, now) {
    const { rows, calls, end } = phasesOf(stage, now);
    if (!this.#axis) this.#begin(rows);
    const live = stage.endedAt === null;
    const step = stepFor(end);
    const span = live ? step * STEPS_SHOWN : Math.max(step, Math.ceil(end / step) * step);
    const scale = { span, step, now: live ? end : null };
    if (this.#step !== `${span}/${step}`) {
      this.#step = `${span}/${step}`;
      drawAxis(this.#axis, scale);
    }
    for (const row of rows) this.#drawPhase(row, scale);
    for (const call of calls) this.#drawCall(call, scale);
  }

  #begin(rows) {
    this.#root.textContent = "";
    const head = element("div", "timeline-row timeline-head");
    this.#axis = track("track-axis", AXIS_HEIGHT);
    this.#axis.setAttribute("aria-hidden", "true");
    head.append(
      element("span", "", "Phase"),
      this.#axis,
      element("span", "timeline-time", "Time"),
      element("span", "timeline-tokens", "In / out tokens"),
    );
    this.#root.append(head);
    for (const row of rows) this.#root.append(this.#addRow(row.name, NAMES[row.name], row.name));
  }

  #addRow(key, name, phase) {
    const row = element("div", "timeline-row");
    row.dataset.phase = phase;
    const label = element("span", "timeline-name");
    if (key === phase) {
      const glyph = element("span", `phase-${phase} timeline-glyph`);
      glyph.append(icon(`phase-${phase}`));
      label.append(glyph, element("span", "", name));
    } else {
      row.classList.add("timeline-call");
      label.append(element("span", "mono cut", name));
      label.title = name;
    }
    const svg = track(`phase-${phase}`, ROW_HEIGHT);
    svg.setAttribute("role", "img");
    row.append(label, svg, element("span", "timeline-time"), element("span", "timeline-tokens"));
    this.#rows.set(key, row);
    return row;
  }

  #drawPhase(row, scale) {
    const line = this.#rows.get(row.name);
    line.dataset.state = row.state;
    const time = row.time === null ? "–" : duration(row.time);
    setText(line.querySelector(".timeline-time"), time);
    setText(line.querySelector(".timeline-tokens"), row.usage ? row.usage.map(count).join(" / ") : "");
    const words = row.time === null ? (row.state === "waiting" ? "waiting" : "not run") : `${time}, from ${duration(row.bars[0].from)} on`;
    drawBars(line.querySelector(".track"), row.bars, row.first, scale, 10, `${NAMES[row.name]}: ${words}`);
  }

  #drawCall(call, scale) {
    const key = `call ${call.callId}`;
    if (!this.#rows.has(key)) {
      const added = this.#addRow(key, call.tool, "execution");
      this.#rows.get("summary").before(added);
    }
    const line = this.#rows.get(key);
    setText(line.querySelector(".timeline-name span"), call.tool);
    const time = call.time === null ? call.state : duration(call.time);
    setText(line.querySelector(".timeline-time"), time);
    line.dataset.state = call.bar ? "known" : "waiting";
    drawBars(line.querySelector(".track"), call.bar ? [call.bar] : [], [], scale, 6, `${call.tool}: ${time}`);
  }
}

// The smallest step of 1, 2, 5, 10, … ms of which four hold everything.
function stepFor(end) {
  for (let power = 1; power < 1e9; power *= 10) {
    for (const factor of [1, 2, 5]) {
      if (factor * power * STEPS_SHOWN >= Math.max(end, 4)) return factor * power;
    }
  }
  return 1e9;
}

function stepWords(ms) {
  if (ms === 0) return "0";
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${ms / 1000} s`;
  return `${Math.round(ms / 6000) / 10} min`;
}

function drawAxis(svg, { span, step }) {
  svg.replaceChildren();
  for (let at = 0; at <= span + 0.5; at += step / 5) {
    const major = Math.abs(at / step - Math.round(at / step)) < 0.01;
    svg.append(shape("line", { x1: share(at, span), x2: share(at, span), y1: major ? 17 : 21, y2: AXIS_HEIGHT, class: "tick" }));
    if (!major || at > span - step / 2) continue;
    const text = shape("text", { x: share(at, span), dx: at === 0 ? 1 : 3, y: 12, class: "tick-words" });
    text.textContent = stepWords(Math.round(at));
    svg.append(text);
  }
}

function drawBars(svg, bars, firsts, { span, step, now }, height, words) {
  svg.setAttribute("aria-label", words);
  const top = (ROW_HEIGHT - height) / 2;
  const parts = [];
  for (let at = step; at <= span + 0.5; at += step) {
    parts.push(shape("line", { x1: share(at, span), x2: share(at, span), y1: 0, y2: ROW_HEIGHT, class: "grid" }));
  }
  for (const bar of bars) {
    const left = share(bar.from, span);
    const name = bar.waiting ? "bar-waiting" : "bar";
    // The line keeps a bar two pixels wide however short it is.
    parts.push(shape("line", { x1: left, x2: left, y1: top, y2: top + height, class: `${name}-edge` }));
    parts.push(shape("rect", { x: left, width: share(bar.to - bar.from, span), y: top, height, class: name }));
  }
  for (const first of firsts) {
    const at = share(first, span);
    parts.push(shape("line", { x1: at, x2: at, y1: top - 3, y2: top + height + 3, class: "first-token" }));
  }
  if (now !== null) {
    parts.push(shape("line", { x1: share(now, span), x2: share(now, span), y1: 0, y2: ROW_HEIGHT, class: "now" }));
  }
  svg.replaceChildren(...parts);
}

const share = (part, whole) => `${Math.max(0, Math.min(100, (part / whole) * 100)).toFixed(3)}%`;

function track(name, height) {
  const svg = shape("svg", { class: `track ${name}`, height, width: "100%" });
  return svg;
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
