// On phones the panel and the aside are drawers. A button with data-drawer-open="<id>" opens one,
// data-drawer-close closes it, as do Escape and a tap beside it; the rest is inert meanwhile.
const narrow = matchMedia("(max-width: 48rem)");
const scrim = document.querySelector("[data-scrim]");
let drawer = null;
let opener = null;

export function openDrawer(id, from = document.activeElement) {
  closeDrawer();
  drawer = document.getElementById(id);
  if (!drawer) return;
  opener = from;
  drawer.dataset.open = "";
  scrim.dataset.open = "";
  markOpener("true");
  for (const element of others()) element.inert = true;
  (drawer.querySelector("[data-drawer-close]") ?? drawer).focus();
}

export function closeDrawer() {
  if (!drawer) return;
  for (const element of others()) element.inert = false;
  delete drawer.dataset.open;
  delete scrim.dataset.open;
  markOpener("false");
  drawer = null;
  if (opener?.isConnected) opener.focus();
  opener = null;
}

function markOpener(expanded) {
  for (const button of document.querySelectorAll(`[data-drawer-open="${drawer.id}"]`)) {
    button.setAttribute("aria-expanded", expanded);
  }
}

function others() {
  return [
    ...document.querySelectorAll("body > .skip-link, body > .top-bar, .frame > *"),
  ].filter((element) => element !== drawer);
}

export function watchDrawers() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-drawer-open]");
    if (button && narrow.matches) openDrawer(button.dataset.drawerOpen, button);
    else if (event.target.closest("[data-drawer-close], [data-scrim]")) closeDrawer();
  });
  document.addEventListener("keydown", (event) => {
    // An open menu inside the drawer takes the first Escape for itself.
    if (event.key === "Escape" && drawer && !document.querySelector(".menu:popover-open")) {
      event.preventDefault();
      closeDrawer();
    }
  });
  narrow.addEventListener("change", closeDrawer);
}
