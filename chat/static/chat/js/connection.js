// The state of the connection in words: in the top bar always, as a bar when it is lost for 2 s.
import { ordinal } from "./figures.js";
import { setText } from "./templates.js";

const PATIENCE_MS = 2_000;

export function showConnection(connection) {
  const badge = document.querySelector("[data-connection]");
  const bar = document.querySelector("[data-connection-bar]");
  const headline = bar.querySelector("[data-connection-headline]");
  const words = bar.querySelector("[data-connection-words]");
  const logIn = bar.querySelector("[data-connection-log-in]");
  let patience = 0;
  let countdown = 0;

  function tell(state, long, short) {
    badge.dataset.state = state;
    setText(badge.querySelector(".long"), long);
    setText(badge.querySelector(".short"), short);
  }

  function tellWhen(retryAt) {
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    const when = seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now.";
    setText(words, `${when} The stage goes on without you; nothing is lost.`);
  }

  connection.addEventListener("state", ({ detail }) => {
    clearInterval(countdown);
    if (detail.name === "live") {
      clearTimeout(patience);
      patience = 0;
      bar.hidden = true;
      tell("live", "Connected, events live", "Live");
      return;
    }
    const out = detail.name === "logged-out";
    logIn.hidden = !out;
    if (out) {
      tell("off", "Logged out", "Logged out");
      setText(headline, "You are logged out.");
      setText(words, "Log in again in a new tab; this page goes on by itself, with your draft.");
      bar.hidden = false;
      return;
    }
    tell("busy", `Reconnecting, ${ordinal(detail.attempt)} try`, "Reconnecting");
    setText(headline, "Connection lost.");
    tellWhen(detail.retryAt);
    countdown = setInterval(() => tellWhen(detail.retryAt), 1000);
    patience ||= setTimeout(() => {
      bar.hidden = connection.isLive;
    }, PATIENCE_MS);
  });
  bar.querySelector("[data-connection-retry]").addEventListener("click", () => connection.wake());
}
