// A dialog before what cannot be undone. Resolves to true when the person goes on; the safe action
// has the focus, and Escape keeps everything as it is.
export function askFirst({ title, words, confirm, keep = "Keep as it is" }) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const heading = element("h2", "dialog-title", title);
  heading.id = "dialog-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  const actions = element("div", "dialog-actions");
  const safe = button("button", keep);
  const go = button("button button-danger", confirm);
  safe.autofocus = true;
  actions.append(safe, go);
  dialog.append(heading, element("p", "dialog-words", words), actions);
  document.body.append(dialog);
  return new Promise((resolve) => {
    safe.addEventListener("click", () => dialog.close());
    go.addEventListener("click", () => dialog.close("go"));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "go");
    });
    dialog.showModal();
  });
}

function element(tag, className, words = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = words;
  return made;
}

function button(className, words) {
  const made = element("button", className, words);
  made.type = "button";
  return made;
}
