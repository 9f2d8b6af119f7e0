// What of a stage is said aloud: its state, its calls, each finished sentence of its answer.
import { announce, announceSentences } from "./announcer.js";
import { answerOf, isActive } from "./stage.js";

const ENDS = { done: "Done.", cancel: "Stopped." };

export function speak(event, stage) {
  const answer = answerOf(stage);
  const key = `${stage.id}:${answer?.key}`;
  if (event.event === "stage_started") announce("The stage runs.");
  else if (event.event === "tool_call") announce(`Calls ${event.data.tool}.`);
  else if (event.event === "tool_result") announce(`${event.data.tool}: ${event.data.status}.`);
  else if (event.event === "chat_completion_chunk" && answer) {
    announceSentences(key, answer.content);
  } else if (!isActive(stage)) {
    if (answer) announceSentences(key, answer.content, { finished: true });
    announce(event.data.message ?? ENDS[event.event]);
  }
}
