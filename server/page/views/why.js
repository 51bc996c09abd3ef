/**
 * why.js - why the forecast is what it is: what each input has brought, as numbers and as bars.
 */
import { ask, forecastQuestion } from "../api.js";
import { curlButton } from "../curl.js";
import { el, put, putTable, write } from "../dom.js";
import { field, select, tellFields } from "../fields.js";
import { counted, number, withUnit } from "../words.js";
/** @import { LiveSession } from "../live.js" */

/** A bar to the right for what raises the forecast, to the left for what lowers it. @param {number} share */
const barOf = (share) => {
  const bar = el("div", { className: share < 0 ? "minus" : "plus" });
  bar.style.width = `${50 * Math.min(1, Math.abs(share))}%`;
  return el("div", { className: "bar", ariaHidden: "true" }, bar);
};

/** @param {HTMLElement} rows @param {Explanation} why @param {string} unit */
function putExplanation(rows, { output, value, baseline, state, inputs, residual }, unit) {
  const parts = inputs
    .map(({ name, contribution }) => ({ name, brings: contribution }))
    .sort((a, b) => Math.abs(b.brings) - Math.abs(a.brings));
  parts.push({ name: "older readings (state)", brings: state });
  const most = Math.max(...parts.map(({ brings }) => Math.abs(brings))) || 1;
  putTable(
    rows,
    `why ${output} is forecast as ${withUnit(number(value, 4), unit)}`,
    ["what", withUnit("brings", unit), "as a bar"],
    [
      ["nothing known (baseline)", number(baseline, 4), ""],
      ...parts.map(({ name, brings }) => [name, number(brings, 4), barOf(brings / most)]),
      ["left over (residual)", number(residual, 2), ""],
      ["forecast", number(value, 4), ""],
    ],
  );
}

/** @param {Explanation} why @param {string} unit @param {number} step */
const whyText = ({ output, ahead, value, baseline }, unit, step) => {
  const [now, before] = [value, baseline].map((one) => withUnit(number(one, 4), unit));
  const from = `From step ${number(step, 12)} on, ${output} in ${counted(ahead, "step")}`;
  return `${from} is forecast as ${now}. If nothing were known it would be ${before}.`;
};

export function createWhy() {
  /** @type {LiveSession | null} */
  let live = null;
  const output = select("explained", {});
  const ahead = select("ahead", {});
  const answer = el("p", { className: "skill", role: "status" });
  const rows = el("div");
  const body = () => {
    const wish = { output: output.value, ahead: Number(ahead.value) };
    return { horizon: wish.ahead, explain: wish };
  };
  const { opener, text } = curlButton(() => [
    { method: "POST", path: `${live?.path}/forecast`, body: body() },
  ]);
  /** @param {Forecast | null} told */
  const tell = (told) => {
    const why = told?.explanation;
    const unit = live?.model.outputs.find(({ name }) => name === why?.output)?.unit ?? "";
    write(answer, told && why ? whyText(why, unit, told.step) : "");
    if (why) putExplanation(rows, why, unit);
    else put(rows);
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const asked = live;
    if (!asked) return;
    const { signal } = asked.abort;
    try {
      const told = await ask("POST", `${asked.path}/forecast`, body(), { signal });
      if (live !== asked) return;
      tellFields(form, null);
      tell(told);
    } catch (error) {
      if (live !== asked || signal.aborted) return;
      tell(null);
      if (!tellFields(form, error)) write(answer, /** @type {Error} */ (error).message);
    }
  };
  const form = el(
    "form",
    { onsubmit: submit },
    el(
      "div",
      { className: "fields" },
      field("explain", output, "explain", "explain.output"),
      field("steps ahead", ahead, "explain.ahead", "horizon"),
    ),
    el("div", { className: "row" }, el("button", { className: "main" }, "why?"), opener),
    answer,
  );
  const root = el(
    "details",
    { className: "ahead why" },
    el("summary", null, "why this forecast"),
    form,
    text,
    rows,
  );
  return {
    root,
    show(/** @type {LiveSession} */ shown) {
      live = shown;
      const { model } = shown;
      const { horizon } = model.horizon_capable ? forecastQuestion() : { horizon: 1 };
      const options = (/** @type {(string | number)[]} */ values) =>
        values.map((value) => el("option", { value }, value));
      put(output, ...options(model.outputs.map(({ name }) => name)));
      put(ahead, ...options(Array.from({ length: horizon }, (_, k) => k + 1)));
      root.open = false;
      tell(null);
    },
  };
}
