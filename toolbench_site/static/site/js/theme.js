// The colour theme: "auto" follows the system, "light" and "dark" are the person's choice. Key and
// values are those of Django's admin, so both agree. A classic script in <head>, so that the page
// is never first drawn in the wrong theme.
"use strict";
(() => {
  const KEY = "theme";
  const CHOICES = ["auto", "light", "dark"];

  function stored() {
    try {
      const choice = localStorage.getItem(KEY);
      return CHOICES.includes(choice) ? choice : "auto";
    } catch {
      return "auto"; // Storage is off: the choice lasts as long as the page.
    }
  }

  function show(choice) {
    document.documentElement.dataset.theme = choice;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  }

  function choose(choice) {
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // Nothing is kept, the page still changes.
    }
    show(choice);
  }

  show(stored());
  document.addEventListener("DOMContentLoaded", () => show(stored()));
  addEventListener("storage", (event) => {
    if (event.key === KEY) show(stored());
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-choice]");
    if (button) choose(button.dataset.themeChoice);
  });
})();
