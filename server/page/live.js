/**
 * live.js - the session that is shown: its readings so far, each step as it happens, its forecast.
 */
import { ApiError, askForecast, get, sessionPath, withQuery } from "./api.js";
import { follow } from "./events.js";
import { History } from "./history.js";

const PAGE = 1000;
const FORECAST_EVERY_MS = 500;
const RELOAD_MS = 500;
const UNUSUAL = 0.01; // a p-value that makes a point of a reading
const UNUSUAL_MAX = 10_000;

export class LiveSession {
  /** @param {Model} model @param {string} id @param {() => void} tell called after each change */
  constructor(model, id, tell) {
    this.model = model;
    this.id = id;
    this.path = sessionPath(model.name, id);
    this.tell = tell;
    const inputs = model.inputs.map(({ name }) => name);
    this.history = new History(inputs, model.outputs.length);
    /** @type {Forecast | null} */
    this.forecast = null;
    /** @type {Forecast | null} after a reading that is only tried */
    this.trial = null;
    /** @type {ApiError | null} why there is nothing, or nothing new */
    this.problem = null;
    /** @type {ApiError | null} */
    this.noForecast = null;
    /** @type {Wish} what else a forecast is asked for */
    this.wish = {};
    /** @type {Wish} what the forecast that is here was asked for */
    this.granted = {};
    /** @type {ApiError | null} why a wish was refused */
    this.refusal = null;
    this.isLoaded = false;
    /** @type {number | null} */
    this.lostSince = null;
    this.lastSeenMs = 0;
    /** @type {Set<number>} */
    this.amendedSteps = new Set();
    /** @type {Map<number, number>} p-values of unusual readings, where a step has asked for them */
    this.unusual = new Map();
    this.abort = new AbortController();
    this.isAsking = false;
    this.timer = 0;
    this.stopFollowing = () => {};
    this.load();
  }

  close() {
    clearTimeout(this.timer);
    this.abort.abort();
    this.stopFollowing();
  }

  /** Reads everything, and goes on from there. */
  async load() {
    this.close();
    this.abort = new AbortController();
    const { signal } = this.abort;
    const { history } = this;
    /** @returns {Promise<{ readings: Reading[], has_more: boolean }>} */
    const read = (/** @type {number | null} */ before) =>
      get(withQuery(`${this.path}/readings`, { limit: PAGE, before }), { signal });
    try {
      let page = await read(null);
      const info = await get(this.path, { signal });
      history.clear();
      history.prepend(page.readings);
      for (const step of this.amendedSteps) history.markAmended(step);
      if (history.lastStep === info.step) history.setNext(info.y);
      this.lastSeenMs = info.last_seen_at * 1000;
      this.problem = null;
      this.isLoaded = true;
      this.tell();
      this.listen();
      this.refreshForecast();
      while (page.has_more && page.readings.length && history.length < history.capacity) {
        page = await read(history.step(0));
        history.prepend(page.readings);
        this.tell();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.isLoaded = true;
      this.problem = error;
      this.tell();
      const { status } = error;
      if (status === 404) this.loadSoon(8); // a step may make it
      if (status === 0 || status >= 500) this.loadSoon();
    }
  }

  loadSoon(times = 1) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.load(), times * RELOAD_MS);
  }

  listen() {
    this.stopFollowing = follow(`${this.path}/events`, {
      lastId: this.history.length ? String(this.history.lastStep) : "",
      onEvent: (type, data) => this.takeEvent(type, data),
      onState: (isOpen) => {
        this.lostSince = isOpen ? null : (this.lostSince ?? Date.now());
        this.tell();
      },
      onEnd: (error) => {
        this.problem = error;
        this.tell();
      },
    });
  }

  /** @param {string} type @param {any} data */
  takeEvent(type, data) {
    if (type === "end" && data.reason !== "replaced") {
      const why = data.reason ? `: ${data.reason}` : "";
      this.problem = new ApiError(410, "session_end", `session '${this.id}' has ended${why}`);
      this.close();
      return this.tell();
    }
    if (type !== "step") return this.loadSoon(); // some steps are gone, or it is another session now
    this.lastSeenMs = Date.now();
    if (data.amended !== undefined) this.amendedSteps.add(data.amended);
    this.noteUnusual(data);
    if (!this.history.take(data)) return this.loadSoon();
    this.trial = null;
    this.tell();
    this.refreshForecast();
  }

  /** Recorded readings have no p-value, so it is kept when it comes. @param {StepEvent} event */
  noteUnusual({ step, anomaly }) {
    const p = anomaly?.p_value ?? 1;
    if (p > UNUSUAL) return;
    this.unusual.set(step, p);
    const [oldest] = this.unusual.keys();
    if (this.unusual.size > UNUSUAL_MAX) this.unusual.delete(oldest);
  }

  /** Has forecasts answer something else, too. @param {Wish} wish */
  ask(wish) {
    this.wish = wish;
    this.refusal = null;
    this.tell();
    this.refreshForecast();
  }

  /** Takes back the wish that an error is about. @param {ApiError} error */
  drop(error) {
    const [name] = error.param.split(".");
    if (!(name in this.wish)) return false;
    const { [/** @type {keyof Wish} */ (name)]: _, ...rest } = this.wish;
    this.wish = rest;
    this.refusal = error;
    return true;
  }

  /** Asks how it goes on, not more often than somebody can look. */
  async refreshForecast() {
    if (this.isAsking || !this.model.horizon_capable || !this.history.length) return;
    this.isAsking = true;
    const { wish } = this;
    const { lastStep } = this.history;
    const { signal } = this.abort;
    try {
      this.forecast = await askForecast(`${this.path}/forecast`, wish, signal);
      this.granted = wish;
      this.noForecast = null;
    } catch (error) {
      if (!signal.aborted && error instanceof ApiError && !this.drop(error)) {
        this.noForecast = error;
      }
    }
    this.tell();
    setTimeout(() => {
      this.isAsking = false;
      const isNew = this.history.lastStep > lastStep || this.wish !== wish;
      if (!this.abort.signal.aborted && isNew) this.refreshForecast();
    }, FORECAST_EVERY_MS);
  }
}
