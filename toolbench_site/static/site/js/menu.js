// Menus are popovers. A button with popovertarget and data-menu-button="<menu's id>" opens one; here
// it is put beside its button, gets the focus and is walked with the arrow keys.
const GAP = 4;
const EDGE = 8;

export function watchMenus() {
  document.addEventListener("beforetoggle", beforeToggle, true);
  document.addEventListener("toggle", afterToggle, true);
  document.addEventListener("keydown", walk);
  addEventListener("resize", placeOpenMenus);
}

export function placeMenu(menu, button) {
  const around = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = around.bottom + GAP;
  const fitsBelow = below + height <= innerHeight - EDGE;
  const top = fitsBelow ? below : Math.max(EDGE, around.top - GAP - height);
  const startsLeft = around.left + width <= innerWidth - EDGE;
  const left = startsLeft ? around.left : around.right - width;
  menu.style.setProperty("top", `${top}px`);
  menu.style.setProperty("left", `${Math.max(EDGE, left)}px`);
}

export function closeMenus() {
  for (const menu of document.querySelectorAll(".menu:popover-open")) menu.hidePopover();
}

function buttonOf(menu) {
  return document.querySelector(`[data-menu-button="${menu.id}"]`);
}

function placeOpenMenus() {
  for (const menu of document.querySelectorAll(".menu:popover-open")) {
    const button = buttonOf(menu);
    if (button) placeMenu(menu, button);
  }
}

function beforeToggle(event) {
  if (!event.target.classList?.contains("menu")) return;
  const button = buttonOf(event.target);
  button?.setAttribute("aria-expanded", String(event.newState === "open"));
}

function afterToggle(event) {
  const menu = event.target;
  if (!menu.classList?.contains("menu") || event.newState !== "open") return;
  const button = buttonOf(menu);
  if (button) placeMenu(menu, button);
  if (!menu.contains(document.activeElement)) focusFirst(menu);
}

function focusFirst(menu) {
  const chosen = menu.querySelector('input, [aria-pressed="true"], [aria-checked="true"]');
  (chosen ?? items(menu)[0])?.focus();
}

function items(menu) {
  return [...menu.querySelectorAll(".menu-item:not(:disabled)")].filter(
    (item) => item.getClientRects().length > 0,
  );
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: "first", End: "last" };

function walk(event) {
  const menu = event.target.closest?.(".menu:popover-open");
  const step = STEPS[event.key];
  if (!menu || step === undefined || event.defaultPrevented) return;
  const typing = event.target.matches("input, textarea");
  if (typing && typeof step === "string") return;
  const all = items(menu);
  if (all.length === 0) return;
  event.preventDefault();
  const here = all.indexOf(document.activeElement);
  if (step === "first" || step === "last") {
    all.at(step === "first" ? 0 : -1).focus();
  } else {
    all[here < 0 && step < 0 ? all.length - 1 : (here + step + all.length) % all.length].focus();
  }
}
