/**
 * rule_form.js - the form of a rule: what it looks at, in which sessions, and where it is told.
 */
import { el, put } from "../dom.js";
import { field, numberInput, select, tellFields } from "../fields.js";

/** @typedef {"coverage" | "anomaly" | "crossing"} Kind */

/**
 * What rules look at: how it is called, what its bound is, and what one begins with.
 * @type {Record<Kind, { text: string, bound: "below" | "p_value" | "probability", of: string, first: number }>}
 */
const KINDS = {
  coverage: { text: "intervals that do not hold", bound: "below", of: "share below", first: 0.8 },
  anomaly: { text: "unusual readings", bound: "p_value", of: "p-value at most", first: 0.001 },
  crossing: {
    text: "a threshold ahead",
    bound: "probability",
    of: "probability at least",
    first: 0.8,
  },
};

/** Left out where nothing is typed: grud says what is missing. @param {HTMLInputElement} input */
const numberOf = ({ value }) => (value.trim() === "" ? undefined : Number(value));

/** @param {(event: Event) => void} onsubmit */
export function createRuleForm(onsubmit) {
  const name = el("input", { name: "name", required: true, maxLength: 64 });
  const kind = select(
    "kind",
    Object.fromEntries(Object.entries(KINDS).map(([value, { text }]) => [value, text])),
  );
  const bound = numberInput("bound");
  const output = select("output", {});
  const side = select("side", { above: "above", below: "below" });
  const threshold = numberInput("threshold");
  const horizon = numberInput("horizon", { min: 1, step: 1, placeholder: "12" });
  const prefix = el("input", { name: "prefix", placeholder: "all sessions" });
  const times = numberInput("for", { min: 1, step: 1, value: 1 });
  const url = el("input", { name: "url", className: "wide", placeholder: "https://…" });
  const format = select("format", { json: "plain JSON", alertmanager: "Alertmanager" });

  const boundField = field("", bound, "below", "p_value", "probability");
  const kindField = field("looks at", kind, "coverage", "anomaly");
  const crossing = el(
    "div",
    { className: "fields" },
    field("output", output, "crossing", "crossing.output"),
    field("is", side),
    field("threshold", threshold, "crossing.above", "crossing.below"),
    field("within steps", horizon, "crossing.horizon"),
  );
  const form = el(
    "form",
    { onsubmit, ariaLabel: "a rule" },
    el(
      "div",
      { className: "fields" },
      field("name", name, "rule", "name"),
      kindField,
      boundField,
      field("readings in a row", times, "for"),
      field("session prefix", prefix, "prefix"),
    ),
    crossing,
    el(
      "div",
      { className: "fields" },
      field("webhook", url, "url"),
      field("as", format, "format"),
      el("button", { className: "main" }, "save rule"),
    ),
  );
  const kindOf = () => /** @type {Kind} */ (kind.value);
  const showKind = () => {
    const label = boundField.querySelector("label");
    if (label?.firstChild instanceof Text) label.firstChild.data = KINDS[kindOf()].of;
    crossing.hidden = kindOf() !== "crossing";
  };
  kind.addEventListener("change", () => {
    bound.value = String(KINDS[kindOf()].first);
    showKind();
  });
  const fill = (/** @type {Partial<Rule>} */ rule) => {
    const { crossing: of } = rule;
    kind.value = of ? "crossing" : rule.anomaly ? "anomaly" : "coverage";
    name.value = rule.name ?? "";
    bound.value = String(rule[KINDS[kindOf()].bound] ?? KINDS[kindOf()].first);
    if (of) output.value = of.output;
    side.value = of?.below === undefined ? "above" : "below";
    threshold.value = String(of?.above ?? of?.below ?? "");
    horizon.value = String(of?.horizon ?? "");
    times.value = String(rule.for ?? 1);
    prefix.value = rule.prefix ?? "";
    url.value = rule.url ?? "";
    format.value = rule.format ?? "json";
    showKind();
    tellFields(form, null);
  };
  fill({});
  return {
    form,
    fill,
    focus: () => url.focus(),
    name: () => name.value.trim(),
    body() {
      const of = {
        output: output.value,
        [side.value]: numberOf(threshold),
        horizon: numberOf(horizon),
      };
      return {
        [kindOf()]: kindOf() === "crossing" ? of : true,
        [KINDS[kindOf()].bound]: numberOf(bound),
        prefix: prefix.value.trim() || undefined,
        for: numberOf(times),
        url: url.value.trim(),
        format: format.value,
      };
    },
    /** @param {string[]} names */
    offer(names) {
      put(output, ...names.map((value) => el("option", { value }, value)));
    },
  };
}
