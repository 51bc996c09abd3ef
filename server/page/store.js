/**
 * store.js - what the page knows, who is told when it changes, and what is asked for now and then.
 *
 * Views read `state` and never write it. A change is told once per turn, however many fields it has.
 */
import { ApiError, get, modelPath, send, withQuery } from "./api.js";

/** @type {PageState} */
export const state = {
  ready: null,
  lostSince: null,
  refused: null,
  stepsPerSecond: null,
  models: null,
  figures: new Map(),
  model: null,
  session: null,
  sessions: null,
  prefix: "",
  order: "last_seen",
  hasJobs: false,
};

/** @typedef {keyof PageState} Field */

/** @type {{ fields: Set<Field>, listener: () => void }[]} */
const listeners = [];
/** @type {Set<Field>} */
const changed = new Set();

const tell = () => {
  const fields = new Set(changed);
  changed.clear();
  for (const { fields: wanted, listener } of listeners) {
    if ([...wanted].some((field) => fields.has(field))) listener();
  }
};

/** @param {Partial<PageState>} fields */
export function change(fields) {
  if (changed.size === 0) queueMicrotask(tell);
  Object.assign(state, fields);
  for (const field of Object.keys(fields)) changed.add(/** @type {Field} */ (field));
}

/**
 * Calls `listener` now, and whenever one of the fields has changed.
 * @param {Field[]} fields
 * @param {() => void} listener
 */
export function watch(fields, listener) {
  listeners.push({ fields: new Set(fields), listener });
  listener();
}

/** The model that is chosen. */
export const chosenModel = () => state.models?.find(({ name }) => name === state.model) ?? null;

/* ---- asked for every few seconds ---- */

const EVERY_MS = 5000;
const ROWS = 50;
const ROWS_MAX = 1000;

let rowsShown = ROWS;
let steps = { count: NaN, atMs: 0 };
let timer = 0;

/**
 * The samples of /metrics that the page shows, by name, model, output, over and level.
 * @param {string} text
 */
export function readFigures(text) {
  /** @type {Map<string, number>} */
  const figures = new Map();
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] =
      /^(grud_forecast_\w+|grud_steps_total)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (!name) continue;
    const of = (/** @type {string} */ label) =>
      new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(labels)?.[1] ?? "";
    const key = [name, of("model"), of("output"), of("over"), of("level")];
    figures.set(key.join(), Number(value));
  }
  return figures;
}

async function pollReady() {
  try {
    const response = await send("GET", "/readyz");
    change({ ready: await response.json(), lostSince: null });
  } catch {
    change({ lostSince: state.lostSince ?? Date.now() });
  }
}

async function pollFigures() {
  const figures = readFigures(await get("/metrics"));
  const count = figures.get("grud_steps_total,,,,") ?? NaN;
  const nowMs = performance.now();
  const rate = (1000 * (count - steps.count)) / (nowMs - steps.atMs);
  steps = { count, atMs: nowMs };
  change({ figures, stepsPerSecond: rate >= 0 ? rate : null });
}

/** What grud refuses is said by the panel that needs it, or by the key's dialog. */
const quietly = (/** @type {() => Promise<void>} */ poll) => () =>
  poll().catch((error) => {
    if (!(error instanceof ApiError)) throw error;
  });

export const pollModels = quietly(async () => {
  const { models } = await get("/v1/models");
  change({ models, refused: null });
});

/** Which sessions the list shows: those of the model that is chosen, by prefix, a bounded number. */
export const pollSessions = quietly(async () => {
  const { model, prefix, order } = state;
  if (!model) return change({ sessions: null });
  const path = withQuery(`${modelPath(model)}/sessions`, { prefix, order, limit: rowsShown });
  const { sessions, has_more: hasMore } = await get(path);
  if (model === state.model && prefix === state.prefix && order === state.order) {
    change({ sessions: { rows: sessions, hasMore: hasMore && rowsShown < ROWS_MAX } });
  }
});

export function showMore() {
  rowsShown = Math.min(ROWS_MAX, rowsShown * 2);
  return pollSessions();
}

export function showFirst() {
  rowsShown = ROWS;
}

/** Asks for everything now, and again every few seconds while somebody can see it. */
export function poll() {
  clearTimeout(timer);
  timer = window.setTimeout(poll, EVERY_MS);
  if (!document.hidden)
    [pollReady, pollModels, pollSessions, quietly(pollFigures)].map((one) => one());
}

document.addEventListener("visibilitychange", () => document.hidden || poll());
