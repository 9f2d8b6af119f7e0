// The conversation list: filter, more, rename in place, delete, and what runs or failed.
import { askFirst } from "../../site/js/dialog.js";
import { showToast } from "../../site/js/toast.js";
import { readDraft } from "./drafts.js";
import { clone, setText } from "./templates.js";

const FILTER_MS = 200;
const REFRESH_MS = 250;
const LOOK_AGAIN_MS = 30_000;

export class ConversationList extends EventTarget {
  #lists;
  #urls;
  #filter;
  #menu;
  #chosen = null;
  #timer = 0;
  #asked = 0;

  constructor(urls, conversationId) {
    super();
    this.#urls = urls;
    this.conversationId = conversationId;
    this.#lists = [...document.querySelectorAll("[data-list]")];
    this.#filter = document.querySelector("[data-filter]");
    this.#menu = document.getElementById("conversation-menu");
    this.#filter.addEventListener("input", () => this.refresh(FILTER_MS));
    for (const button of document.querySelectorAll("[data-more-button]")) {
      button.addEventListener("click", () => this.#more(button));
    }
    for (const list of this.#lists) list.addEventListener("click", (event) => this.#openMenu(event));
    this.#menu.querySelector("[data-rename]").addEventListener("click", () => {
      this.#menu.hidePopover();
      this.#renameRow(this.#chosen);
    });
    this.#menu.querySelector("[data-delete]").addEventListener("click", () => {
      this.#menu.hidePopover();
      this.#delete(this.#chosen);
    });
    setInterval(() => document.visibilityState === "visible" && this.#hasRunning() && this.refresh(), LOOK_AGAIN_MS);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.refresh());
    this.#markDrafts();
  }

  focusFilter() {
    this.#filter.focus();
    this.#filter.select();
  }

  // Asks for the first page again, soon: several reasons at once are one request.
  refresh(delay = REFRESH_MS) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), delay);
  }

  // Renames where the title stands above the transcript.
  renameHere(title, button) {
    if (!this.conversationId) return;
    editInPlace(title, title.textContent, (text) => this.#rename(this.conversationId, text), button);
  }

  showTitle(text) {
    for (const place of document.querySelectorAll("[data-conversation-title]")) setText(place, text);
    document.title = `${text} - Toolbench`;
  }

  async #load() {
    const title = this.#filter.value.trim();
    this.#asked += 1;
    const asked = this.#asked;
    for (const list of this.#lists) {
      const page = await this.#read({ title, machines: list.dataset.list === "machines" });
      if (!page || asked !== this.#asked) return;
      this.#draw(list, page.rows);
      this.#setMore(list, page.more);
      const shown = page.rows.length > 0;
      if (list.dataset.list === "machines") list.closest("[data-machines]").hidden = !shown;
      else {
        const none = document.querySelector("[data-no-match]");
        none.hidden = shown || !title;
        setText(none, `No title holds “${title}”.`);
      }
    }
    this.#markDrafts();
  }

  async #more(button) {
    const list = this.#lists.find((other) => other.dataset.list === button.dataset.moreButton);
    const page = await this.#read({
      title: this.#filter.value.trim(),
      machines: list.dataset.list === "machines",
      after: list.dataset.more,
    });
    if (!page) return;
    for (const row of page.rows) this.#groupOf(list, row.group).append(rowOf(row, this.conversationId));
    this.#setMore(list, page.more);
    this.#markDrafts();
  }

  async #read({ title, machines, after = "" }) {
    const query = new URLSearchParams({ title, machines: machines ? "1" : "0", after });
    try {
      const answer = await fetch(`${this.#urls.conversations}?${query}`, { headers: { Accept: "application/json" } });
      return answer.ok && !answer.redirected ? await answer.json() : null;
    } catch {
      return null; // The connection's own words say so already.
    }
  }

  // The focus stays on the row it was on.
  #draw(list, rows) {
    if (list.querySelector("input")) return;
    const focused = document.activeElement?.closest?.("[data-conversation-id]");
    const inMenu = document.activeElement?.matches?.("[data-row-menu]");
    const id = focused && list.contains(focused) ? focused.dataset.conversationId : null;
    list.replaceChildren();
    for (const row of rows) this.#groupOf(list, row.group).append(rowOf(row, this.conversationId));
    if (id) list.querySelector(`[data-conversation-id="${id}"] ${inMenu ? "[data-row-menu]" : "a"}`)?.focus();
    const here = rows.find((row) => row.id === this.conversationId);
    if (here) this.showTitle(here.title);
  }

  #groupOf(list, name) {
    let group = list.querySelector(`[data-group="${name}"]`);
    if (!group) {
      group = clone("group");
      group.dataset.group = name;
      setText(group.querySelector(".panel-group"), name);
      list.append(group);
    }
    return group;
  }

  #setMore(list, more) {
    list.dataset.more = more;
    document.querySelector(`[data-more-button="${list.dataset.list}"]`).hidden = more === "";
  }

  #hasRunning() {
    return document.querySelector('[data-list] [data-state="running"]') !== null;
  }

  #markDrafts() {
    for (const row of document.querySelectorAll("[data-list] [data-conversation-id]")) {
      const draft = row.dataset.conversationId !== this.conversationId && readDraft(row.dataset.conversationId);
      row.querySelector(".row-draft").hidden = !draft;
    }
  }

  #openMenu(event) {
    const button = event.target.closest("[data-row-menu]");
    if (!button) return;
    for (const other of document.querySelectorAll('[data-menu-button="conversation-menu"]')) {
      delete other.dataset.menuButton;
    }
    button.dataset.menuButton = "conversation-menu";
    this.#chosen = button.closest("[data-conversation-id]");
    this.#menu.querySelector("[data-make-case-row]").href = `/bench/from/${this.#chosen.dataset.conversationId}/`;
    this.#menu.togglePopover();
  }

  #renameRow(row) {
    const title = row.querySelector("a [data-title]");
    const id = row.dataset.conversationId;
    editInPlace(title, title.textContent, (text) => this.#rename(id, text), row.querySelector("[data-row-menu]"));
  }

  async #rename(id, title) {
    const answer = await this.#post(`/c/${id}/rename/`, { title });
    if (!answer) return;
    if (id === this.conversationId) this.showTitle(answer.title);
    this.refresh(0);
  }

  async #delete(row) {
    const id = row.dataset.conversationId;
    const title = row.querySelector("a [data-title]").textContent;
    const sure = await askFirst({
      title: "Delete this conversation?",
      words: `“${title}” goes with everything that was said and recorded in it. This cannot be undone.`,
      confirm: "Delete it",
      keep: "Keep it",
    });
    if (!sure) return;
    const answer = await this.#post(`/c/${id}/delete/`, {});
    if (!answer) return;
    if (id === this.conversationId) location.assign(this.#urls.home);
    else this.refresh(0);
  }

  async #post(url, fields) {
    const body = new FormData(document.querySelector("[data-token]"));
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    try {
      const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
      if (answer.redirected) throw new Error("logged out");
      const told = await answer.json();
      if (answer.ok) return told;
      showToast(told.message);
    } catch {
      showToast("The server did not take this. Nothing was changed.");
    }
    return null;
  }
}

function rowOf(row, here) {
  const made = clone("conversation");
  made.dataset.conversationId = row.id;
  made.dataset.updated = row.updated_at;
  made.dataset.state = row.running ? "running" : row.failed ? "failed" : "";
  const link = made.querySelector("a");
  link.href = row.url;
  link.title = row.title;
  link.toggleAttribute("aria-current", false);
  if (row.id === here) link.setAttribute("aria-current", "page");
  for (const title of made.querySelectorAll("[data-title]")) setText(title, row.title);
  setText(made.querySelector("[data-when]"), row.when);
  return made;
}

// A title becomes a field; Enter keeps, Escape and nothing written leave it as it was.
function editInPlace(title, text, save, backTo) {
  const field = document.createElement("input");
  field.className = "input rename-field";
  field.value = text;
  field.maxLength = 200;
  field.setAttribute("aria-label", "Title of the conversation");
  const link = title.closest("a");
  const place = link ?? title;
  place.hidden = true;
  place.after(field);
  field.focus();
  field.select();
  let over = false;
  const end = (keep) => {
    if (over) return;
    over = true;
    const wanted = field.value.trim();
    const hadFocus = document.activeElement === field;
    field.remove();
    place.hidden = false;
    if (hadFocus) backTo?.focus();
    if (!keep || !wanted || wanted === text) return;
    title.textContent = wanted;
    save(wanted);
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") end(true);
    else if (event.key === "Escape") end(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  field.addEventListener("blur", () => end(true));
}
