/**
 * why.js - why a forecast is what it is: what each input has brought, as numbers and as bars.
 */
import { forecastQuestion } from "../api.js";
import { el, put, putTable, write } from "../dom.js";
import { field, select } from "../fields.js";
import { counted, number, withUnit } from "../words.js";

/** A bar to the right for what raises the forecast, to the left for what lowers it. @param {number} share */
const barOf = (share) => {
  const bar = el("div", { className: share < 0 ? "minus" : "plus" });
  bar.style.width = `${50 * Math.min(1, Math.abs(share))}%`;
  return el("div", { className: "bar", ariaHidden: "true" }, bar);
};

export function createWhy() {
  /** @type {Model | null} */
  let model = null;
  const output = select("explained", {});
  const ahead = select("ahead", {});
  const words = el("p");
  const rows = el("div");
  const root = el("div", { className: "why", hidden: true }, el("h3", null, "why"), words, rows);

  return {
    root,
    fields: [
      field("explain", output, "explain", "explain.output"),
      field("steps ahead", ahead, "explain.ahead"),
    ],
    wish: () => ({ output: output.value, ahead: Number(ahead.value) }),
    /** @param {Model} of */
    offer(of) {
      model = of;
      const { horizon } = of.horizon_capable ? forecastQuestion() : { horizon: 1 };
      const options = (/** @type {(string | number)[]} */ values) =>
        values.map((value) => el("option", { value }, value));
      put(output, ...options(of.outputs.map(({ name }) => name)));
      put(ahead, ...options(Array.from({ length: horizon }, (_, k) => k + 1)));
    },
    /** @param {Explanation | undefined} why */
    show(why) {
      root.hidden = !why;
      if (!why) return;
      const { value, baseline, state, inputs, residual } = why;
      const unit = model?.outputs.find(({ name }) => name === why.output)?.unit ?? "";
      const [now, before] = [value, baseline].map((one) => withUnit(number(one, 4), unit));
      const when = counted(why.ahead, "step");
      write(
        words,
        `${why.output} in ${when} is forecast as ${now}. If nothing were known it would be ${before}.`,
      );
      const parts = inputs
        .map(({ name, contribution }) => ({ name, brings: contribution }))
        .sort((a, b) => Math.abs(b.brings) - Math.abs(a.brings));
      parts.push({ name: "older readings (state)", brings: state });
      const most = Math.max(...parts.map(({ brings }) => Math.abs(brings))) || 1;
      putTable(
        rows,
        `why ${why.output} is forecast as ${now}`,
        ["what", withUnit("brings", unit), "as a bar"],
        [
          ["nothing known (baseline)", number(baseline, 4), ""],
          ...parts.map(({ name, brings }) => [name, number(brings, 4), barOf(brings / most)]),
          ["left over (residual)", number(residual, 2), ""],
          ["forecast", number(value, 4), ""],
        ],
      );
    },
  };
}
