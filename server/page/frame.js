/**
 * frame.js - what a chart draws: columns for uPlot, from a history and a forecast. It only computes.
 */
/** @import { History } from "./history.js" */

const SHOWN = 300; // readings in view at first

/** @param {number} value uPlot draws a gap where there is null */
const orNull = (value) => (Number.isFinite(value) ? value : null);

/** The distance of two readings: the median of the last ones. @param {Float64Array} positions */
export function typicalInterval(positions) {
  const distances = positions.slice(-32).map((x, i, last) => x - last[i - 1]);
  const sorted = distances.slice(1).sort();
  return sorted[sorted.length >> 1] || 1;
}

/**
 * Where readings lie on the axis: at their times, or at their steps if they have none. A reading
 * without a time, such as one that was filled, lies between its neighbours, or after the last one.
 * @param {History} history
 */
export function positionsOf(history) {
  const { length, hasTimes } = history;
  const positions = new Float64Array(length);
  let known = 0;
  for (let i = 0; i < length; i++) {
    positions[i] = hasTimes ? history.times[history.at(i)] : history.step(i);
    if (Number.isNaN(positions[i])) continue;
    const step = (positions[i] - positions[known]) / (i - known);
    for (let k = known + 1; k < i; k++) positions[k] = positions[known] + (k - known) * step;
    known = i;
  }
  const interval = typicalInterval(positions.slice(0, known + 1));
  for (let i = known + 1; i < length; i++) positions[i] = positions[i - 1] + interval;
  return positions;
}

/** The narrowest of the intervals, and the widest if there are several. @param {Forecast | null} forecast */
export function bandsOf(forecast) {
  const sorted = [...(forecast?.intervals ?? [])].sort((a, b) => a.level - b.level);
  return sorted.length > 1 ? [sorted[0], sorted[sorted.length - 1]] : sorted;
}

/** The first of ascending numbers that is at least `x`. @param {Float64Array} sorted @param {number} x */
function indexOf(sorted, x) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The columns x, reading, forecast one step before, forecast ahead, wide band (low, high), narrow
 * band (low, high), forecast after a reading that is only tried, threshold, unusual readings: of the
 * readings in view, by default the last ones, and of what comes next.
 * `input` is the one that the output is a forecast of; -1: none.
 * @param {{ history: History, output: number, input: number, forecast: Forecast | null, trial: Forecast | null, threshold?: number | null, unusual?: Map<number, number> }} of
 * @param {{ min: number, max: number } | null} view
 */
export function buildFrame(
  { history, output, input, forecast, trial, threshold = null, unusual },
  view = null,
) {
  const { length, lastStep } = history;
  const past = positionsOf(history);
  const interval = typicalInterval(past);
  const begin = Math.max(0, view ? indexOf(past, view.min) - 1 : length - SHOWN);
  const n = length - begin;
  const tried = trial?.forecast ?? [];
  // A forecast may be some steps old: its rows stay where they were made for.
  const from = forecast ? n - Math.max(0, lastStep - forecast.step) : 0;
  const rows = from > 0 ? (forecast?.forecast ?? []) : [];
  const total = Math.max(
    from + rows.length,
    tried.length && n + 1 + tried.length,
    n + +(input >= 0),
  );
  const columns = Array.from(
    { length: 11 },
    () => /** @type {(number | null)[]} */ (new Array(total).fill(null)),
  );
  const [x, reading, then, ahead, , , , , attempt] = columns;
  for (let i = 0; i < total; i++) {
    x[i] = i < n ? past[begin + i] : (past[length - 1] ?? 0) + (i - n + 1) * interval;
  }
  for (let i = 0; i < n; i++) {
    if (input >= 0) reading[i] = orNull(history.reading(begin + i, input));
    // An output that forecasts no input says something of the reading that it was made from.
    if (unusual?.has(history.step(begin + i))) columns[10][i] = reading[i];
    then[i] = orNull(history.forecast(begin + i + (input < 0 ? 1 : 0), output));
  }
  if (input >= 0) then[n] = orNull(history.next[output]);
  const [inner, outer] = bandsOf(forecast);
  rows.forEach((row, k) => {
    ahead[from + k] = row[output];
    for (const [band, low] of /** @type {const} */ ([
      [outer, 4],
      [inner, 6],
    ])) {
      columns[low][from + k] = band?.lower[k]?.[output] ?? null;
      columns[low + 1][from + k] = band?.upper[k]?.[output] ?? null;
    }
  });
  // It fans out from the reading that it was made from.
  if (rows.length && input >= 0) {
    for (let k = 3; k < 8; k++) columns[k][from - 1] = reading[from - 1];
  }
  tried.forEach((row, k) => (attempt[n + 1 + k] = row[output]));
  columns[9].fill(threshold);
  return { columns, nPast: n, begin, min: past[0] ?? 0, max: x[total - 1] ?? 1 };
}

/**
 * A line through values as the path of an SVG of that size, with a gap where one is missing.
 * @param {(number | null)[]} values
 * @param {number} width
 * @param {number} height
 */
export function sparkPath(values, width, height) {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const across = (width - 2) / Math.max(1, values.length - 1);
  const places = values.map((value, i) => {
    if (value === null) return "";
    const share = high > low ? (value - low) / (high - low) : 0.5;
    const place = `${(1 + i * across).toFixed(1)} ${(height - 1 - share * (height - 2)).toFixed(1)}`;
    // A reading between two gaps is a dot, as a line of no length.
    return i > 0 && values[i - 1] !== null ? `L${place}` : `M${place}h0`;
  });
  return places.join("");
}

/**
 * How far forecasts were off, and how much better that is than "same as now".
 * @param {History} history
 * @param {number} output
 * @param {number} input
 */
export function skillOf(history, output, input) {
  let n = 0;
  let error = 0;
  let naiveError = 0;
  let before = NaN;
  for (let i = 0; i < history.length; i++) {
    const reading = history.reading(i, input);
    if (Number.isNaN(reading)) continue;
    const then = history.forecast(i, output);
    if (!Number.isNaN(then - before)) {
      n++;
      error += Math.abs(reading - then);
      naiveError += Math.abs(reading - before);
    }
    before = reading;
  }
  return { n, mae: error / n, skill: 1 - error / naiveError };
}
