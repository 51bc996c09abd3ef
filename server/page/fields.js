/**
 * fields.js - fields of forms, each with room for what grud says of it.
 */
import { el, write } from "./dom.js";

let nFaults = 0;

/**
 * A field with its label, and the names that errors have for it.
 * @param {string} label
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @param {...string} params
 */
export function field(label, input, ...params) {
  const fault = el("p", { className: "fault", role: "alert", id: `fault-${nFaults++}` });
  const root = el("div", { className: "field" }, el("label", null, label, input), fault);
  root.dataset.params = params.join(" ");
  input.setAttribute("aria-describedby", fault.id);
  return root;
}

/** @param {string} name @param {object} how */
export const numberInput = (name, how = {}) =>
  el("input", { type: "number", step: "any", name, ...how });

/** @param {string} name @param {Record<string, string>} texts by value */
export const select = (name, texts) =>
  el(
    "select",
    { name },
    ...Object.entries(texts).map(([value, text]) => el("option", { value }, text)),
  );

/**
 * Says an error beside the field that it is about; null: none any more. False: it is about none.
 * @param {Element} form
 * @param {unknown} error
 */
export function tellFields(form, error) {
  const { message = "", param = "" } = /** @type {{ message?: string, param?: string }} */ (
    error ?? {}
  );
  let isTold = false;
  for (const root of form.querySelectorAll(".field")) {
    const { params = "" } = /** @type {HTMLElement} */ (root).dataset;
    const isIt = param !== "" && params.split(" ").includes(param);
    const [label, fault] = root.children;
    label.querySelector("input, select")?.setAttribute("aria-invalid", String(isIt));
    write(fault, isIt ? message : "");
    isTold ||= isIt;
  }
  return isTold;
}
