// A stage as the fold of its events: the same events give the same stage, live or replayed.

// As many as the server keeps (chat/engine/fold.py).
const REPAIRS_KEPT = 100;

export function newStage(id) {
  return {
    id,
    status: "queued",
    mode: "chat",
    synthesis: false,
    stream: true,
    startedAt: null,
    endedAt: null,
    sayings: [],
    calls: [],
    summaries: [],
    usage: [],
    repairs: [],
    deciding: null,
    end: null,
  };
}

export function fold(stage, event) {
  const at = Date.parse(event.ts);
  const data = event.data;
  stage.startedAt ??= at;
  // Whatever comes next has decided it.
  stage.deciding = null;
  switch (event.event) {
    case "stage_started":
      stage.status = "running";
      stage.mode = data.mode;
      stage.synthesis = data.synthesis;
      stage.stream = data.stream;
      break;
    case "chat_completion_chunk":
      say(stage, data, at);
      break;
    case "deciding":
      stage.deciding = data;
      break;
    case "tool_completion_chunk":
      shape(stage, data, at);
      break;
    case "tool_call":
      check(stage, data, at);
      break;
    case "tool_result":
      callOf(stage, data, at).result = { ...data, at };
      break;
    case "tool_summary":
      stage.summaries.push({ round: data.round, at });
      break;
    case "usage":
      stage.usage.push(data);
      break;
    case "repair":
      keep(stage, data);
      break;
    case "done":
    case "cancel":
    case "error":
      stage.status = event.event;
      stage.endedAt = at;
      stage.end = data;
      break;
  }
  return stage;
}

export const isActive = (stage) => stage.end === null;

export function answerOf(stage) {
  return stage.sayings.findLast((saying) => saying.content) ?? null;
}

function say(stage, data, at) {
  const key = `${data.round}:${data.phase}`;
  let saying = stage.sayings.find((other) => other.key === key);
  if (!saying) {
    saying = { key, round: data.round, phase: data.phase, content: "", reasoning: "", firstAt: at };
    saying.firstTextAt = null;
    stage.sayings.push(saying);
  }
  saying.content += data.content ?? "";
  saying.reasoning += data.reasoning ?? "";
  if (data.content) saying.firstTextAt ??= at;
  saying.lastAt = at;
}

// A server that errs does so in every round; the first time says it.
function keep(stage, { code, detail, round, phase, raw }) {
  const known = stage.repairs.some((other) => other.code === code && other.detail === detail);
  if (known || stage.repairs.length >= REPAIRS_KEPT) return;
  stage.repairs.push({ code, detail, round: round ?? 1, phase: phase ?? "", raw: raw ?? "" });
}

function callOf(stage, data, at) {
  let call = stage.calls.find((other) => other.callId === data.call_id);
  if (!call) {
    call = {
      callId: data.call_id,
      round: data.round,
      tool: "",
      raw: "",
      firstAt: at,
      lastAt: at,
      checked: null,
      result: null,
    };
    stage.calls.push(call);
  }
  return call;
}

function shape(stage, data, at) {
  const call = callOf(stage, data, at);
  if (data.tool) call.tool = data.tool;
  call.raw += data.arguments ?? "";
  call.lastAt = at;
}

function check(stage, data, at) {
  const call = callOf(stage, data, at);
  call.tool = data.tool;
  call.raw = data.raw_arguments;
  call.checked = { ...data, at };
}
