/**
 * chart.js - uPlot behind few functions. A chart follows the newest reading until somebody zooms or
 * moves away, and again after a reset.
 */
import { drawLater } from "./dom.js";
/** @import { buildFrame } from "./frame.js" */

const WHEEL = 1.25;
const FONT = "11px system-ui, sans-serif";
const DASH = [5, 3];
const LINE = { points: { show: false } };
/** How uPlot writes times: from so many seconds between ticks on; when year or day change. */
const TIMES = [
  [31536000, "{YYYY}", null, null, null, null, null, null, 1],
  [2419200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];

/**
 * @typedef {(number | null)[][]} Columns
 * @typedef {{ x: number, text: string }} Mark
 * @typedef {ReturnType<typeof buildFrame> & { marks: Mark[] }} Frame
 * @typedef {{ min: number, max: number } | null} View null: the newest readings
 */

/** A colour of page.css, asked for when it is drawn. @param {string} name */
const colour = (name) => () =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** @param {string} name @param {number} width @param {number[]} [dash] */
export const line = (name, width, dash) => ({
  ...LINE,
  stroke: colour(name),
  width,
  dash: dash ?? [],
});

/**
 * A plot that is as large as its element.
 * @param {HTMLElement} root
 * @param {(tick: number) => string} format of values on the axis
 * @param {Partial<uPlot.Options>} options
 * @param {uPlot.Axis} axis
 */
export function createPlot(root, format, { axes, ...options }, axis = {}) {
  const look = {
    stroke: colour("grey"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    font: FONT,
  };
  const size = () => ({ width: root.clientWidth || 300, height: root.clientHeight || 200 });
  const plot = new uPlot(
    {
      ...size(),
      legend: { show: false },
      padding: [8, 8, 0, 0],
      series: [],
      axes: [
        { ...look, size: 36, ...axis },
        { ...look, size: 56, values: (_, ticks) => ticks.map((tick) => format(tick)) },
      ],
      ...options,
    },
    undefined,
    root,
  );
  const sizes = new ResizeObserver(() => plot.setSize(size()));
  sizes.observe(root);
  const redraw = () => plot.redraw();
  addEventListener("themechange", redraw);
  return {
    plot,
    destroy() {
      removeEventListener("themechange", redraw);
      sizes.disconnect();
      plot.destroy();
    },
  };
}

/** Thin lines where the version changes, and at readings that were amended. */
const drawMarks = (/** @type {uPlot} */ plot, /** @type {Mark[]} */ marks) => {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = ctx.strokeStyle = colour("grey")();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  for (const { x, text } of marks) {
    const left = Math.round(plot.valToPos(x, "x", true)) + 0.5;
    if (left < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.fillRect(left, bbox.top, 1, bbox.height);
    ctx.fillText(text, left + 4 * devicePixelRatio, bbox.top + 11 * devicePixelRatio);
  }
  ctx.restore();
};

/**
 * The chart of one output. It reads what it shows when it is drawn.
 * @param {HTMLElement} root
 * @param {boolean} isTime the axis has times, not steps
 * @param {(view: View) => Frame} read
 * @param {(tick: number) => string} format
 * @param {(index: number | null) => void} onCursor
 */
export function createChart(root, isTime, read, format, onCursor) {
  let frame = read(null);
  /** @type {View} */
  let view = null;
  const edge = { ...LINE, width: 0 };
  const points = { show: true, size: 9, width: 2, fill: colour("back") };
  const dots = { stroke: colour("text"), paths: () => null, points };
  const ahead = [line("accent", 1.75), edge, edge, edge, edge];
  const { plot, destroy } = createPlot(
    root,
    format,
    {
      scales: { x: { time: isTime } },
      series: [
        {},
        line("text", 1.5),
        line("accent", 1.5, DASH),
        ...ahead,
        line("grey", 2, [2, 3]),
        line("text", 1, [1, 3]),
        dots,
      ],
      bands: [
        { series: [5, 4], fill: colour("band-wide") },
        { series: [7, 6], fill: colour("band-narrow") },
      ],
      cursor: {
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        y: false,
        bind: { dblclick: () => () => (reset(), null) },
      },
      hooks: {
        draw: [(drawn) => drawMarks(drawn, frame.marks)],
        setCursor: [({ cursor }) => onCursor(cursor.idx ?? null)],
        setSelect: [
          ({ select: { left, width } }) => {
            if (width < 4) return;
            look(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    },
    isTime ? { values: /** @type {any} */ (TIMES) } : {},
  );

  /** What is in view. */
  const shown = () => view ?? { min: frame.columns[0][0] ?? 0, max: frame.max };
  const draw = () => {
    frame = read(view);
    // Where readings are closer than pixels nobody sees a dash, and dashes take long to draw.
    const isDense = frame.nPast > root.clientWidth;
    plot.series[2].dash = isDense ? [] : DASH;
    plot.series[1].width = plot.series[2].width = isDense ? 1 : 1.5;
    plot.setData(/** @type {any} */ (frame.columns), false);
    plot.setScale("x", shown());
  };
  const refresh = drawLater(draw);
  const look = (/** @type {number} */ min, /** @type {number} */ max) => {
    if (!(max > min) || max < frame.min || min > frame.max) return;
    view = { min: Math.max(min, frame.min), max: Math.min(max, frame.max) };
    refresh();
  };
  const reset = () => {
    view = null;
    refresh();
  };
  const zoom = (/** @type {WheelEvent} */ event) => {
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
    event.preventDefault();
    const { min, max } = shown();
    const centre = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
    const by = event.deltaY > 0 ? WHEEL : 1 / WHEEL;
    look(centre - (centre - min) * by, centre + (max - centre) * by);
  };
  root.addEventListener("wheel", zoom, { passive: false });
  /** @param {number} by in widths of the view; 0: back to the newest */
  const move = (by) => {
    const { min, max } = shown();
    const to = Math.min(max + by * (max - min), frame.max);
    if (by === 0 || (to === frame.max && by > 0)) reset();
    else look(to - (max - min), to);
  };
  return { draw, move, destroy };
}
