/**
 * session.js - the session that is chosen: which of its outputs are shown, and what is said of it.
 */
import { forecastQuestion, joined, sessionPath } from "../api.js";
import { panel } from "../curl.js";
import { button, drawLater, el, put, write } from "../dom.js";
import { LiveSession } from "../live.js";
import { chosenModel, state, watch } from "../store.js";
import { lostWords, number, sinceMs } from "../words.js";
import { createBlend } from "./blend.js";
import { createCrossing } from "./crossing.js";
import { createOutput } from "./output.js";
import { createTrial } from "./trial.js";
import { createWhy } from "./why.js";

const OUTPUTS_MAX = 6;

/** @type {LiveSession | null} */
let live = null;
/** @type {Map<number, ReturnType<typeof createOutput>>} by index of the output */
const outputs = new Map();
let isTableOpen = matchMedia("(min-width: 1400px)").matches;

export function toggleTable() {
  isTableOpen = !isTableOpen;
  for (const { details } of outputs.values()) details.open = isTableOpen;
}

/** @param {number} by */
export function moveChart(by) {
  for (const { move } of outputs.values()) move(by);
}

const close = () => {
  live?.close();
  live = null;
  for (const output of outputs.values()) output.destroy();
  outputs.clear();
};

/** @param {LiveSession} shown */
const noteText = ({ isLoaded, history, lastSeenMs, lostSince }) => {
  if (lostSince) return lostWords(lostSince);
  if (!isLoaded) return "reading …";
  if (!history.length) return "no reading yet";
  return `last reading ${sinceMs(lastSeenMs)} ago · step ${number(history.lastStep, 12)}`;
};

export function createSession() {
  const chips = el("div", {
    className: "row chips",
    hidden: true,
    role: "group",
    ariaLabel: "outputs",
  });
  const charts = el("div", { className: "charts" });
  const blend = createBlend();
  const crossing = createCrossing();
  const trial = createTrial();
  const why = createWhy();
  const requests = () => {
    const path = sessionPath(state.model ?? "", state.session ?? "");
    return [
      { path },
      { path: `${path}/readings` },
      { method: "POST", path: `${path}/forecast`, body: { ...forecastQuestion(), ...live?.wish } },
      { path: `${path}/events`, isStream: true },
    ];
  };
  const { section, heading, note, complain } = panel(
    "session",
    requests,
    chips,
    charts,
    blend.root,
    crossing.root,
    trial.root,
    why.root,
  );

  const show = (/** @type {LiveSession} */ shown, /** @type {number} */ index) => {
    const output = createOutput(shown, index, isTableOpen);
    outputs.get(index)?.destroy();
    outputs.set(index, output);
    const after = [...outputs.keys()].filter((k) => k > index).sort((a, b) => a - b)[0];
    charts.insertBefore(output.root, outputs.get(after)?.root ?? null);
  };
  const toggle = (/** @type {number} */ index) => {
    if (!live) return;
    if (!outputs.has(index)) {
      if (outputs.size < OUTPUTS_MAX) show(live, index);
    } else if (outputs.size > 1) {
      outputs.get(index)?.destroy();
      outputs.delete(index);
    }
    markChips();
  };
  const markChips = () =>
    [...chips.children].forEach((chip, k) => (chip.ariaPressed = String(outputs.has(k))));

  const update = drawLater(() => {
    if (!live) return;
    write(note, noteText(live));
    complain(live.problem);
    blend.update();
    crossing.update();
    if (!live.history.length) return;
    if (outputs.size === 0) toggle(0);
    for (const [index, output] of outputs) {
      // An axis of steps becomes one of times with the first reading that has one.
      if (output.isTime === live.history.hasTimes) output.refresh();
      else show(live, index);
    }
  });

  const open = () => {
    const model = chosenModel();
    section.hidden = !state.session;
    if (live && live.id === state.session && live.model.name === state.model) {
      const isOther = model && model.active_version !== live.model.active_version;
      live.model = model ?? live.model;
      if (isOther) live.refreshForecast(); // another version forecasts something else
      return;
    }
    close();
    if (!state.model || !state.session) return;
    put(heading, el("a", { href: `#/${joined(state.model)}` }, state.model), ` / ${state.session}`);
    if (!model) return;
    const names = model.outputs.map(({ name }) => name);
    put(chips, ...names.map((name, k) => button(name, () => toggle(k))));
    chips.hidden = names.length < 2;
    live = new LiveSession(model, state.session, update);
    for (const view of [blend, crossing, trial, why]) view.show(live);
    update();
  };
  write(note, "\u00a0");
  watch(["models", "model", "session"], open);
  setInterval(() => live && write(note, noteText(live)), 1000);
  return section;
}
