// The composer's choices, remembered in this browser: route, mode, streaming, tools, parameters.
import { recall, remember } from "./storage.js";

const NAME = "choices";
const USED_ROUTES = 20;

export class Choices extends EventTarget {
  #options;
  #kept;

  constructor(options) {
    super();
    this.#options = options;
    this.#kept = { mode: "synthesis", stream: true, toolsOff: [], used: [], parameters: {}, ...recall(NAME, {}) };
  }

  get mode() {
    return this.#kept.mode;
  }

  get stream() {
    return this.#kept.stream;
  }

  get parameters() {
    return this.#kept.parameters;
  }

  // The route chosen last, else the default one, else the first that works.
  get route() {
    const usable = this.#options.routes.filter((route) => !route.why);
    return (
      usable.find((route) => route.slug === this.#kept.route) ??
      usable.find((route) => route.is_default) ??
      usable[0] ??
      null
    );
  }

  // Last used on top.
  get routes() {
    const place = (route) => {
      const index = this.#kept.used.indexOf(route.slug);
      return index < 0 ? USED_ROUTES : index;
    };
    return [...this.#options.routes].sort((a, b) => place(a) - place(b));
  }

  get tools() {
    return this.#options.tools.map((tool) => ({ ...tool, on: !this.#kept.toolsOff.includes(tool.name) }));
  }

  otherRoute(slug) {
    const usable = this.routes.filter((route) => !route.why && route.slug !== slug);
    return usable.find((route) => route.health === "fine") ?? usable[0] ?? null;
  }

  set(changes) {
    Object.assign(this.#kept, changes);
    remember(NAME, this.#kept);
    this.dispatchEvent(new Event("change"));
  }

  chooseRoute(slug) {
    const used = [slug, ...this.#kept.used.filter((other) => other !== slug)].slice(0, USED_ROUTES);
    this.set({ route: slug, used });
  }

  switchTool(name, on) {
    const others = this.#kept.toolsOff.filter((other) => other !== name);
    this.set({ toolsOff: on ? others : [...others, name] });
  }

  switchAllTools(on) {
    this.set({ toolsOff: on ? [] : this.#options.tools.map((tool) => tool.name) });
  }

  // What a start says of them; what the person did not choose is left to the route.
  asCommand({ mode = this.mode, routeSlug = this.route?.slug } = {}) {
    const route = this.#options.routes.find((other) => other.slug === routeSlug);
    const command = {
      mode: mode === "chat" ? "chat" : "toolchain",
      synthesis: mode === "synthesis",
      stream: this.stream,
      html: true,
    };
    if (routeSlug) command.model_route = routeSlug;
    const tools = this.tools;
    if (mode !== "chat" && tools.some((tool) => !tool.on)) {
      command.tools = tools.filter((tool) => tool.on).map((tool) => tool.name);
    }
    const temperature = pair(this.parameters.temperature0, this.parameters.temperature1, route?.temperature);
    if (temperature) command.temperature = temperature;
    const tokens = pair(this.parameters.tokens0, this.parameters.tokens1, route?.max_tokens);
    if (tokens) command.max_tokens = tokens;
    if (this.parameters.system?.trim()) command.system_prompt = this.parameters.system;
    return command;
  }
}

const isSet = (text) => text !== undefined && text !== "";

function pair(first, second, own = [null, null]) {
  if (!isSet(first) && !isSet(second)) return null;
  return [first, second].map((text, place) => (isSet(text) ? Number(text) : own[place]));
}
