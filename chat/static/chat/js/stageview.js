// A stage on the page: its card, what it says, its figures. Draws what the fold says, at most once a
// frame, and leaves alone what has not changed.
import { clock, count, duration, plural, timeOfDay } from "./figures.js";
import { drawRepairs } from "./repairs.js";
import { SayingView } from "./saying.js";
import { serverNow } from "./serverclock.js";
import { answerOf, isActive } from "./stage.js";
import { clone, setBadge, setText } from "./templates.js";
import { Timeline } from "./timeline.js";
import { drawToolCard, newToolCard } from "./toolcard.js";

const MODE_WORDS = { chat: "Chat", tools: "Tools", synthesis: "Tools + synthesis" };
// More calls than these are one list (templates/chat/round.html); cards open on demand.
const CARDS_ABREAST = 6;
const ENDS = {
  done: ["ok", "check", "Done"],
  cancel: ["quiet", "square", "Stopped after"],
  error: ["bad", "x", "Failed after"],
};
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class StageView {
  #sayings = new Map();
  #timeline;
  #frame = 0;
  #timer = 0;
  #onDrawn;
  #stopping = false;

  constructor(root, stage, { onDrawn = () => {} } = {}) {
    this.root = root;
    this.stage = stage;
    this.#onDrawn = onDrawn;
    this.#timeline = new Timeline(root.querySelector("[data-timeline]"));
  }

  static begin(stage, { mode, routeName, routeSlug }, options) {
    const root = clone("stage");
    root.dataset.stageId = stage.id;
    root.dataset.mode = mode;
    root.dataset.route = routeSlug;
    setText(root.querySelector("[data-route-name]"), routeName);
    setText(root.querySelector("[data-mode-words]"), MODE_WORDS[mode]);
    const id = root.querySelector("[data-short-id]");
    id.title = stage.id;
    setText(id, `${stage.id.slice(0, 4)}…${stage.id.slice(-4)}`);
    root.querySelector("[data-card]").hidden = mode === "chat";
    const time = root.querySelector("[data-time]");
    const now = new Date(serverNow());
    time.dateTime = now.toISOString();
    setText(time, timeOfDay(now));
    return new StageView(root, stage, options);
  }

  get card() {
    return this.root.querySelector("[data-card]");
  }

  get hasTimeline() {
    return this.#timeline.isDrawn;
  }

  tellStopping() {
    this.#stopping = true;
    this.schedule();
  }

  // Live figures move by themselves between events.
  start() {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.schedule(), still.matches ? 1000 : 100);
    this.schedule();
  }

  end() {
    clearInterval(this.#timer);
  }

  schedule() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw();
    });
  }

  draw() {
    const { stage } = this;
    const live = isActive(stage);
    const now = live ? Math.max(serverNow(), stage.startedAt ?? 0) : stage.endedAt;
    this.root.dataset.status = stage.status;
    this.#drawBadges(live, now);
    this.#drawCalls(live, now);
    this.#drawSayings(live);
    this.root.querySelector("[data-deciding]").hidden = !live || stage.deciding === null;
    if (stage.startedAt !== null && this.card.open && !this.card.hidden) this.drawTimeline(now);
    this.#drawFigures(live);
    if (!live) this.end();
    this.#onDrawn();
  }

  drawTimeline(now = this.stage.endedAt) {
    this.#timeline.draw(this.stage, now ?? serverNow());
  }

  applyHtml(frame) {
    const key = `${frame.round}:${frame.phase}`;
    this.#sayingOf(key).applyHtml(frame);
    this.#onDrawn();
  }

  #drawBadges(live, now) {
    const { stage } = this;
    const ms = stage.startedAt === null ? 0 : now - stage.startedAt;
    const badge = this.card.querySelector("[data-badge]");
    const place = this.root.querySelector("[data-live-place]");
    let shown;
    if (live) {
      const word = this.#stopping ? "Stopping" : stage.startedAt === null ? "Queued" : "Running";
      shown = ["live", "", stage.startedAt === null ? word : `${word} ${clock(ms)}`];
    } else {
      const [kind, glyph, word] = ENDS[stage.status];
      shown = [kind, glyph, `${word} ${duration(stage.end.timings?.total_ms ?? ms)}`];
    }
    setBadge(badge, ...shown);
    // Chat has no card in sight, so its state stands where the actions will be.
    if (this.root.dataset.mode === "chat" && live) {
      if (!place.firstChild) place.append(badge.cloneNode(true));
      setBadge(place.firstChild, ...shown);
    } else {
      place.replaceChildren();
    }
    drawRepairs(this.root, stage.repairs);
    const rounds = Math.max(1, ...stage.calls.map((call) => call.round));
    const title = stage.mode === "chat" ? "Completion" : `Round ${rounds}`;
    setText(this.card.querySelector("[data-stage-title]"), title);
  }

  #drawCalls(live, now) {
    const place = this.card.querySelector("[data-rounds]");
    const rounds = new Set(this.stage.calls.map((call) => call.round));
    for (const call of this.stage.calls) {
      const round = roundOf(place, call.round);
      round.querySelector("[data-round-title]").hidden = rounds.size < 2;
      const cards = round.querySelector("[data-cards]");
      let card = [...cards.children].find((other) => other.dataset.callId === call.callId);
      if (!card) {
        card = newToolCard(call);
        cards.append(card);
        cards.toggleAttribute("data-many", cards.childElementCount > CARDS_ABREAST);
      }
      drawToolCard(card, call, { now, ended: !live });
    }
  }

  #drawSayings(live) {
    const answer = answerOf(this.stage);
    const last = this.stage.sayings.at(-1);
    for (const saying of this.stage.sayings) {
      this.#sayingOf(saying.key).draw(saying, {
        live: live && saying === last,
        isAnswer: saying.phase === answer?.phase,
      });
    }
  }

  #sayingOf(key) {
    let view = this.#sayings.get(key);
    if (!view) {
      view = SayingView.of(key);
      this.#sayings.set(key, view);
      this.root.querySelector("[data-sayings]").append(view.root);
    }
    return view;
  }

  #drawFigures(live) {
    const { stage } = this;
    const figures = this.card.querySelector("[data-stage-figures]");
    const parts = stage.usage.map((usage) => {
      const name = { chat: "Completion", synthesis: "Synthesis" }[usage.phase] ?? `Round ${usage.round}`;
      return `${name}: ${count(usage.input_tokens)} in, ${count(usage.output_tokens)} out`;
    });
    const stamps = [...stage.sayings, ...stage.calls].map((part) => part.firstAt);
    if (stamps.length > 0) {
      parts.push(`first token ${duration(Math.min(...stamps) - stage.startedAt)}`);
    }
    if (stage.calls.length > 0) parts.push(plural(stage.calls.length, "call"));
    figures.hidden = parts.length === 0;
    const text = parts.join("\n");
    if (figures.dataset.shown !== text) {
      figures.dataset.shown = text;
      figures.replaceChildren(...parts.map(span));
    }
    this.root.querySelector("[data-actions]").hidden = live;
  }
}

function roundOf(place, number) {
  let round = place.querySelector(`[data-round="${number}"]`);
  if (!round) {
    round = clone("round");
    round.dataset.round = number;
    setText(round.querySelector("[data-round-title]"), `Round ${number}`);
    place.append(round);
  }
  return round;
}

function span(text) {
  const made = document.createElement("span");
  made.textContent = text;
  return made;
}
