// The six phases of a stage as spans of time, from the stamps of its events. Times are in ms after
// the stage's start. A bar is {from, to, waiting}; `to` of a bar that grows is now.
export const PHASES = ["completion", "extraction", "validation", "execution", "summary", "synthesis"];

export function phasesOf(stage, now) {
  const start = stage.startedAt ?? now;
  const end = (stage.endedAt ?? now) - start;
  const rows = Object.fromEntries(
    PHASES.map((name) => [name, { name, bars: [], first: [], time: null, usage: null, state: "" }]),
  );
  const calls = [];
  const rounds = Math.max(1, ...stage.calls.map((call) => call.round), ...stage.sayings.map((s) => s.round));
  let from = 0;
  for (let round = 1; round <= rounds; round += 1) {
    from = addRound(stage, round, { rows, calls, start, end, from });
  }
  addSynthesis(stage, { rows, start, end, from });
  for (const row of Object.values(rows)) finishRow(stage, row);
  return { rows: PHASES.map((name) => rows[name]), calls, end };
}

function addRound(stage, round, { rows, calls, start, end, from }) {
  const said = stage.sayings.find((s) => s.round === round && s.phase !== "synthesis");
  const asked = stage.calls.filter((call) => call.round === round);
  if (round > 1 && !said && asked.length === 0) return from;
  const stamps = [said?.firstAt, ...asked.map((call) => call.firstAt)].filter(isNumber);
  const lasts = [said?.lastAt, ...asked.map((call) => call.lastAt)].filter(isNumber);
  const checks = asked.map((call) => call.checked?.at).filter(isNumber);
  const allChecked = asked.length > 0 && checks.length === asked.length;
  // A call written as text is told when it is whole; the end says when its first token came.
  const reported = round === 1 ? stage.end?.timings?.first_token_ms : null;
  const stamped = stamps.length ? Math.min(...stamps) - start : null;
  const first = stamped !== null && isNumber(reported) ? Math.min(stamped, reported) : stamped;
  const told = lasts.length ? Math.max(...lasts) - start : null;
  // A turn that was cut off lasted to the end of its stage.
  const over = allChecked || stage.status === "done" || synthesisBegan(stage);
  const spokenTo = over && told !== null ? told : end;
  addSpan(rows.completion, from, first, first === null ? end : spokenTo);
  if (checks.length === 0) return spokenTo;

  const checkedFrom = Math.min(...checks) - start;
  const checkedTo = Math.max(...checks) - start;
  rows.extraction.bars.push({ from: told ?? checkedFrom, to: checkedFrom });
  rows.validation.bars.push({ from: checkedFrom, to: checkedTo });
  let resultsTo = checkedTo;
  for (const call of asked) {
    const entry = { tool: call.tool, callId: call.callId, bar: null, time: null, state: "waiting" };
    calls.push(entry);
    if (!call.checked) continue;
    const ran = call.result && !["invalid", "denied"].includes(call.result.status);
    if (call.result) {
      const at = call.result.at - start;
      resultsTo = Math.max(resultsTo, at);
      entry.state = ran ? "done" : call.result.status;
      if (!ran) continue;
      entry.time = call.result.duration_ms;
      entry.bar = { from: Math.max(checkedTo, at - call.result.duration_ms), to: at };
    } else if (call.checked.valid && stage.endedAt === null) {
      entry.state = "running";
      entry.time = Math.max(0, end - checkedTo);
      entry.bar = { from: checkedTo, to: end };
    } else {
      entry.state = call.checked.valid ? "cut off" : "invalid";
    }
    if (entry.bar) rows.execution.bars.push(entry.bar);
  }
  const summary = stage.summaries.find((other) => other.round === round);
  if (!summary) return resultsTo;
  rows.summary.bars.push({ from: resultsTo, to: summary.at - start });
  return summary.at - start;
}

function addSynthesis(stage, { rows, start, end, from }) {
  const said = stage.sayings.find((s) => s.phase === "synthesis");
  const asked = stage.summaries.length > 0;
  if (!said && !(stage.synthesis && asked && stage.endedAt === null)) return;
  const to = said && stage.status === "done" ? said.lastAt - start : end;
  addSpan(rows.synthesis, from, said ? said.firstAt - start : null, to);
}

// Faint while waiting for the first token, solid after it.
function addSpan(row, from, first, to) {
  if (first === null) {
    if (to > from) row.bars.push({ from, to, waiting: true });
    return;
  }
  if (first > from) row.bars.push({ from, to: first, waiting: true });
  row.first.push(first);
  row.bars.push({ from: first, to: Math.max(first, to) });
}

function finishRow(stage, row) {
  if (row.bars.length === 0) {
    row.state = stage.endedAt === null && expects(stage, row.name) ? "waiting" : "none";
    return;
  }
  row.state = "known";
  row.time = row.name === "execution" ? covered(row.bars) : sum(row.bars.map((bar) => bar.to - bar.from));
  const phases = row.name === "completion" ? ["chat", "tools"] : row.name === "synthesis" ? ["synthesis"] : [];
  const usage = stage.usage.filter((entry) => phases.includes(entry.phase));
  if (usage.length) {
    row.usage = [sum(usage.map((u) => u.input_tokens)), sum(usage.map((u) => u.output_tokens))];
  }
}

function expects(stage, name) {
  if (name === "completion") return true;
  if (stage.mode === "chat") return false;
  return name !== "synthesis" || stage.synthesis;
}

const synthesisBegan = (stage) => stage.sayings.some((saying) => saying.phase === "synthesis");
const isNumber = (value) => typeof value === "number";
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

// Calls run side by side: what counts is how long any of them ran.
function covered(bars) {
  let total = 0;
  let reached = -Infinity;
  for (const bar of [...bars].sort((a, b) => a.from - b.from)) {
    total += Math.max(0, bar.to - Math.max(reached, bar.from));
    reached = Math.max(reached, bar.to);
  }
  return total;
}
