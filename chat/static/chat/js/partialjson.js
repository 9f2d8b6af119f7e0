// The fields of a JSON object that is still being written, as [{name, text, whole}]: the last one may
// be half there. Anything that is no object has none.
export function partialFields(raw) {
  const fields = [];
  let at = skip(raw, 0, " \t\r\n");
  if (raw[at] !== "{") return fields;
  for (;;) {
    at = skip(raw, at + 1, " \t\r\n");
    const nameEnd = raw[at] === '"' ? stringEnd(raw, at) : -1;
    if (nameEnd < 0) return fields;
    const name = nameOf(raw.slice(at, nameEnd));
    const colon = skip(raw, nameEnd, " \t\r\n");
    if (name === null || raw[colon] !== ":") return fields;
    const start = skip(raw, colon + 1, " \t\r\n");
    const end = valueEnd(raw, start);
    fields.push({ name, text: raw.slice(start, end < 0 ? undefined : end).trimEnd(), whole: end >= 0 });
    if (raw[end] !== ",") return fields;
    at = end;
  }
}

function skip(raw, from, blanks) {
  let at = from;
  while (at < raw.length && blanks.includes(raw[at])) at += 1;
  return at;
}

function stringEnd(raw, from) {
  for (let at = from + 1; at < raw.length; at += 1) {
    if (raw[at] === "\\") at += 1;
    else if (raw[at] === '"') return at + 1;
  }
  return -1;
}

// Where the comma or bracket stands that follows a value; -1 while it is not there.
function valueEnd(raw, from) {
  let depth = 0;
  for (let at = from; at < raw.length; at += 1) {
    const character = raw[at];
    if (character === '"') {
      const end = stringEnd(raw, at);
      if (end < 0) return -1;
      at = end - 1;
    } else if ("{[".includes(character)) depth += 1;
    else if (depth === 0 && ",}]".includes(character)) return at;
    else if ("}]".includes(character)) depth -= 1;
  }
  return -1;
}

function nameOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
