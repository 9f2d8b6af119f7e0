// Drafts per conversation: what was typed stays until the server has accepted it. What waits for a
// stage to end belongs to this tab, or two tabs would both send it; its words are in the draft too,
// so that they outlive the tab.
import { recall, remember } from "./storage.js";

const name = (conversationId) => `draft.${conversationId ?? "new"}`;
const queue = (conversationId) => `toolbench.queued.${conversationId ?? "new"}`;

export const readDraft = (conversationId) => recall(name(conversationId), "");

export function saveDraft(conversationId, text, queued = "") {
  return remember(name(conversationId), [queued, text].filter(Boolean).join("\n\n"));
}

export function readQueued(conversationId) {
  try {
    return sessionStorage.getItem(queue(conversationId)) ?? "";
  } catch {
    return "";
  }
}

export function saveQueued(conversationId, text) {
  try {
    if (text) sessionStorage.setItem(queue(conversationId), text);
    else sessionStorage.removeItem(queue(conversationId));
  } catch {
    // Nothing is kept; the words are still on the page.
  }
}
