// Drafts per conversation: what was typed stays until the server has accepted it.
import { recall, remember } from "./storage.js";

const name = (conversationId) => `draft.${conversationId ?? "new"}`;

export const readDraft = (conversationId) => recall(name(conversationId), "");

export const saveDraft = (conversationId, text) => remember(name(conversationId), text);

export const readQueued = (conversationId) => recall(`queued.${conversationId ?? "new"}`, "");

export const saveQueued = (conversationId, text) =>
  remember(`queued.${conversationId ?? "new"}`, text);
