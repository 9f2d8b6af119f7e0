// The route picker: search first, last used on top, health as a shape, and why one cannot be chosen.
import { clone, setText } from "./templates.js";

export function watchRouteMenu(choices) {
  const menu = document.getElementById("route-menu");
  const list = menu.querySelector("[data-route-list]");
  const search = menu.querySelector("[data-route-search]");
  const none = menu.querySelector("[data-no-route]");

  function draw() {
    const wanted = search.value.trim().toLowerCase();
    const found = choices.routes.filter((route) =>
      `${route.name} ${route.slug} ${route.note}`.toLowerCase().includes(wanted),
    );
    list.replaceChildren(...found.map(item));
    none.hidden = found.length > 0;
    setText(
      none,
      choices.routes.length ? `No route is named “${search.value.trim()}”.` : "No route is open to you. An admin adds routes.",
    );
  }

  function item(route) {
    const button = clone("route");
    button.dataset.slug = route.slug;
    button.querySelector(".health").dataset.health = route.why ? "unknown" : route.health;
    setText(button.querySelector("[data-name]"), route.name);
    setText(button.querySelector("[data-note]"), route.why || route.note);
    button.setAttribute("aria-pressed", String(route.slug === choices.route?.slug));
    if (route.why) button.setAttribute("aria-disabled", "true");
    return button;
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-slug]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    choices.chooseRoute(button.dataset.slug);
    menu.hidePopover();
  });
  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    list.querySelector('[data-slug]:not([aria-disabled="true"])')?.click();
  });
  menu.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "open") return;
    search.value = "";
    draw();
  });
}
