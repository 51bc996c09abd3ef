/**
 * words.js - figures as people read them: numbers, times, sentences. Bad ones are said as plainly as
 * good ones.
 */
import { bandsOf, skillOf } from "./frame.js";
/** @import { History } from "./history.js" */
/** @import { LiveSession } from "./live.js" */

const MINUS = "\u2212";
const THIN = "\u202f";
const WIDE = "\u00a0";
const ENOUGH = 10;

/**
 * A number with so many places; a large or tiny one as a power of ten.
 * @param {number | null | undefined} value
 * @param {number} places
 */
export function fixed(value, places) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9 || (size !== 0 && size < 1e-6)) {
    return value.toExponential(2).replaceAll("-", MINUS).replace("+", "");
  }
  const [front, back] = size.toFixed(places).split(".");
  const text = front.replace(/\B(?=(\d{3})+$)/g, THIN) + (back ? `.${back}` : "");
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** The places that tell readings of this spread apart. @param {number} spread */
export const placesOf = (spread) =>
  spread > 0 ? Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(spread)))) : 3;

/** A number in so many digits, without zeros at its end. @param {number | null | undefined} value */
export function number(value, digits = 5) {
  if (!value) return fixed(value, 0);
  const places = digits - 1 - Math.floor(Math.log10(Math.abs(value)));
  const text = fixed(value, Math.min(6, Math.max(0, places)));
  return text.includes("e") ? text : text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** @param {string} text @param {string} unit */
export const withUnit = (text, unit) => (unit ? text + WIDE + unit : text);

/** @param {number} count @param {string} thing */
export const counted = (count, thing) => `${number(count, 12)} ${thing}${count === 1 ? "" : "s"}`;

/** 840, 12.3 k. @param {number} value */
export const short = (value) =>
  value < 1000 ? number(value, value < 10 ? 2 : 3) : `${number(value / 1000, 3)} k`;

/** @param {number | null | undefined} share */
export const percent = (share, digits = 3) =>
  withUnit(number(share && share * 100, digits), Number.isFinite(share) ? "%" : "");

/** A span in its largest unit. @param {number} seconds */
export function span(seconds) {
  const s = Math.max(0, seconds);
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 6000) return `${Math.round(s / 60)} min`;
  return s < 360_000 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
}

/** @param {number} ms */
export const sinceMs = (ms) => span((Date.now() - ms) / 1000);

/** In this browser's zone, without the date if it is today's. @param {number} unixSeconds */
export function time(unixSeconds) {
  const at = new Date(unixSeconds * 1000);
  if (Number.isNaN(at.getTime())) return "–";
  const clock = at.toLocaleTimeString("en-GB");
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? clock : `${at.toLocaleDateString("sv-SE")} ${clock}`;
}

/** @param {number} sinceWhenMs */
export const lostWords = (sinceWhenMs) =>
  `▲ connection lost ${sinceMs(sinceWhenMs)} ago, trying again`;

/** @param {number} skill against "same as now" */
export function comparison(skill) {
  if (!Number.isFinite(skill)) return "“same as now” is never off";
  if (Math.abs(skill) < 0.005) return "as good as “same as now”";
  return `${skill > 0 ? "better" : "worse"} than “same as now” by ${percent(Math.abs(skill), 2)}`;
}

/** @param {History} history @param {number} output @param {number} input @param {string} unit */
export function skillWords(history, output, input, unit) {
  if (input < 0) return "It forecasts no input, so no reading tells how good it is.";
  const { n, mae, skill } = skillOf(history, output, input);
  if (n < ENOUGH) return `${counted(n, "forecast")} compared; ${ENOUGH} tell how good they are`;
  const off = withUnit(number(mae, 3), unit);
  return `MAE ${off} one step ahead · ${comparison(skill)} · ${counted(n, "reading")}`;
}

/** @param {number | undefined} p the reading's p-value, if it is unusual */
export const unusualWords = (p) => (p === undefined ? "" : `▲ unusual: p-value ${number(p, 2)}`);

/** What the bands promise, and what they held. @param {LiveSession} live */
export function bandWords({ model, forecast, noForecast }) {
  if (!model.horizon_capable) return "It cannot look further ahead: no output feeds an input.";
  if (noForecast) return noForecast.message;
  const bands = bandsOf(forecast);
  const n = bands[0]?.observed[0];
  if (n) {
    const held = bands.map(
      ({ level, coverage: [now] }) => `${percent(level)} held ${percent(now)}`,
    );
    return `bands: ${held.join(" · ")} · ${counted(n, "reading")}`;
  }
  if (bands.some(({ lower: [row] }) => row.some((bound) => bound !== null))) {
    return "bands as in validation; no reading was held against them yet";
  }
  return bands.length ? "no band yet: it begins with a step that asks for a “level”" : "";
}

const DETECTORS = { page_hinkley: "Page-Hinkley", adwin: "ADWIN" };

/** Whether a model's forecasts became worse, who has found that, and what came of it. @param {Drift} drift */
export function driftWords({ state, ratio, detected_at: at, detector, last_job: last }) {
  const isBad = state === "drifting";
  const now = ratio === null ? "" : `recent errors are ${number(ratio, 3)} times the usual ones`;
  const job =
    last && (last.job ? `its job ${last.job} began ${time(last.at)}` : "no job was started");
  const words = [
    isBad ? "▲ its forecasts have become worse" : "no drift",
    now || (!isBad && "too few forecasts were compared yet"),
    at &&
      detector &&
      `${isBad ? "" : "the last one was "}found ${time(at)} by ${DETECTORS[detector]}`,
    job && [job, last.reason].filter(Boolean).join(": "),
  ];
  return words.filter(Boolean).join(" · ");
}

/** Where a job is. @param {Job} job */
export function progressWords({
  status,
  progress,
  estimated_finish: finish,
  finished_at: ended,
  error,
}) {
  if (error) return `${status}: ${error.message}`;
  const isRunning = status === "running";
  return [
    !isRunning && status,
    progress.n_epochs && `epoch ${progress.epoch} of ${progress.n_epochs}`,
    isRunning && finish && `${span(finish - Date.now() / 1000)} left`,
    ended && time(ended),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** What the gate decided, and why. @param {Job} job @param {number | undefined} active version */
export function verdictWords(job, active) {
  const { base_version: base, fine_tuned_version: made, metrics, promotion } = job;
  const { valid_loss: now, baseline_valid_loss: before, persistence_valid_loss: naive } = metrics;
  if (!made) return "";
  const verdict =
    promotion.state === "none" ? "is ready" : `was ${promotion.state.replace("_", " ")}`;
  const beside = (/** @type {number | null} */ other, /** @type {string} */ whose) => {
    if (now === null || !other) return "";
    const [gain, word] = now < other ? [1 - now / other, "below"] : [now / other - 1, "above"];
    return `loss ${gain < 5e-4 ? "like" : `${percent(gain)} ${word}`} ${whose}`;
  };
  const words = [
    `v${made} ${verdict}${made === active ? ", ● active" : ""}`,
    beside(before, `v${base}'s`),
    beside(naive, "persistence"),
    promotion.reason,
  ];
  return words.filter(Boolean).join(" · ");
}
