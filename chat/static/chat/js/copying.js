// Copy and Wrap: of code blocks, and of whole answers.
import { icon } from "./templates.js";

const DONE_MS = 1500;

export function watchCopying(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches(".code-copy")) {
      copy(button, button.closest(".code").querySelector("pre").textContent);
    } else if (button.matches(".code-wrap")) {
      const wrapped = button.closest(".code").toggleAttribute("data-wrap");
      button.setAttribute("aria-pressed", String(wrapped));
    } else if (button.matches("[data-copy-answer]")) {
      copy(button, button.closest("[data-stage-id]").querySelector("[data-raw]").textContent);
    }
  });
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No clipboard outside of HTTPS and loopback: mark the text, so that the keys can copy it.
    select(button.closest("[data-stage-id], .code")?.querySelector("pre, [data-answer]"));
    return;
  }
  const glyph = button.querySelector(".icon");
  if (!glyph) {
    button.textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
    }, DONE_MS);
    return;
  }
  const done = icon("check");
  glyph.replaceWith(done);
  setTimeout(() => done.replaceWith(glyph), DONE_MS);
}

function select(element) {
  if (element) getSelection().selectAllChildren(element);
}
