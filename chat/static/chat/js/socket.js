// The connection to /ws/: reconnects by itself, and goes on after the last number it has seen.
// Events of `Connection`: "state" (detail: name, attempt, retryAt), "frame" (detail: the frame),
// "event" (detail: a stage's event, each exactly once and in order).
const SUBPROTOCOL = "toolbench.v1";
const PING_MS = 20_000;
const PONG_MS = 8_000;
const CATCH_UP_MS = 2_000;
const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 15_000;
const LOGGED_OUT = 4401;
const FORBIDDEN = 4403;

export class Connection extends EventTarget {
  #address;
  #socket = null;
  #stages = new Map();
  #conversation = null;
  #attempt = 0;
  #timer = 0;
  #pinger = 0;
  #pongTimer = 0;
  #loggedOut = false;
  #leaving = false;

  constructor(address) {
    super();
    this.#address = address;
    addEventListener("online", () => this.wake());
    addEventListener("pageshow", (event) => event.persisted && this.wake());
    addEventListener("pagehide", () => this.#rest());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.wake();
    });
  }

  get isLive() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.#timer);
    this.#leaving = false;
    const socket = new WebSocket(this.#address, SUBPROTOCOL);
    this.#socket = socket;
    socket.addEventListener("open", () => socket === this.#socket && this.#opened());
    socket.addEventListener("message", (message) => {
      if (socket === this.#socket) this.#received(message.data);
    });
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
  }

  // Someone is looking again, or the network is back: do not wait for the timer.
  wake() {
    if (this.isLive) this.#ping();
    else if (!this.#socket || this.#socket.readyState === WebSocket.CLOSED) this.open();
  }

  send(command) {
    if (!this.isLive) return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  follow(stageId, { after = 0, html = false, subscribed = false } = {}) {
    this.#stages.set(stageId, { after, html, asked: false });
    if (!subscribed) this.#subscribe(stageId);
  }

  unfollow(stageId) {
    if (!this.#stages.delete(stageId)) return;
    this.send({ type: "stage.unsubscribe", stage_id: stageId });
  }

  watch(conversationId) {
    if (this.#conversation === conversationId) return;
    this.#conversation = conversationId;
    this.send({ type: "conversation.subscribe", conversation_id: conversationId });
  }

  #subscribe(stageId) {
    const { after, html } = this.#stages.get(stageId);
    const command = { type: "stage.subscribe", stage_id: stageId, after };
    this.send(html ? { ...command, html: true } : command);
  }

  #opened() {
    this.#attempt = 0;
    this.#loggedOut = false;
    this.#tell("live");
    if (this.#conversation) {
      this.send({ type: "conversation.subscribe", conversation_id: this.#conversation });
    }
    for (const stageId of this.#stages.keys()) this.#subscribe(stageId);
    clearInterval(this.#pinger);
    this.#pinger = setInterval(() => this.#ping(), PING_MS);
  }

  #received(text) {
    const frame = JSON.parse(text);
    if (frame.type === "event") this.#event(frame);
    else if (frame.type === "pong") this.#pong(frame.stages ?? {});
    else {
      if (frame.type === "subscribed" && frame.stage_id) this.#subscribed(frame);
      this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    }
  }

  // The server knows less than we have seen (a restored backup): it begins again, and so do we.
  #subscribed(frame) {
    const followed = this.#stages.get(frame.stage_id);
    if (followed && frame.recovered === false) followed.after = 0;
  }

  #event(event) {
    const followed = this.#stages.get(event.stage_id);
    if (!followed || event.sequence_number <= followed.after) return;
    if (event.sequence_number > followed.after + 1) {
      if (!followed.asked) this.#subscribe(event.stage_id);
      followed.asked = true;
      return;
    }
    followed.asked = false;
    followed.after = event.sequence_number;
    if (["done", "cancel", "error"].includes(event.event)) this.#stages.delete(event.stage_id);
    this.dispatchEvent(new CustomEvent("event", { detail: event }));
  }

  #ping() {
    if (!this.send({ type: "ping" })) return;
    clearTimeout(this.#pongTimer);
    const socket = this.#socket;
    this.#pongTimer = setTimeout(() => {
      if (socket !== this.#socket) return;
      // Silence: the network is gone although nobody has said so.
      this.#socket = null;
      socket.close();
      this.#closed(0);
    }, PONG_MS);
  }

  // A number that has not come a moment after the pong was lost on the way.
  #pong(last) {
    clearTimeout(this.#pongTimer);
    setTimeout(() => {
      for (const [stageId, number] of Object.entries(last)) {
        const followed = this.#stages.get(stageId);
        if (followed && followed.after < number) this.#subscribe(stageId);
      }
    }, CATCH_UP_MS);
  }

  #closed(code) {
    clearInterval(this.#pinger);
    clearTimeout(this.#pongTimer);
    if (this.#leaving) return;
    this.#attempt += 1;
    this.#loggedOut = code === LOGGED_OUT;
    const grown = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#attempt - 1));
    const steady = this.#loggedOut || code === FORBIDDEN ? 5_000 : grown;
    const delay = steady * (0.75 + Math.random() / 2);
    this.#tell(this.#loggedOut ? "logged-out" : "lost", Date.now() + delay);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), delay);
  }

  // The page may come back from the browser's cache, with its sockets gone.
  #rest() {
    this.#leaving = true;
    clearTimeout(this.#timer);
    clearInterval(this.#pinger);
    this.#socket?.close();
    this.#socket = null;
  }

  #tell(name, retryAt = 0) {
    const detail = { name, attempt: this.#attempt, retryAt };
    this.dispatchEvent(new CustomEvent("state", { detail }));
  }
}
