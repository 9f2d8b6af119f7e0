// The chat page: puts its parts together and says what leads to what.
import { Choices } from "./choices.js";
import { Composer } from "./composer.js";
import { showConnection } from "./connection.js";
import { watchControls } from "./controls.js";
import { ConversationList } from "./conversations.js";
import { watchCopying } from "./copying.js";
import { watchKeys } from "./keyboard.js";
import { BottomFollower } from "./scroll.js";
import { startClock } from "./serverclock.js";
import { Connection } from "./socket.js";
import { localiseTimes, readJson } from "./templates.js";
import { Transcript } from "./transcript.js";

const page = readJson("page-data");
const address = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws/`;
const transcriptRoot = document.querySelector("[data-transcript]");
const scroller = document.querySelector("[data-scroll]");

startClock(page.now);
localiseTimes(document);
const connection = new Connection(address);
showConnection(connection);
const follower = new BottomFollower(scroller, document.querySelector("[data-jump]"));
const transcript = new Transcript(transcriptRoot, connection, follower);
transcript.conversationId = page.conversation_id;
const list = new ConversationList(page.urls, page.conversation_id);
watchCopying(transcriptRoot);

const composer = page.may_write ? startComposer() : null;
transcript.adopt();
showLinkedStage();
composer?.unqueue();
if (page.conversation_id) connection.watch(page.conversation_id);
connection.open();

document.querySelector("[data-rename-title]").addEventListener("click", (event) => {
  list.renameHere(document.querySelector(".chat-title"), event.currentTarget);
});
watchKeys({
  newConversation: () => location.assign(page.urls.home),
  filter: () => list.focusFilter(),
  stop: () => composer?.stop(),
});
addEventListener("popstate", () => location.reload());
document.documentElement.dataset.ready = "";

// A link to a stage, as the bench has them, shows it from its head, open.
function showLinkedStage() {
  const stage = location.hash.startsWith("#stage-") && document.getElementById(location.hash.slice(1));
  if (!stage) return;
  stage.querySelector("[data-card]").open = true;
  follower.lead(stage);
}

function startComposer() {
  const choices = new Choices(readJson("composer-options"));
  const form = document.querySelector("[data-composer]");
  const made = new Composer(form, connection, choices, page.conversation_id);
  watchControls(form, choices);
  // On an older branch the next message goes on from what is shown, not from the newest answer.
  if (new URLSearchParams(location.search).has("leaf")) {
    made.parentMessageId = transcript.lastStage()?.dataset.message || null;
  }
  showContext(made);

  made.addEventListener("accepted", ({ detail }) => accepted(choices, detail));
  made.addEventListener("stopping", () => transcript.tellStopping());
  transcript.addEventListener("busy", ({ detail }) => {
    made.setBusy(detail);
    list.refresh();
  });
  transcript.addEventListener("ended", ({ detail }) => {
    giveBack(made, detail);
    offerOtherRoutes(choices);
    showContext(made);
    list.refresh();
  });
  transcriptRoot.addEventListener("click", (event) => clicked(made, choices, event));
  offerOtherRoutes(choices);
  return made;
}

function accepted(choices, { stageId, conversationId, start }) {
  if (page.conversation_id !== conversationId) {
    page.conversation_id = conversationId;
    transcript.conversationId = conversationId;
    list.conversationId = conversationId;
    document.querySelector("[data-rename-title]").hidden = false;
    const makeCase = document.querySelector("[data-make-case]");
    makeCase.href = `/bench/from/${conversationId}/`;
    makeCase.hidden = false;
    list.showTitle(start.prompt.replace(/\s+/g, " ").slice(0, 80));
    history.pushState(null, "", `/c/${conversationId}/`);
    connection.watch(conversationId);
  } else if (location.search) {
    history.replaceState(null, "", location.pathname);
  }
  // What the server writes itself, such as the words that ask to go on, is read from it.
  if (start.continueOf) {
    transcript.follow(stageId);
    return;
  }
  const route = choices.routes.find((other) => other.slug === start.routeSlug);
  transcript.begin(stageId, {
    prompt: start.prompt,
    retryOf: start.retryOf,
    mode: start.mode,
    routeSlug: start.routeSlug ?? "",
    routeName: route?.name ?? "",
  });
}

// A stage that failed before it said anything: the words go back into the box.
function giveBack(made, { stage, root, prompt }) {
  if (stage.status !== "error" || !prompt || root.dataset.message) return;
  if (!made.giveBack(prompt)) return;
  const words = root.querySelector("[data-back]");
  if (words) words.hidden = false;
}

function showContext(made) {
  const last = transcript.lastStage();
  if (last) made.showContext(Number(last.dataset.context), Number(last.dataset.budget));
}

function offerOtherRoutes(choices) {
  for (const button of transcriptRoot.querySelectorAll("[data-other-route]")) {
    const other = choices.otherRoute(button.closest("[data-stage-id]").dataset.route);
    button.hidden = !other;
    if (!other) continue;
    button.dataset.otherRoute = other.slug;
    button.textContent = `Use ${other.name} instead`;
  }
}

function clicked(made, choices, event) {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-suggest]")) {
    if (choices.mode === "chat") choices.set({ mode: "synthesis" });
    made.fill(button.textContent);
    return;
  }
  const stage = button.closest("[data-stage-id]");
  if (!stage) return;
  const { stageId, mode, route } = stage.dataset;
  if (button.matches("[data-retry]")) made.start({ retryOf: stageId, mode, routeSlug: route });
  else if (button.matches("[data-continue]")) {
    made.start({ continueOf: stageId, mode: "chat", routeSlug: route });
  } else if (button.matches("[data-other-route]")) {
    made.start({ retryOf: stageId, mode, routeSlug: button.dataset.otherRoute });
  } else if (button.matches("[data-ask-in-chat]")) {
    made.start({ retryOf: stageId, mode: "chat", routeSlug: route });
  }
}
