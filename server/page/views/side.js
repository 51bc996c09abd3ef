/**
 * side.js - the models, and the live sessions of the one that is chosen.
 */
import { joined, modelPath, withQuery } from "../api.js";
import { curlButton } from "../curl.js";
import { button, byId, el, list, put, write } from "../dom.js";
import { change, pollSessions, showFirst, showMore, state, watch } from "../store.js";
import { number, sinceMs } from "../words.js";
import { createSpark, updateSpark } from "./spark.js";

const TYPING_MS = 150;

const search = el("input", {
  type: "search",
  placeholder: "prefix  /",
  spellcheck: false,
  autocomplete: "off",
  ariaLabel: "sessions whose names begin with",
});

/** @param {string | undefined} session */
const go = (session) => {
  if (session) location.hash = `/${joined(state.model ?? "", session)}`;
};

export function focusSearch() {
  document.body.classList.add("drawer");
  search.focus();
  search.select();
}

/** @param {number} by */
export function moveSession(by) {
  const names = state.sessions?.rows.map(({ session }) => session) ?? [];
  const now = names.indexOf(state.session ?? "");
  go(names[now < 0 ? 0 : Math.max(0, Math.min(names.length - 1, now + by))]);
}

/** @typedef {{ name: string, figure: string, href: string, isChosen: boolean, step?: number }} Row */

/** @param {Element} root @param {Row[]} rows those of sessions have a step */
const putRows = (root, rows) =>
  list(
    root,
    rows,
    ({ name }) => name,
    ({ name, href, step }) => {
      const text = el("span", { className: "name", title: name }, name);
      const spark = step !== undefined && createSpark(state.model ?? "", name);
      return el("li", null, el("a", { href }, text, spark, el("span", { className: "grey" })));
    },
    ({ firstElementChild: link }, { figure, isChosen, step }) => {
      if (link) link.ariaCurrent = isChosen ? "true" : null;
      if (link?.lastElementChild) write(link.lastElementChild, figure);
      const spark = link?.querySelector("svg");
      if (spark && step !== undefined) updateSpark(spark, step);
    },
  );

const createModels = () => {
  const root = el("ul", { className: "list" });
  watch(["models", "model"], () => {
    const models = state.models ?? [];
    const rows = models.map(({ name, active_version: version, sessions }) => ({
      name,
      figure: `v${version} · ${number(sessions, 12)}`,
      href: `#/${joined(name)}`,
      isChosen: name === state.model,
    }));
    putRows(root, rows);
  });
  return root;
};

const createSessions = () => {
  const root = el("ul", { className: "list" });
  const more = button("more", () => showMore());
  const none = el("p", { className: "grey" });
  watch(["sessions", "session", "model"], () => {
    const { model, session: chosen, sessions, prefix } = state;
    const rows = sessions?.rows.map(({ session: name, step, last_seen_at: seen }) => ({
      name,
      step,
      figure: sinceMs(seen * 1000),
      href: `#/${joined(model ?? "", name)}`,
      isChosen: name === chosen,
    }));
    putRows(root, rows ?? []);
    more.hidden = !sessions?.hasMore;
    none.hidden = rows?.length !== 0;
    write(none, prefix ? `No session begins with '${prefix}'.` : "No session yet.");
  });
  return [root, more, none];
};

export function createSide() {
  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      showFirst();
      change({ prefix: search.value.trim() });
      pollSessions();
    }, TYPING_MS);
  });
  search.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") search.blur();
    if (key === "Enter") go(state.sessions?.rows[0]?.session);
  });
  const order = el(
    "select",
    { ariaLabel: "order of the sessions" },
    el("option", { value: "last_seen" }, "last seen"),
    el("option", { value: "id" }, "by name"),
  );
  order.addEventListener("change", () => {
    change({ order: order.value === "id" ? "id" : "last_seen" });
    pollSessions();
  });
  const { opener, text } = curlButton(() => {
    const { model, prefix, order: by } = state;
    const path = withQuery(`${modelPath(model ?? "")}/sessions`, { prefix, order: by });
    return [{ path: "/v1/models" }, ...(model ? [{ path }] : [])];
  });
  put(
    byId("side"),
    el("div", { className: "head" }, el("h2", { className: "room" }, "models"), opener),
    text,
    createModels(),
    el("div", { className: "head" }, el("h2", { className: "room" }, "sessions"), order),
    search,
    ...createSessions(),
  );
  watch(["model"], () => (search.value = state.prefix));
  watch(["models"], () => byId("side").classList.toggle("unknown", !state.models));
  // On a phone the list is a drawer: it closes when something was chosen.
  addEventListener("hashchange", () => document.body.classList.remove("drawer"));
}
