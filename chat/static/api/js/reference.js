// The reference's contents: the part that is read is marked, and on phones a choice closes them.
import { closeDrawer } from "../../site/js/drawer.js";

const panel = document.getElementById("panel");
const entries = new Map();
for (const link of panel.querySelectorAll('.ref-entry[href^="#"]')) {
  entries.set(link.hash.slice(1), link);
}

let current = null;
const visible = new Set();

function mark() {
  const first = [...entries.keys()].find((name) => visible.has(name));
  const link = entries.get(first);
  if (!link || link === current) return;
  current?.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  current = link;
  // Not scrollIntoView: that would also move the page under a reader.
  const list = link.closest(".panel-body");
  const offset = link.offsetTop - list.offsetTop;
  if (offset < list.scrollTop || offset > list.scrollTop + list.clientHeight - link.offsetHeight) {
    list.scrollTop = offset - list.clientHeight / 3;
  }
}

const watching = new IntersectionObserver(
  (changes) => {
    for (const change of changes) {
      const name = change.target.querySelector("h3").id;
      if (change.isIntersecting) visible.add(name);
      else visible.delete(name);
    }
    mark();
  },
  { root: document.getElementById("work"), rootMargin: "0px 0px -70% 0px" },
);
for (const item of document.querySelectorAll(".ref-item")) watching.observe(item);

panel.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  closeDrawer();
  // The drawer gives its focus back to its opener; a reader wants it where they went.
  document.getElementById(link.hash.slice(1))?.focus({ preventScroll: true });
});
