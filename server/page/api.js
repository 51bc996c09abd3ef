/**
 * api.js - requests to /v1, its errors in its own words, and the key of this tab.
 *
 * The key is kept in this tab's sessionStorage. It travels in a header, never in a URL.
 */

const KEY = "grud.key";

/** An error that grud answered; status 0: no answer came. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message, param = "") {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** @type {(error: ApiError) => void} */
let tellUnauthorised = () => {};

/** @param {typeof tellUnauthorised} listener called when grud asks for a key, or for another one */
export function onUnauthorised(listener) {
  tellUnauthorised = listener;
}

export const readKey = () => sessionStorage.getItem(KEY);

/** @param {string} key empty: none */
export function writeKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** @param {Response} response that is none of 2xx */
export async function errorOf(response) {
  const { status } = response;
  const { error } = await response.json().catch(() => ({}));
  const { code = "http_error", message = `the answer was ${status}`, param } = error ?? {};
  const told = new ApiError(status, code, message, param ?? "");
  if (status === 401) tellUnauthorised(told);
  return told;
}

/**
 * Sends a request, and returns the response whatever its status is.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 * @param {RequestInit} [options]
 */
export async function send(method, path, body, options = {}) {
  const headers = new Headers(options.headers);
  const key = readKey();
  if (key) headers.set("authorization", `Bearer ${key}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  const text = body === undefined ? null : JSON.stringify(body);
  try {
    return await fetch(path, { ...options, method, headers, body: text, cache: "no-store" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "no_connection", "grud cannot be reached");
  }
}

/**
 * Sends a request, and returns its JSON or text; throws an ApiError.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function ask(method, path, body, options) {
  const response = await send(method, path, body, options);
  if (!response.ok) throw await errorOf(response);
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return isJson ? response.json() : response.text();
}

/** @param {string} path @param {RequestInit} [options] */
export const get = (path, options) => ask("GET", path, undefined, options);

/** @param {string[]} names */
export const joined = (...names) => names.map(encodeURIComponent).join("/");

/** @param {string} model */
export const modelPath = (model) => `/v1/models/${joined(model)}`;

/** @param {string} model @param {string} session */
export const sessionPath = (model, session) => `${modelPath(model)}/sessions/${joined(session)}`;

/**
 * A path with those of the parameters that have a value.
 * @param {string} path
 * @param {Record<string, string | number | null>} parameters
 */
export function withQuery(path, parameters) {
  const set = Object.entries(parameters).filter(([, value]) => value !== null && value !== "");
  return `${path}?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`;
}

/** What is asked for, until one is taken: a grud may offer other levels, and look less far. */
const QUESTIONS = [
  { horizon: 24, level: [0.8, 0.95] },
  { horizon: 24, level: 0.9 },
  { horizon: 12, level: [0.8, 0.95] },
  { horizon: 24 },
];

let question = 0;

/** The question that was taken last. */
export const forecastQuestion = () => QUESTIONS[question];

/**
 * @param {string} path of a session's `forecast` or `step`
 * @param {object} body what else it has
 * @param {AbortSignal} signal
 * @returns {Promise<Forecast>}
 */
export async function askForecast(path, body, signal) {
  for (;;) {
    try {
      return await ask("POST", path, { ...body, ...QUESTIONS[question] }, { signal });
    } catch (error) {
      const isAboutIt =
        error instanceof ApiError && error.status === 400 && /^(level|horizon)/.test(error.param);
      if (!isAboutIt || question + 1 === QUESTIONS.length) throw error;
      question++;
    }
  }
}
