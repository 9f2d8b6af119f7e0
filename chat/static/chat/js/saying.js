// What the model says in one phase of one round: reasoning as text, the answer as the server's
// sanitised blocks. Where those are late, the answer is shown as plain text until they come.
import { clone, setText } from "./templates.js";
import { words } from "./figures.js";

const PATIENCE_MS = 400;

export class SayingView {
  #reasoning;
  #answer;
  #tail;
  #hasHtml = false;
  #since = 0;

  constructor(root) {
    this.root = root;
    this.#reasoning = root.querySelector("[data-reasoning]");
    this.#answer = root.querySelector("[data-answer]");
  }

  static of(key) {
    const root = clone("saying");
    root.dataset.saying = key;
    delete root.dataset.aside;
    const view = new SayingView(root);
    view.#tail = document.createElement("div");
    view.#tail.className = "tail";
    view.#answer.append(view.#tail);
    return view;
  }

  draw(saying, { live, isAnswer }) {
    this.root.toggleAttribute("data-aside", !isAnswer && !live);
    this.#answer.toggleAttribute("data-live", live && saying.content !== "");
    if (saying.reasoning) this.#drawReasoning(saying, live);
    if (saying.content) this.#since ||= performance.now();
    const late = !live || performance.now() - this.#since > PATIENCE_MS;
    if (!this.#hasHtml && saying.content && late) {
      this.#tail.classList.add("plain");
      setText(this.#tail, saying.content);
    }
  }

  // Blocks from `from_block` on are replaced, the tail is always.
  applyHtml({ from_block: from, blocks, tail }) {
    if (!this.#hasHtml) {
      this.#hasHtml = true;
      this.#tail.classList.remove("plain");
    }
    const shown = [...this.#answer.querySelectorAll(":scope > .block")];
    for (const block of shown.slice(from)) block.remove();
    for (const html of blocks) this.#tail.before(blockOf(html));
    this.#tail.innerHTML = tail;
  }

  #drawReasoning(saying, live) {
    this.#reasoning.hidden = false;
    const thinking = live && saying.firstTextAt === null;
    this.#reasoning.toggleAttribute("data-live", thinking);
    setText(this.#reasoning.querySelector("[data-reasoning-title]"), thinking ? "Thinking" : "Reasoning");
    setText(this.#reasoning.querySelector("[data-reasoning-words]"), words(saying.reasoning));
    if (this.#reasoning.open || !live) {
      setText(this.#reasoning.querySelector("[data-reasoning-text]"), saying.reasoning);
    }
  }
}

function blockOf(html) {
  const block = document.createElement("div");
  block.className = "block";
  block.innerHTML = html;
  return block;
}
