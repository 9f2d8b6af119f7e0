// Copy buttons beside a text: <… data-copied><button data-copy> … <pre data-copy-text>.
const DONE_MS = 1500;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.closest("[data-copied]").querySelector("[data-copy-text]");
  const said = document.querySelector("[data-copy-said]");
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch {
    // No clipboard outside of HTTPS and loopback: mark the text, so that the keys can copy it.
    getSelection().selectAllChildren(text);
    said.textContent = "The text is selected. Copy it with your keyboard.";
    return;
  }
  const words = button.querySelector("[data-copy-words]");
  words.textContent = "Copied";
  said.textContent = "Copied.";
  setTimeout(() => {
    words.textContent = "Copy";
    said.textContent = "";
  }, DONE_MS);
});
