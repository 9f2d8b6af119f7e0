// What time it is on the server, whose clock stamps the events. Every stamp that arrives bounds the
// difference from above (it can only have been late), so the smallest one seen is the best.
let difference = Infinity;

export function startClock(serverNow) {
  const [navigation] = performance.getEntriesByType("navigation");
  const arrived = performance.timeOrigin + (navigation?.responseStart ?? performance.now());
  difference = arrived - Date.parse(serverNow);
}

export function sawStamp(ms) {
  difference = Math.min(difference, Date.now() - ms);
}

export function serverNow() {
  return Date.now() - (Number.isFinite(difference) ? difference : 0);
}
