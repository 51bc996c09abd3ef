/**
 * crossing.js - when an output will cross a threshold: asked with each forecast, once somebody has
 * said which threshold.
 */
import { forecastQuestion } from "../api.js";
import { curlButton } from "../curl.js";
import { button, el, put, putTable, write } from "../dom.js";
import { field, numberInput, select, tellFields } from "../fields.js";
import { crossingWords } from "../forecast_words.js";
import { fixed, percent, placesOf } from "../words.js";
/** @import { LiveSession } from "../live.js" */

export function createCrossing() {
  /** @type {LiveSession | null} */
  let live = null;
  const output = select("output", {});
  const side = select("side", { above: "above", below: "below" });
  const threshold = numberInput("threshold", { required: true });
  const answer = el("p", { className: "skill", role: "status" });
  const rows = el("div");

  /** @returns {Threshold} */
  const wanted = () => ({ output: output.value, [side.value]: Number(threshold.value) });
  const { opener, text } = curlButton(() => {
    const body = { ...forecastQuestion(), ...live?.wish, crossing: wanted() };
    return [{ method: "POST", path: `${live?.path}/forecast`, body }];
  });
  const forget = button("forget it", () => {
    if (!live) return;
    const { crossing: _, ...rest } = live.wish;
    live.ask(rest);
  });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    live?.ask({ ...live.wish, crossing: wanted() });
  };
  const form = el(
    "form",
    { onsubmit: submit },
    el(
      "div",
      { className: "fields" },
      field("output", output, "crossing", "crossing.output"),
      field("is", side),
      field("threshold", threshold, "crossing.above", "crossing.below"),
    ),
    el(
      "div",
      { className: "row" },
      el("button", { className: "main" }, "when?"),
      forget,
      opener,
      answer,
    ),
  );
  const putRows = (/** @type {Forecast} */ { forecast, crossing }, /** @type {number} */ k) => {
    const places = placesOf(live?.model.outputs[k]?.std ?? 1);
    const lines = forecast.map((row, h) => [
      h + 1,
      fixed(row[k], places),
      percent(crossing?.by_horizon?.[h]),
    ]);
    putTable(
      rows,
      "crossed by each step ahead",
      ["steps ahead", "forecast", "crossed by then"],
      lines,
    );
  };
  const root = el(
    "details",
    { className: "ahead", ontoggle: () => update() },
    el("summary", null, "when will it cross"),
    form,
    text,
    rows,
  );
  const update = () => {
    if (!root.open || !live) return;
    const { wish, granted, refusal, forecast, model } = live;
    tellFields(form, refusal);
    forget.disabled = !wish.crossing;
    const asked = wish.crossing && granted.crossing;
    rows.hidden = !asked;
    if (!asked || !forecast?.crossing) return write(answer, "");
    write(answer, crossingWords(asked, forecast.crossing, forecast.forecast.length));
    putRows(
      forecast,
      model.outputs.findIndex(({ name }) => name === asked.output),
    );
  };
  return {
    root,
    update,
    show(/** @type {LiveSession} */ shown) {
      live = shown;
      root.open = false;
      root.hidden = !shown.model.horizon_capable;
      threshold.value = "";
      put(output, ...shown.model.outputs.map(({ name: value }) => el("option", { value }, value)));
    },
  };
}
