/**
 * rule_words.js - rules, and how they do, as sentences.
 */
import { counted, number, percent, sinceMs } from "./words.js";

/** What meets its condition. @param {Rule} rule */
const conditionWords = ({ below, p_value: p, crossing, probability }) => {
  if (below !== undefined) return `intervals hold fewer than ${percent(below)} of readings`;
  if (p !== undefined) return `readings with a p-value of at most ${number(p)}`;
  if (!crossing) return "";
  const { output, above, below: under, horizon } = crossing;
  const side = above !== undefined ? `above ${number(above)}` : `below ${number(under)}`;
  const sure = `with a probability of at least ${percent(probability)}`;
  return `${output} ${side} within ${counted(horizon, "step")}, ${sure}`;
};

/** @param {Rule} rule */
export function ruleWords(rule) {
  const { prefix, for: times } = rule;
  const words = [
    conditionWords(rule),
    times > 1 && `${times} readings in a row`,
    prefix ? `sessions '${prefix}…'` : "all sessions",
  ];
  return words.filter(Boolean).join(" · ");
}

/** In how many sessions it fires, and whether its webhook takes that. @param {Rule} rule */
export function ruleStateWords({ states: { firing, pending }, webhook, format, url }) {
  const { last_success_at: good, last_failure: bad } = webhook;
  const isBad = bad && (good === null || bad.at > good);
  const words = [
    firing ? `● fires in ${counted(firing, "session")}` : "○ fires in no session",
    pending > 0 && `${number(pending, 12)} pending`,
    isBad && `▲ webhook fails: ${bad.reason}`,
    !isBad && good !== null && `webhook answered ${sinceMs(good * 1000)} ago`,
    `${format} to ${url}`,
  ];
  return words.filter(Boolean).join(" · ");
}
