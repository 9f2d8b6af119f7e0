// JSON as it is read: keys, texts and numbers told apart. Everything is textContent.
const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

export function parseJson(text) {
  if (!/^\s*[[{"\d\-tfn]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function showJson(element, value) {
  const text = pretty(value);
  const parts = [];
  let reached = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [whole, string, colon, word, number] = match;
    parts.push(text.slice(reached, match.index));
    if (string) {
      parts.push(coloured(colon ? "key" : "string", string), colon ?? "");
    } else {
      parts.push(coloured(word ? "word" : "number", word ?? number));
    }
    reached = match.index + whole.length;
  }
  parts.push(text.slice(reached));
  element.replaceChildren(...parts);
}

// Rows for a table: an object's fields, or a list of objects. Null where it is neither.
export function tableOf(value) {
  if (Array.isArray(value)) {
    const objects = value.length > 0 && value.every((item) => isObject(item));
    if (!objects) return null;
    const columns = [...new Set(value.flatMap((item) => Object.keys(item)))];
    return { columns, rows: value.map((item) => columns.map((name) => item[name])) };
  }
  if (!isObject(value) || Object.keys(value).length === 0) return null;
  return { columns: ["name", "value"], rows: Object.entries(value) };
}

export function showTable(element, { columns, rows }) {
  const table = document.createElement("table");
  table.className = "table table-dense";
  const head = table.createTHead().insertRow();
  for (const name of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const values of rows) {
    const row = body.insertRow();
    for (const value of values) {
      const cell = row.insertCell();
      cell.textContent = typeof value === "string" ? value : JSON.stringify(value) ?? "";
      if (typeof value === "number") cell.className = "number";
    }
  }
  element.replaceChildren(table);
}

export function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return typeof value;
}

// One line where it is short, a line a field where it is flat, else indented.
function pretty(value) {
  const isFlat = isObject(value) && Object.values(value).every((item) => typeof item !== "object" || item === null);
  if (!isFlat || Object.keys(value).length === 0) return JSON.stringify(value, null, 2);
  const fields = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${JSON.stringify(item)}`);
  const line = `{ ${fields.join(", ")} }`;
  return line.length <= 44 ? line : `{ ${fields.join(",\n  ")} }`;
}

function coloured(kind, text) {
  const span = document.createElement("span");
  span.className = `syntax-${kind}`;
  span.textContent = text;
  return span;
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
