/**
 * forecast_words.js - what a forecast was asked for besides, as sentences: when it crosses a
 * threshold, and what it is a mixture of.
 */
import { counted, number, percent } from "./words.js";

/** @param {Threshold} threshold */
const sideWords = ({ above, below }) =>
  above !== undefined ? `above ${number(above)}` : `below ${number(below)}`;

/**
 * When a forecast first crosses, and how probably a reading will have by then: as far ahead as that
 * is known.
 * @param {Threshold} threshold
 * @param {Crossing} crossing
 * @param {number} horizon
 */
export function crossingWords(threshold, { ahead, by_horizon: all }, horizon) {
  const side = sideWords(threshold);
  const first = ahead
    ? `The forecast of ${threshold.output} is ${side} in ${counted(ahead, "step")}`
    : `The forecast of ${threshold.output} is not ${side} in the next ${counted(horizon, "step")}`;
  const known = (all ?? []).filter((probability) => probability !== null);
  const by = `by ${counted(known.length, "step")} ahead`;
  const sure = known.length
    ? `${by} a reading will have been, with a probability of ${percent(known.at(-1))}`
    : "how probable a crossing is, cannot be told yet: steps that ask for a “level” teach it";
  return `${first}; ${sure}.`;
}

const EXPERTS = /** @type {Record<string, string>} */ ({
  model: "model",
  persistence: "same as now",
  seasonal_naive: "same as a season ago",
  level: "recent level",
});

/** What a forecast is a mixture of, the most first. @param {Record<string, number>} weights */
export function mixtureWords(weights) {
  const parts = Object.entries(weights)
    .filter(([, weight]) => weight >= 0.005)
    .sort(([, a], [, b]) => b - a)
    .map(([expert, weight]) => `${percent(weight, 2)} ${EXPERTS[expert] ?? expert}`);
  const isUntaught = weights.persistence === 1;
  return parts.join(", ") + (isUntaught ? ": steps that ask for “blend” teach it more" : "");
}
