// The official OpenAI client for Node.js, unmodified, in the situations that test_node_client names.
// node official_client.mjs BASE_URL KEY SITUATION: prints what the client made of it, as JSON.
import OpenAI from "openai";

const [baseURL, apiKey, situation] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Go on." }];
const weather = {
  name: "get_weather",
  description: "The weather of a place.",
  parameters: {
    type: "object",
    properties: { place: { type: "string" } },
    required: ["place"],
  },
};
const tools = [{ type: "function", function: weather }];

const situations = {
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return ids;
  },
  async whole() {
    return client.chat.completions.create({ model: "replay", messages });
  },
  async streamed() {
    const stream = await client.chat.completions.create({
      model: "replay",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  },
  async accumulated() {
    const stream = client.chat.completions.stream({ model: "replay", messages, tools });
    const calls = [];
    stream.on("tool_calls.function.arguments.done", (call) => calls.push(call.name));
    return { completion: await stream.finalChatCompletion(), calls };
  },
  async run_tools() {
    const ran = [];
    const run = ({ place }) => {
      ran.push(place);
      return `sunny in ${place}`;
    };
    const runner = client.chat.completions.runTools({
      model: "replay",
      messages,
      stream: true,
      tools: [{ type: "function", function: { ...weather, function: run, parse: JSON.parse } }],
    });
    return { answer: await runner.finalContent(), ran };
  },
  async raises(options) {
    try {
      const answer = await client.chat.completions.create({ messages, ...options });
      if (options.stream) for await (const chunk of answer) void chunk;
    } catch (error) {
      const { status, code, param, type, message } = error;
      return { name: error.constructor.name, status, code, param, type, message };
    }
    return { name: "nothing" };
  },
};

const [name, options] = situation.split(" ");
console.log(JSON.stringify(await situations[name](options && JSON.parse(options))));
