// The turns on the page: those the server drew, those that run, and how one becomes the other.
import { announce } from "./announcer.js";
import { sawStamp } from "./serverclock.js";
import { openRepairs } from "./repairs.js";
import { speak } from "./speech.js";
import { fold, isActive, newStage } from "./stage.js";
import { StageView } from "./stageview.js";
import { enhanceResult } from "./toolcard.js";
import { recall, remember } from "./storage.js";
import { carryOver, fetchTurn, ownMessage } from "./turnpage.js";

const CARDS_REMEMBERED = 200;
const RETRY_MS = 2_000;

// Fires "busy" (detail: the running stage's id or null) and "ended" (detail: {stage, root, prompt}).
export class Transcript extends EventTarget {
  #root;
  #connection;
  #follower;
  #views = new Map();
  #prompts = new Map();
  #active = null;
  #replayed = new Set();

  constructor(root, connection, follower) {
    super();
    this.#root = root;
    this.#connection = connection;
    this.#follower = follower;
    this.conversationId = null;
    connection.addEventListener("event", ({ detail }) => this.#event(detail));
    connection.addEventListener("frame", ({ detail }) => this.#frame(detail));
    root.addEventListener("toggle", (event) => this.#toggled(event.target), true);
    root.addEventListener("click", (event) => this.#clicked(event));
  }

  get activeStage() {
    return this.#active;
  }

  // What the server drew: results get their views, folded cards stay as the reader left them.
  adopt() {
    const opened = new Set(recall("open-cards", []));
    for (const article of this.#root.querySelectorAll("[data-stage-id]")) {
      for (const card of article.querySelectorAll("[data-call-id]")) enhanceResult(card);
      if (["queued", "running", "waiting"].includes(article.dataset.status)) {
        this.#live(article.dataset.stageId, article);
      } else if (opened.has(article.dataset.stageId)) {
        openCard(article);
      }
    }
    this.#follower.toBottom();
  }

  // A stage that this page has started; its prompt is known, so nothing is waited for.
  begin(stageId, { prompt, retryOf, ...about }) {
    if (this.#views.has(stageId)) return;
    this.#root.querySelector("[data-empty]")?.remove();
    if (retryOf) this.#removeFrom(this.#articleOf(retryOf));
    else {
      this.#removeUnanswered();
      this.#root.append(ownMessage(prompt, stageId));
      this.#prompts.set(stageId, prompt);
    }
    this.#foldOthers();
    const view = StageView.begin(newStage(stageId), about, { onDrawn: () => this.#follower.grew() });
    this.#root.append(view.root);
    this.#run(stageId, view, { subscribed: true });
    this.#follower.toBottom();
  }

  // A stage that somebody else, or another tab, has started.
  async follow(stageId) {
    if (this.#views.has(stageId) || this.#articleOf(stageId)) return;
    const turn = await this.#fetch(stageId);
    if (!turn?.stage || this.#views.has(stageId) || this.#articleOf(stageId)) return;
    this.#root.querySelector("[data-empty]")?.remove();
    const known = turn.message && this.#messageOf(turn.message.dataset.messageId);
    if (known) this.#removeAfter(known);
    else {
      this.#removeUnanswered();
      if (turn.message) this.#root.append(turn.message);
    }
    this.#foldOthers();
    this.#root.append(turn.stage);
    if (["queued", "running", "waiting"].includes(turn.stage.dataset.status)) {
      this.#live(stageId, turn.stage);
    }
    this.#follower.grew();
  }

  tellStopping() {
    this.#views.get(this.#active)?.tellStopping();
  }

  lastStage() {
    return [...this.#root.querySelectorAll("[data-stage-id]")].at(-1) ?? null;
  }

  #live(stageId, article) {
    const view = new StageView(article, newStage(stageId), { onDrawn: () => this.#follower.grew() });
    this.#run(stageId, view, { subscribed: false });
  }

  #run(stageId, view, { subscribed }) {
    this.#views.set(stageId, view);
    this.#connection.follow(stageId, { html: true, subscribed });
    view.start();
    this.#setActive(stageId);
  }

  #setActive(stageId) {
    if (this.#active === stageId) return;
    this.#active = stageId;
    this.dispatchEvent(new CustomEvent("busy", { detail: stageId }));
  }

  #event(event) {
    const view = this.#views.get(event.stage_id);
    if (!view) return;
    const { stage } = view;
    fold(stage, event);
    if (this.#replayed.has(event.stage_id)) {
      if (!isActive(stage)) view.drawTimeline();
      return;
    }
    sawStamp(Date.parse(event.ts));
    view.schedule();
    speak(event, stage);
    if (!isActive(stage)) this.#ended(view);
  }

  #frame(frame) {
    if (frame.type === "html") this.#views.get(frame.stage_id)?.applyHtml(frame);
    else if (frame.type === "stage") this.#stageTold(frame);
    else if (frame.type === "subscribed" && frame.stages) {
      for (const stage of frame.stages) this.follow(stage.stage_id);
    } else if (frame.type === "subscribed" && frame.stage_id) this.#subscribed(frame);
    else if (frame.type === "unavailable") announce(frame.message);
    else if (frame.type === "rejected" && frame.code === "not_found") this.#gone(frame.stage_id);
  }

  // Deleted elsewhere, or no longer ours to read.
  #gone(stageId) {
    const view = this.#views.get(stageId);
    if (!view || this.#replayed.has(stageId)) return;
    view.end();
    this.#connection.unfollow(stageId);
    if (this.#active === stageId) this.#setActive(null);
  }

  #stageTold(frame) {
    if (frame.conversation_id === this.conversationId) this.follow(frame.stage_id);
  }

  // Ended, and its events are gone or were all seen: the stored rows say how.
  #subscribed(frame) {
    const view = this.#views.get(frame.stage_id);
    const ended = ["done", "cancel", "error"].includes(frame.status);
    if (!view) return;
    if (frame.recovered === false) Object.assign(view.stage, newStage(frame.stage_id));
    if (!ended || this.#replayed.has(frame.stage_id)) return;
    if (frame.last_sequence_number === 0) {
      this.#connection.unfollow(frame.stage_id);
      this.#ended(view);
    }
  }

  async #ended(view) {
    const stageId = view.stage.id;
    if (this.#active === stageId) this.#setActive(null);
    const turn = await this.#fetch(stageId);
    view.end();
    if (!turn?.stage || !view.root.isConnected) return;
    const old = view.root;
    this.#follower.holding(old, () => {
      carryOver(old, turn.stage);
      const pending = this.#root.querySelector(`[data-pending-for="${stageId}"]`);
      if (turn.message && pending) pending.replaceWith(turn.message);
      old.replaceWith(turn.stage);
      for (const card of turn.stage.querySelectorAll("[data-call-id]")) enhanceResult(card);
      const kept = new StageView(turn.stage, view.stage);
      if (kept.card.open && view.stage.startedAt !== null) kept.drawTimeline();
      this.#views.set(stageId, kept);
      this.#replayed.add(stageId);
      return turn.stage;
    });
    const detail = { stage: view.stage, root: turn.stage, prompt: this.#prompts.get(stageId) };
    this.dispatchEvent(new CustomEvent("ended", { detail }));
  }

  // The page of a turn, asked for until it comes: the server may be restarting just now.
  async #fetch(stageId) {
    for (;;) {
      try {
        return await fetchTurn(this.conversationId, stageId);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  // A card opened for the first time asks for its stage's events, and draws the phases from them.
  #toggled(card) {
    const article = card.closest?.("[data-stage-id]");
    if (!article || !card.matches("[data-card]")) return;
    if (card.dataset.byHand) this.#rememberOpen(article.dataset.stageId, card.open);
    if (!card.open) return;
    for (const toolCard of card.querySelectorAll("[data-call-id]")) enhanceResult(toolCard);
    const stageId = article.dataset.stageId;
    const view = this.#views.get(stageId);
    if (!view) {
      const replay = new StageView(article, newStage(stageId));
      this.#views.set(stageId, replay);
      this.#replayed.add(stageId);
      this.#connection.follow(stageId);
    } else if (!view.hasTimeline && view.stage.startedAt !== null) view.drawTimeline();
  }

  #rememberOpen(stageId, open) {
    const others = recall("open-cards", []).filter((id) => id !== stageId);
    remember("open-cards", open ? [...others, stageId].slice(-CARDS_REMEMBERED) : others);
  }

  #clicked(event) {
    const hammer = event.target.closest("[data-repairs-badge], [data-show-repairs]");
    if (hammer) {
      // The badge stands in the card's summary, which would fold the card.
      event.preventDefault();
      const article = hammer.closest("[data-stage-id]");
      openCard(article).dataset.byHand = "yes";
      openRepairs(article);
      return;
    }
    const fold = event.target.closest("[data-fold-card]");
    if (fold) foldCard(fold);
    const head = event.target.closest(".stage-head");
    if (head) head.parentElement.dataset.byHand = "yes";
    const door = event.target.closest("[data-show-card]");
    if (!door) return;
    const article = door.closest("[data-stage-id]");
    const card = article.querySelector("[data-card]");
    card.dataset.byHand = "yes";
    if (article.dataset.mode === "chat") card.hidden = !card.hidden;
    card.open = article.dataset.mode === "chat" ? !card.hidden : !card.open;
    door.setAttribute("aria-expanded", String(card.open));
  }

  #foldOthers() {
    for (const card of this.#root.querySelectorAll('[data-card][open]')) {
      const article = card.closest("[data-stage-id]");
      if (article.dataset.mode !== "tools" && !card.dataset.byHand) card.open = false;
    }
  }

  // The server leaves a prompt that got no answer aside, and so does the page.
  #removeUnanswered() {
    const last = this.lastStage();
    if (!last || last.dataset.message || last.querySelector("[data-answer] > *")) return;
    if (!["error", "cancel"].includes(last.dataset.status)) return;
    const prompt = last.previousElementSibling;
    this.#removeFrom(prompt?.matches("[data-message-id]") ? prompt : last);
  }

  #removeFrom(article) {
    if (!article) return;
    this.#removeAfter(article);
    article.remove();
  }

  #removeAfter(article) {
    while (article.nextElementSibling) {
      const next = article.nextElementSibling;
      this.#connection.unfollow(next.dataset.stageId);
      next.remove();
    }
  }

  #articleOf(stageId) {
    return this.#root.querySelector(`[data-stage-id="${stageId}"]`);
  }

  #messageOf(messageId) {
    return this.#root.querySelector(`[data-message-id="${messageId}"]`);
  }
}

function foldCard(button) {
  const isOpen = button.closest("[data-call-id]").toggleAttribute("data-open");
  button.setAttribute("aria-expanded", String(isOpen));
}

function openCard(article) {
  const card = article.querySelector("[data-card]");
  if (card.hidden) {
    card.hidden = false;
    article.querySelector("[data-show-card]")?.setAttribute("aria-expanded", "true");
  }
  card.open = true;
  return card;
}
