/**
 * spark.js - the last readings of each session in the list, as a small line. Only what is in view is
 * asked for, one session after the other, and a session again only once it has made a step.
 */
import { ApiError, get, sessionPath, withQuery } from "../api.js";
import { sparkPath } from "../frame.js";
import { chosenModel } from "../store.js";
import { COPY } from "./trial.js";

const READINGS = 30;
const [WIDTH, HEIGHT] = [48, 14];
const SVG = "http://www.w3.org/2000/svg";

/** @type {Set<Element>} */
const inView = new Set();
let isAsking = false;

/** @param {Element} spark as `createSpark` makes it */
async function draw(spark) {
  const { model = "", session = "", step } = /** @type {SVGElement} */ (spark).dataset;
  const { inputs = [], outputs = [] } = chosenModel() ?? {};
  const input = inputs.findIndex(({ name }) => name === outputs[0]?.feeds);
  const path = withQuery(`${sessionPath(model, session)}/readings`, { limit: READINGS });
  /** @type {{ readings: Reading[] }} */
  const { readings } = await get(path);
  const values = readings.map(({ x }) => x[Math.max(0, input)]);
  spark.firstElementChild?.setAttribute("d", sparkPath(values, WIDTH, HEIGHT));
  spark.setAttribute("data-drawn", step ?? "");
}

async function drawAll() {
  if (isAsking) return;
  isAsking = true;
  /** @type {Set<Element>} */
  const refused = new Set(); // such as one that has ended; the list will tell
  const isDue = (/** @type {Element} */ spark) => {
    const { step, drawn } = /** @type {SVGElement} */ (spark).dataset;
    return spark.isConnected && step && step !== drawn && !refused.has(spark);
  };
  try {
    for (let spark; (spark = [...inView].find(isDue));) {
      await draw(spark).catch((error) => {
        if (!(error instanceof ApiError)) throw error;
        refused.add(/** @type {Element} */ (spark));
      });
    }
  } finally {
    isAsking = false;
  }
}

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) inView.add(target);
    else inView.delete(target);
  }
  drawAll();
});

/** A line that has its place from the beginning. @param {string} model @param {string} session */
export function createSpark(model, session) {
  const spark = document.createElementNS(SVG, "svg");
  const attributes = { class: "spark", width: WIDTH, height: HEIGHT, "aria-hidden": "true" };
  for (const [name, value] of Object.entries(attributes)) spark.setAttribute(name, String(value));
  Object.assign(spark.dataset, { model, session });
  spark.append(document.createElementNS(SVG, "path"));
  observer.observe(spark);
  return spark;
}

/** Says which step is the session's last. @param {SVGElement} spark @param {number} step */
export function updateSpark(spark, step) {
  if (spark.dataset.session?.includes(COPY)) return; // it is gone in a moment
  spark.dataset.step = String(step);
  drawAll();
}
