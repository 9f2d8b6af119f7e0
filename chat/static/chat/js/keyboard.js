// Keys that work anywhere on the page, except while something is being typed.
export function watchKeys({ newConversation, filter, stop }) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      if (!document.querySelector(":popover-open, dialog[open], .panel[data-open]")) stop();
      return;
    }
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "n" || event.key === "N") {
      event.preventDefault();
      newConversation();
    } else if (event.key === "/") {
      event.preventDefault();
      filter();
    }
  });
}
