// The composer's controls: they show the choices and change them.
import { clone, setText } from "./templates.js";
import { watchRouteMenu } from "./routemenu.js";

const MODE_WORDS = { chat: "Chat", tools: "Tools", synthesis: "Tools + synthesis" };
const narrow = matchMedia("(max-width: 48rem)");

export function watchControls(composer, choices) {
  const stream = document.querySelector('[name="stream"]');
  const modes = [...document.querySelectorAll('[name="mode"]')];
  const toolList = document.querySelector("[data-tool-list]");
  const parameters = [...document.querySelectorAll("[data-parameter]")];

  function draw() {
    const { route } = choices;
    setText(composer.querySelector("[data-route-name]"), route?.name ?? "No route");
    composer.querySelector("[data-route-health]").dataset.health = route?.health ?? "unknown";
    for (const radio of modes) radio.checked = radio.value === choices.mode;
    setText(composer.querySelector("[data-mode-words]"), MODE_WORDS[choices.mode]);
    for (const button of document.querySelectorAll("[data-mode-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.modeChoice === choices.mode));
    }
    stream.checked = choices.stream;
    drawTools();
    drawParameters(route);
  }

  function drawTools() {
    const { tools } = choices;
    const on = tools.filter((tool) => tool.on).length;
    setText(composer.querySelector("[data-tools-words]"), `${on} of ${tools.length} tools`);
    composer.querySelector(".tools-button").disabled = choices.mode === "chat";
    for (const tool of tools) {
      const box = toolList.querySelector(`[value="${tool.name}"]`);
      if (box) box.checked = tool.on;
    }
  }

  function drawParameters(route) {
    const own = {
      temperature0: route?.temperature[0],
      temperature1: route?.temperature[1],
      tokens0: route?.max_tokens[0],
      tokens1: route?.max_tokens[1],
    };
    for (const field of parameters) {
      const name = field.dataset.parameter;
      if (field !== document.activeElement) field.value = choices.parameters[name] ?? "";
      field.placeholder = name === "system" ? (route?.has_system_prompt ? "The route’s own is used" : "None") : `${own[name] ?? "not sent"}`;
    }
    const shown = (place) => choices.parameters[`temperature${place}`] || (own[`temperature${place}`] ?? "–");
    const words = choices.mode === "synthesis" ? `${shown(0)} / ${shown(1)}` : `${shown(0)}`;
    setText(composer.querySelector("[data-parameters-words]"), words);
  }

  for (const tool of choices.tools) {
    const label = clone("tool");
    const box = label.querySelector("input");
    box.value = tool.name;
    setText(label.querySelector("[data-name]"), tool.name);
    setText(label.querySelector("[data-description]"), tool.description);
    box.addEventListener("change", () => choices.switchTool(tool.name, box.checked));
    toolList.append(label);
  }
  document.querySelector("[data-all-tools]").addEventListener("click", () => choices.switchAllTools(true));
  document.querySelector("[data-no-tools]").addEventListener("click", () => choices.switchAllTools(false));
  for (const radio of modes) radio.addEventListener("change", () => choices.set({ mode: radio.value }));
  for (const button of document.querySelectorAll("[data-mode-choice]")) {
    button.addEventListener("click", () => {
      choices.set({ mode: button.dataset.modeChoice });
      button.closest(".menu").hidePopover();
    });
  }
  stream.addEventListener("change", () => choices.set({ stream: stream.checked }));
  for (const field of parameters) {
    field.addEventListener("input", () => {
      if (!field.checkValidity()) return;
      choices.set({ parameters: { ...choices.parameters, [field.dataset.parameter]: field.value } });
    });
    field.addEventListener("blur", () => draw());
  }
  document.querySelector("[data-reset-parameters]").addEventListener("click", () => {
    choices.set({ parameters: {} });
    for (const field of parameters) field.value = "";
  });
  watchRouteMenu(choices);
  choices.addEventListener("change", draw);
  gatherOnPhones(composer);
  draw();
}

// On phones one sheet holds what has no room in the bar.
function gatherOnPhones(composer) {
  const stream = composer.querySelector("[data-stream-switch]");
  const tools = document.querySelector("[data-tool-choices]");
  const wide = { stream: stream.parentElement, tools: tools.parentElement };
  const sheet = document.querySelector("[data-sheet-place]");
  const place = () => {
    if (narrow.matches) sheet.append(stream, tools);
    else {
      wide.stream.append(stream);
      wide.tools.append(tools);
    }
  };
  narrow.addEventListener("change", place);
  place();
}
