// Figures as people read them; the server says the same in chat/pages/figures.py.
const GAP = "\u00a0";

export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1) return `under 1${GAP}ms`;
  if (ms < 1000) return `${Math.round(ms)}${GAP}ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)}${GAP}s`;
  if (seconds < 60) return `${seconds.toFixed(1)}${GAP}s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}${GAP}min ${String(whole % 60).padStart(2, "0")}${GAP}s`;
}

// A running clock shows tenths only: hundredths would flicker.
export function clock(ms) {
  if (ms < 60_000) return `${(Math.max(0, ms) / 1000).toFixed(1)}${GAP}s`;
  return duration(ms);
}

export function count(number) {
  return number.toLocaleString("en");
}

export function size(text) {
  const length = new TextEncoder().encode(text).length;
  if (length < 1000) return length === 1 ? "1 byte" : `${length} bytes`;
  if (length < 1_000_000) return `${(length / 1000).toFixed(1)}${GAP}KB`;
  return `${(length / 1_000_000).toFixed(1)}${GAP}MB`;
}

export function words(text) {
  const number = text.split(/\s+/).filter(Boolean).length;
  return number === 1 ? "1 word" : `${count(number)} words`;
}

export function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

export function ordinal(number) {
  const ending = { 1: "st", 2: "nd", 3: "rd" }[number % 100 > 10 && number % 100 < 14 ? 0 : number % 10];
  return `${number}${ending ?? "th"}`;
}

export function timeOfDay(date) {
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}
