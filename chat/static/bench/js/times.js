// Times come in the server's time zone and are shown in the reader's.
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export function localiseTimes(root) {
  for (const time of root.querySelectorAll("time[data-time][datetime]")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const words = `${DAY.format(date)}, ${TIME.format(date)}`;
    if (time.textContent !== words) time.textContent = words;
  }
}
