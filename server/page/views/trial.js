/**
 * trial.js - a box to try a reading. It goes to a copy of the session: the session stays as it is.
 */
import { ask, askForecast, forecastQuestion, sessionPath } from "../api.js";
import { curlButton } from "../curl.js";
import { el, put, write } from "../dom.js";
import { bandsOf } from "../frame.js";
import { fixed, placesOf, withUnit } from "../words.js";
/** @import { LiveSession } from "../live.js" */

/** In the name of each copy. */
export const COPY = "~try";

/** @param {LiveSession} live @param {string} [end] */
const copyOf = ({ id, model }, end = "") => {
  const to = id.slice(0, 100) + COPY + end;
  return { to, path: sessionPath(model.name, to) };
};

/**
 * @param {LiveSession} live
 * @param {{ x: Record<string, number | null> }} body
 * @returns {Promise<Forecast>}
 */
async function tryReading(live, body) {
  const { to, path } = copyOf(live, `-${Math.random().toString(36).slice(2, 8)}`);
  await ask("POST", `${live.path}/fork`, { to });
  try {
    return live.model.horizon_capable
      ? await askForecast(`${path}/step`, body, live.abort.signal)
      : await ask("POST", `${path}/step`, body);
  } finally {
    await ask("DELETE", path);
  }
}

/** @param {Model} model @param {Forecast} trial */
const answerText = ({ outputs }, trial) => {
  const [band] = bandsOf(trial);
  const values = outputs.map(({ name, unit, std }, k) => {
    const bounds = [band?.lower[0]?.[k] ?? null, band?.upper[0]?.[k]];
    const [low, high] = bounds.map((bound) => fixed(bound, placesOf(std)));
    const value = withUnit(fixed(trial.y?.[k], placesOf(std)), unit);
    return `${name} ${value}${bounds[0] === null ? "" : ` (${low} … ${high})`}`;
  });
  return `Then comes ${values.join(", ")}.`;
};

export function createTrial() {
  /** @type {LiveSession | null} */
  let live = null;
  const fields = el("div", { className: "fields" });
  const answer = el("p", { className: "skill", role: "status" });
  const body = () => {
    const inputs = [...fields.querySelectorAll("input")];
    const x = Object.fromEntries(
      inputs.map(({ name, value }) => [name, value.trim() === "" ? null : Number(value)]),
    );
    return { x };
  };
  const { opener, text } = curlButton(() => {
    if (!live) return [];
    const { to, path } = copyOf(live);
    const question = live.model.horizon_capable ? forecastQuestion() : {};
    return [
      { method: "POST", path: `${live.path}/fork`, body: { to } },
      { method: "POST", path: `${path}/step`, body: { ...body(), ...question } },
      { method: "DELETE", path },
    ];
  });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!live) return;
    try {
      live.trial = await tryReading(live, body());
      write(answer, answerText(live.model, live.trial));
      live.tell();
    } catch (error) {
      write(answer, /** @type {Error} */ (error).message);
    }
  };
  const fill = () => {
    if (!root.open || !live) return;
    const { history, model } = live;
    const labels = model.inputs.map(({ name, unit }, k) => {
      const last = history.length ? history.reading(history.length - 1, k) : NaN;
      const value = Number.isNaN(last) ? "" : last;
      const input = el("input", {
        type: "number",
        name,
        step: "any",
        placeholder: "missing",
        value,
      });
      return el("label", null, withUnit(name, unit), input);
    });
    put(fields, ...labels);
  };
  const form = el(
    "form",
    { onsubmit: submit },
    fields,
    el("div", { className: "row" }, el("button", { className: "main" }, "try it"), opener, answer),
  );
  const root = el(
    "details",
    { ontoggle: fill },
    el("summary", null, "try a reading"),
    el("p", { className: "grey" }, "It goes to a copy, which is deleted again. Empty is missing."),
    form,
    text,
  );
  return {
    root,
    show(/** @type {LiveSession} */ shown) {
      live = shown;
      root.open = false;
      write(answer, "");
    },
  };
}
