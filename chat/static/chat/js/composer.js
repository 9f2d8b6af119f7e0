// The composer: a draft that is never lost, Send and Stop, and what waits for a stage to end.
import { readDraft, readQueued, saveDraft, saveQueued } from "./drafts.js";
import { count } from "./figures.js";
import { setText } from "./templates.js";

const SAVE_MS = 300;
const narrow = matchMedia("(max-width: 48rem)");

// Fires "accepted" (detail: {stageId, conversationId, start}) once a start is stored.
export class Composer extends EventTarget {
  #root;
  #connection;
  #choices;
  #draft;
  #send;
  #stop;
  #saver = 0;
  #pending = null;
  #busy = null;
  #queued = "";

  constructor(root, connection, choices, conversationId) {
    super();
    this.#root = root;
    this.#connection = connection;
    this.#choices = choices;
    this.conversationId = conversationId;
    this.parentMessageId = null;
    this.#draft = root.querySelector("[data-draft]");
    this.#send = root.querySelector("[data-send]");
    this.#stop = root.querySelector("[data-stop]");
    root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.#draft.addEventListener("input", () => this.#typed());
    this.#draft.addEventListener("keydown", (event) => this.#key(event));
    this.#stop.addEventListener("click", () => this.stop());
    root.querySelector("[data-unqueue]").addEventListener("click", () => {
      this.#takeBack();
      this.#draft.focus();
    });
    connection.addEventListener("frame", ({ detail }) => this.#frame(detail));
    connection.addEventListener("state", ({ detail }) => {
      if (detail.name === "live" && this.#pending) connection.send(this.#pending.command);
    });
    addEventListener("pagehide", () => this.#save());
    this.#restore();
  }

  get isBusy() {
    return this.#busy !== null;
  }

  get text() {
    return this.#draft.value;
  }

  fill(text) {
    this.#draft.value = text;
    this.#typed();
    this.#draft.focus();
  }

  // Nothing runs that the queue could wait for.
  unqueue() {
    if (this.#queued && !this.isBusy && !this.#pending) this.#takeBack();
  }

  // Gives words back that did not reach the model; never over what is being typed.
  giveBack(text) {
    if (this.#draft.value.trim() !== "") return false;
    this.#draft.value = text;
    this.#save();
    return true;
  }

  setBusy(stageId) {
    this.#busy = stageId;
    if (stageId === null && this.#queued && !this.#pending) {
      this.start({ prompt: this.#queued }, { from: "queue" });
    }
    this.#draw();
  }

  submit() {
    const prompt = this.#draft.value.trim();
    if (!prompt || this.#pending) return;
    if (this.isBusy) {
      const queued = this.#queued ? `${this.#queued}\n\n${prompt}` : prompt;
      this.#clear();
      this.#setQueued(queued);
    } else this.start({ prompt });
  }

  // `about`: {prompt} or {retryOf} or {continueOf}, with mode and route where they are not the
  // composer's own.
  start(about, { from = "draft" } = {}) {
    if (this.#pending || this.isBusy) return;
    this.#refuse("");
    const { mode = this.#choices.mode, routeSlug = this.#choices.route?.slug } = about;
    const command = {
      type: "stage.start",
      request_id: newId(),
      conversation_id: this.conversationId,
      prompt: about.prompt ?? "",
      ...this.#choices.asCommand({ mode, routeSlug }),
    };
    if (about.retryOf) command.retry_of = about.retryOf;
    if (about.continueOf) command.continue_of = about.continueOf;
    if (about.prompt && this.parentMessageId) command.parent_message_id = this.parentMessageId;
    this.#pending = { command, from, start: { ...about, mode, routeSlug } };
    // Not connected: the same request goes out, under the same id, when the connection is back.
    this.#connection.send(command);
    this.#draw();
  }

  stop() {
    if (!this.#busy) return;
    this.#connection.send({ type: "stage.cancel", stage_id: this.#busy });
    this.dispatchEvent(new Event("stopping"));
  }

  showContext(used, budget) {
    const place = document.querySelector(".context");
    place.hidden = !(used > 0 && budget > 0);
    if (place.hidden) return;
    place.querySelector("[data-context-meter]").value = Math.min(1, used / budget);
    setText(place.querySelector("[data-context-words]"), `${count(used)} of ${count(budget)}`);
  }

  #frame(frame) {
    if (!this.#pending || frame.request_id !== this.#pending.command.request_id) return;
    const { from, start } = this.#pending;
    if (frame.type === "accepted") {
      this.#pending = null;
      const before = this.conversationId;
      this.conversationId = frame.conversation_id;
      this.parentMessageId = null;
      if (from === "queue") this.#setQueued("");
      else if (start.prompt) this.#clear(before);
      if (start.routeSlug) this.#choices.chooseRoute(start.routeSlug);
      const detail = { stageId: frame.stage_id, conversationId: frame.conversation_id, start };
      this.dispatchEvent(new CustomEvent("accepted", { detail }));
    } else if (frame.type === "rejected") {
      this.#pending = null;
      if (from === "queue") this.#takeBack();
      this.#refuse(frame.message);
    }
    this.#draw();
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    // On a touch keyboard Enter is the only way to a new line.
    if (matchMedia("(hover: none) and (pointer: coarse)").matches && !event.ctrlKey) return;
    event.preventDefault();
    this.submit();
  }

  #typed() {
    clearTimeout(this.#saver);
    this.#saver = setTimeout(() => this.#save(), SAVE_MS);
    this.#refuse("");
    this.#draw();
  }

  #save() {
    clearTimeout(this.#saver);
    const text = this.#draft.value;
    const kept = saveDraft(this.conversationId, text, this.#queued);
    const words = kept ? "Draft saved." : "Draft not saved: this browser keeps nothing.";
    setText(document.querySelector("[data-draft-state]"), text ? words : "");
    this.#draw();
  }

  #restore() {
    // The browser may have put text back by itself; ours is the newer one.
    this.#queued = readQueued(this.conversationId);
    const kept = readDraft(this.conversationId);
    const own = this.#queued && kept.startsWith(this.#queued) ? kept.slice(this.#queued.length).trimStart() : kept;
    this.#draft.value = own || this.#draft.value;
    if (this.#draft.value) setText(document.querySelector("[data-draft-state]"), "Draft saved.");
    this.#draw();
  }

  #clear(conversationId = this.conversationId) {
    clearTimeout(this.#saver);
    this.#draft.value = "";
    saveDraft(conversationId, "");
    setText(document.querySelector("[data-draft-state]"), "");
    this.#draw();
  }

  #setQueued(text) {
    this.#queued = text;
    saveQueued(this.conversationId, text);
    saveDraft(this.conversationId, this.#draft.value, text);
    this.#draw();
  }

  #takeBack() {
    const text = this.#queued;
    this.#setQueued("");
    this.#draft.value = [text, this.#draft.value].filter(Boolean).join("\n\n");
    this.#save();
  }

  #refuse(message) {
    const banner = this.#root.querySelector("[data-refusal]");
    banner.hidden = message === "";
    setText(banner.querySelector("[data-refusal-words]"), message);
  }

  #draw() {
    const waiting = this.#pending !== null;
    const queued = this.#root.querySelector("[data-queued]");
    queued.hidden = this.#queued === "";
    setText(queued.querySelector("[data-queued-text]"), this.#queued);
    this.#draft.readOnly = waiting && this.#pending.from === "draft" && Boolean(this.#pending.start.prompt);
    this.#stop.hidden = !this.isBusy;
    const empty = this.#draft.value.trim() === "";
    this.#send.hidden = this.isBusy && empty;
    this.#send.disabled = waiting || empty;
    setText(this.#send.querySelector("[data-send-words]"), this.isBusy ? "Queue" : "Send");
    const next = narrow.matches ? "Next message, sent when this ends" : "Type the next message. It is sent when this stage ends.";
    this.#draft.placeholder = this.isBusy ? next : "Type a message";
    if (waiting && !this.#connection.isLive) {
      setText(document.querySelector("[data-draft-state]"), "It is sent when the connection is back.");
    }
  }
}

// crypto.randomUUID is there on HTTPS and loopback only.
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex);
}
