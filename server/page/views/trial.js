/**
 * trial.js - a box to try a reading. It goes to a copy of the session: the session stays as it is.
 */
import { ask, askForecast, sessionPath } from "../api.js";
import { el, put, write } from "../dom.js";
import { bandsOf } from "../frame.js";
import { fixed, placesOf, withUnit } from "../words.js";
/** @import { LiveSession } from "../live.js" */

/**
 * @param {LiveSession} live
 * @param {Record<string, number | null>} x
 * @returns {Promise<Forecast>}
 */
async function tryReading(live, x) {
  const to = `${live.id.slice(0, 100)}~try-${Math.random().toString(36).slice(2, 8)}`;
  const path = sessionPath(live.model.name, to);
  await ask("POST", `${live.path}/fork`, { to });
  try {
    return live.model.horizon_capable
      ? await askForecast(`${path}/step`, { x }, live.abort.signal)
      : await ask("POST", `${path}/step`, { x });
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
  const reading = () => {
    const inputs = [...fields.querySelectorAll("input")];
    return Object.fromEntries(
      inputs.map(({ name, value }) => [name, value.trim() === "" ? null : Number(value)]),
    );
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!live) return;
    try {
      live.trial = await tryReading(live, reading());
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
  const root = el(
    "details",
    { ontoggle: fill },
    el("summary", null, "try a reading"),
    el("p", { className: "grey" }, "It goes to a copy, which is deleted again. Empty is missing."),
    el(
      "form",
      { onsubmit: submit },
      fields,
      el(
        "div",
        { className: "row" },
        el("button", { className: "main" }, "try it"),
        opener,
        answer,
      ),
    ),
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
