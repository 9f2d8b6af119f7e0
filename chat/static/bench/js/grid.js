// The grid from the keyboard: one stop for Tab, arrow keys within, Home and End along a row.
const STEPS = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  Home: [0, -Infinity],
  End: [0, Infinity],
  PageUp: [-10, 0],
  PageDown: [10, 0],
};

const rows = (grid) =>
  [...grid.tBodies]
    .flatMap((body) => [...body.rows])
    .map((row) => [...row.querySelectorAll("[data-cell]")])
    .filter((cells) => cells.length > 0);

// After each drawing: exactly one cell can be reached with Tab.
export function prepareGrid(root) {
  const grid = root.querySelector("[data-grid]");
  if (!grid) return;
  grid.setAttribute("role", "grid");
  const cells = rows(grid).flat();
  const stop =
    cells.find((cell) => cell === document.activeElement) ??
    cells.find((cell) => cell.hasAttribute("aria-current")) ??
    cells.find((cell) => cell.tabIndex === 0 && cell.hasAttribute("tabindex")) ??
    cells[0];
  for (const cell of cells) cell.tabIndex = cell === stop ? 0 : -1;
}

export function watchGrid(root) {
  root.addEventListener("keydown", (event) => {
    const cell = event.target.closest("[data-cell]");
    const step = STEPS[event.key];
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      cell.click();
      return;
    }
    if (step === undefined) return;
    event.preventDefault();
    const all = rows(cell.closest("[data-grid]"));
    const row = all.findIndex((cells) => cells.includes(cell));
    const column = all[row].indexOf(cell);
    const nextRow = all[clamp(row + step[0], all.length)];
    focusCell(all.flat(), nextRow[clamp(column + step[1], nextRow.length)]);
  });
  root.addEventListener("focusin", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (!cell) return;
    for (const other of cell.closest("[data-grid]").querySelectorAll("[data-cell]")) {
      other.tabIndex = other === cell ? 0 : -1;
    }
  });
}

function focusCell(all, cell) {
  for (const other of all) other.tabIndex = other === cell ? 0 : -1;
  cell.focus();
  cell.closest("td").scrollIntoView({ block: "nearest", inline: "nearest" });
}

function clamp(place, length) {
  return Math.min(Math.max(place, 0), length - 1);
}
