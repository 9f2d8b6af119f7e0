// A stage as the fold of its events: the same events give the same stage, live or replayed.
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
    repairs: 0,
    end: null,
  };
}

export function fold(stage, event) {
  const at = Date.parse(event.ts);
  const data = event.data;
  stage.startedAt ??= at;
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
      stage.repairs += 1;
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
