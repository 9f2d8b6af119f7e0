// Follows the newest lines only while the reader is at the bottom; else a button leads there.
const NEAR = 24;

export class BottomFollower {
  #box;
  #button;
  #following = true;
  #top = 0;

  constructor(box, button) {
    this.#box = box;
    this.#button = button;
    box.addEventListener("scroll", () => this.#looked(), { passive: true });
    button.addEventListener("click", () => {
      this.toBottom();
      box.focus({ preventScroll: true });
    });
    new ResizeObserver(() => this.grew()).observe(box);
  }

  get isFollowing() {
    return this.#following;
  }

  toBottom() {
    this.#following = true;
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#top = this.#box.scrollTop;
    this.#button.hidden = true;
  }

  // Leads to an element and stays there.
  lead(element) {
    this.#following = false;
    element.scrollIntoView();
    this.#top = this.#box.scrollTop;
    this.#button.hidden = this.#distance() < NEAR;
  }

  grew() {
    // The reader may have gone up since the last frame, and the event that says so be still to come.
    this.#looked();
    if (this.#following) this.toBottom();
    else this.#button.hidden = this.#distance() < NEAR;
  }

  // Changes the page without moving what the reader looks at.
  holding(element, change) {
    const before = element.isConnected ? element.getBoundingClientRect().top : null;
    const after = change() ?? element;
    if (this.#following) this.toBottom();
    else if (before !== null && after.isConnected) {
      this.#box.scrollTop += after.getBoundingClientRect().top - before;
    }
  }

  #distance() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight;
  }

  // Going up is the reader's doing; text that grows only makes the way down longer.
  #looked() {
    const top = this.#box.scrollTop;
    if (this.#distance() < NEAR) this.#following = true;
    else if (top < this.#top) this.#following = false;
    this.#top = top;
    this.#button.hidden = this.#following;
  }
}
