/**
 * output.js - one output of the session that is shown: its chart, its skill in words, its last rows.
 */
import { createChart } from "../chart.js";
import { el, putTable, write } from "../dom.js";
import { buildFrame } from "../frame.js";
import {
  bandWords,
  fixed,
  number,
  placesOf,
  skillWords,
  time,
  unusualWords,
  withUnit,
} from "../words.js";
/** @import { Frame, Mark, View } from "../chart.js" */
/** @import { History } from "../history.js" */
/** @import { LiveSession } from "../live.js" */

const ROWS = 20;

/**
 * Where the version changes, and which readings were amended.
 * @param {History} history
 * @param {number} begin
 * @param {(number | null)[]} x
 */
const marksOf = (history, begin, x) => {
  /** @type {Mark[]} */
  const marks = [];
  let before = 0;
  for (let i = begin; i < history.length; i++) {
    const version = history.versions[history.at(i)];
    const mark = (/** @type {string} */ text) => marks.push({ x: x[i - begin] ?? 0, text });
    if (version && before && version !== before) mark(`v${version}`);
    if (history.isAmended[history.at(i)]) mark("amended");
    before = version;
  }
  return marks;
};

/** @param {LiveSession} live @param {number} index of the output @param {boolean} isTableOpen */
export function createOutput(live, index, isTableOpen) {
  const { history, model } = live;
  const { name, unit, feeds, std } = model.outputs[index];
  const input = model.inputs.findIndex((one) => one.name === feeds);
  const isTime = history.hasTimes;
  const value = (/** @type {number | null} */ of) => fixed(of, placesOf(std));

  const readout = el("p", { className: "readout" });
  const holder = el("div", { className: "chart", role: "img" });
  const skill = el("p", { className: "skill" });
  const band = el("p", { className: "skill" });
  const rows = el("div");
  const details = el("details", { open: isTableOpen }, el("summary", null, "table"), rows);
  const key = el("p", { className: "key" }, el("b", null, withUnit(name, unit)));
  const curves = {
    reading: input >= 0 && "readings",
    then: input < 0 ? "output" : "forecast one step before",
    band: input >= 0 && model.horizon_capable && "what comes next",
  };
  for (const [curve, text] of Object.entries(curves)) {
    if (text) key.append(el("span", null, el("i", { className: curve }), text));
  }
  const dot = el("span", { hidden: true }, el("i", { className: "dot" }), "unusual reading");
  key.append(dot);
  const root = el(
    "div",
    { className: "output" },
    el("div", null, key, readout, holder, skill, band),
    details,
  );

  /** @type {number | null} */
  let pointed = null;
  /** @type {Frame} */
  let frame;
  const read = (/** @type {View} */ view) => {
    const { forecast, trial, wish, unusual } = live;
    const { output, above, below } = wish.crossing ?? {};
    const threshold = output === name ? (above ?? below) : null;
    const built = buildFrame(
      { history, output: index, input, forecast, trial, threshold, unusual },
      view,
    );
    frame = { ...built, marks: marksOf(history, built.begin, built.columns[0]) };
    return frame;
  };
  const position = (/** @type {number} */ x) => (isTime ? time(x) : `step ${number(x, 12)}`);
  const writeReadout = () => {
    const { columns, nPast } = frame;
    const i = pointed ?? nPast - 1;
    const [x, reading, then, ahead, low2, high2, low1, high1] = columns.map((column) => column[i]);
    if (x === undefined || x === null) return;
    const range = (/** @type {number | null} */ low, /** @type {number | null} */ high) =>
      low !== null && `${value(low)} … ${value(high)}`;
    const isPast = i < nPast;
    const words = [
      position(x),
      isPast && input >= 0 && (reading === null ? "missing" : `reading ${value(reading)}`),
      isPast && unusualWords(live.unusual.get(history.step(frame.begin + i))),
      isPast && then !== null && `${input < 0 ? "output" : "forecast"} ${value(then)}`,
      !isPast && `forecast ${value(ahead ?? then)}`,
      !isPast && range(low1, high1),
      !isPast && range(low2, high2),
    ];
    write(readout, words.filter(Boolean).join(" · "));
  };
  const writeWords = () => {
    write(skill, skillWords(history, index, input, unit));
    write(band, bandWords(live));
    dot.hidden = live.unusual.size === 0;
    holder.ariaLabel = `${withUnit(name, unit)}: ${readout.textContent}. ${skill.textContent}`;
  };
  const writeRows = () => {
    if (!details.open) return;
    const [x, reading, then] = frame.columns;
    const lines = [];
    const hasUnusual = live.unusual.size > 0;
    for (let i = frame.nPast - 1; i >= Math.max(0, frame.nPast - ROWS); i--) {
      const [was, said] = [reading[i], then[i]];
      const off = was === null || said === null ? null : was - said;
      const when = isTime ? [time(x[i] ?? NaN)] : [];
      const values = input < 0 ? [said] : [was, said, off];
      const step = history.step(frame.begin + i);
      const unusual = hasUnusual ? [unusualWords(live.unusual.get(step))] : [];
      lines.push([number(step, 12), ...when, ...values.map(value), ...unusual]);
    }
    const heads = input < 0 ? ["output"] : ["reading", "forecast", "off by"];
    const when = isTime ? ["time"] : [];
    const all = ["step", ...when, ...heads, ...(hasUnusual ? ["unusual"] : [])];
    putTable(rows, `last readings of ${name}`, all, lines);
  };

  const format = (/** @type {number} */ tick) => number(tick, 6);
  const chart = createChart(holder, isTime, read, format, (i) => {
    pointed = i;
    writeReadout();
  });
  const refresh = () => {
    chart.draw();
    writeReadout();
    writeWords();
    writeRows();
  };
  details.addEventListener("toggle", writeRows);
  const destroy = () => {
    chart.destroy();
    root.remove();
  };
  refresh();
  return { root, details, isTime, refresh, destroy, move: chart.move };
}
