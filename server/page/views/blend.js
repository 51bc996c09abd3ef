/**
 * blend.js - a switch: whether what comes next is a mixture with simple forecasts, and of what.
 */
import { el, write } from "../dom.js";
import { mixtureWords } from "../forecast_words.js";
/** @import { LiveSession } from "../live.js" */

export function createBlend() {
  /** @type {LiveSession | null} */
  let live = null;
  const box = el("input", { type: "checkbox", name: "blend" });
  const words = el("span", { role: "status" });
  const fault = el("span", { className: "fault", role: "alert" });
  const root = el(
    "p",
    { className: "row blend" },
    el("label", null, box, " mix with simple forecasts"),
    words,
    fault,
  );
  box.addEventListener("change", () => {
    if (!live) return;
    const { blend: _, ...rest } = live.wish;
    live.ask(box.checked ? { ...rest, blend: true } : rest);
  });
  return {
    root,
    update() {
      if (!live) return;
      const { wish, refusal, forecast } = live;
      const isRefused = refusal?.param === "blend";
      box.checked = Boolean(wish.blend);
      write(fault, isRefused ? refusal.message : "");
      const weights = wish.blend && forecast?.blend?.weights;
      write(words, weights ? mixtureWords(weights) : "");
    },
    show(/** @type {LiveSession} */ shown) {
      live = shown;
      root.hidden = !shown.model.horizon_capable;
    },
  };
}
