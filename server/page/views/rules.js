/**
 * rules.js - the rules of the model that is chosen: what they look at, where they fire, and a form.
 */
import { ApiError, ask, get, joined, modelPath, withQuery } from "../api.js";
import { panel } from "../curl.js";
import { askingButton, button, el, list, put, say, write } from "../dom.js";
import { tellFields } from "../fields.js";
import { ruleStateWords, ruleWords } from "../rule_words.js";
import { chosenModel, state, watch } from "../store.js";
import { createRuleForm } from "./rule_form.js";

const EVERY_MS = 5000;
const ROWS = 50;
const SESSIONS = 5; // that are named, of those in which a rule fires

/** A rule in the list. */
const createRow = () => {
  const verbs = el("span", { className: "row" });
  const name = el("b");
  const what = el("span", { className: "room" });
  const head = el("div", { className: "row" }, name, what, verbs);
  return el("li", { className: "rule" }, head, el("p", { className: "grey" }), el("p"));
};

export function createRules() {
  /** @type {Rule[]} */
  let rules = [];
  /** @type {Map<string, string[]>} */
  const firing = new Map();
  let timer = 0;
  const path = (/** @type {string} */ name = "") =>
    `${modelPath(state.model ?? "")}/rules${name && `/${joined(name)}`}`;

  const items = el("ul", { ariaLabel: "rules" });
  const none = el("p", { className: "grey" });
  const { form, fill, focus, name, body, offer } = createRuleForm((event) => {
    event.preventDefault();
    act(() => ask("PUT", path(name()), body()), `The rule '${name()}' is saved.`);
  });
  const requests = () => {
    const change = { method: "PUT", path: path(name() || "late"), body: body() };
    const rest = rules.map((rule) => ({ path: path(rule.name) })).slice(0, 1);
    return [{ path: path() }, ...rest, change, { method: "DELETE", path: change.path }];
  };
  const { section, complain } = panel("rules", requests, items, none, form);

  /** @param {() => Promise<unknown>} request @param {string} done */
  const act = async (request, done) => {
    /** @type {unknown} */
    const error = await request().then(
      () => null,
      (one) => one,
    );
    const isTold = tellFields(form, error);
    complain(isTold ? null : error);
    if (!error) say(done);
    await refresh();
  };
  const putVerbs = (/** @type {Element} */ verbs, /** @type {Rule} */ { name: of }) => {
    if (verbs.children.length) return; // one that asks stays
    const edit = button("edit", () => {
      fill(rules.find((rule) => rule.name === of) ?? {});
      focus();
    });
    edit.ariaLabel = `edit ${of}`;
    const end = askingButton(`delete ${of}`, () =>
      act(() => ask("DELETE", path(of)), `The rule '${of}' is deleted.`),
    );
    put(verbs, edit, end);
  };
  const putFiring = (/** @type {Element} */ root, /** @type {Rule} */ rule) => {
    const sessions = rule.states.firing ? (firing.get(rule.name) ?? []) : [];
    const what = sessions.join();
    if (root.getAttribute("data-what") === what) return;
    root.setAttribute("data-what", what);
    const links = sessions.flatMap((session) => [
      el("a", { href: `#/${joined(rule.model, session)}` }, session),
      " ",
    ]);
    put(root, ...links);
  };
  const draw = () => {
    const shown = rules.slice(0, ROWS);
    list(
      items,
      shown,
      (rule) => `${rule.model}/${rule.name}`,
      createRow,
      ({ children: [head, how, where] }, rule) => {
        const [title, what, verbs] = head.children;
        write(title, rule.name);
        write(what, ruleWords(rule));
        putVerbs(verbs, rule);
        write(how, ruleStateWords(rule));
        how.classList.toggle("warn", rule.states.firing > 0);
        putFiring(where, rule);
      },
    );
    const rest = rules.length - shown.length;
    none.hidden = rules.length > 0 && rest <= 0;
    write(
      none,
      rest > 0
        ? `${rest} more are in the reply of “curl”.`
        : "No rule yet. A rule posts a webhook when its condition begins or ends to be met.",
    );
  };
  /** Where rules fire, of those that do. */
  const readFiring = async () => {
    for (const { name: of, states } of rules.slice(0, ROWS)) {
      if (!states.firing) continue;
      const rule = await get(withQuery(path(of), { limit: SESSIONS }));
      firing.set(
        of,
        rule.firing.map((/** @type {{ session: string }} */ one) => one.session),
      );
    }
  };
  const refresh = async () => {
    clearTimeout(timer);
    timer = window.setTimeout(refresh, EVERY_MS);
    const { model } = state;
    if (!model || document.hidden) return;
    try {
      const reply = await get(path());
      if (model !== state.model) return;
      ({ rules } = reply);
      await readFiring();
      if (model === state.model) draw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  };
  let known = "";
  watch(["models", "model", "hasJobs"], () => {
    const model = chosenModel();
    section.hidden = !model || !state.hasJobs; // what stands above comes first, so that nothing moves
    if (!model || known === model.name) return;
    known = model.name;
    rules = [];
    firing.clear();
    complain(null);
    offer(model.outputs.map(({ name: of }) => of));
    fill({});
    draw();
    refresh();
  });
  return section;
}
