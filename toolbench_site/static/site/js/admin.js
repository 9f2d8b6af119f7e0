// Names that Django's admin leaves out, given after its own scripts have drawn their parts: tips
// beside filters say that they are pictures, and the halves of a date and time have labels.
addEventListener("load", () => {
  for (const tip of document.querySelectorAll(".help-tooltip[aria-label]:not([role])")) {
    tip.setAttribute("role", "img");
  }
  for (const input of document.querySelectorAll(".datetime input")) {
    if (input.labels.length === 0 && !input.ariaLabel) {
      input.ariaLabel = input.classList.contains("vDateField") ? "Date" : "Time";
    }
  }
});
