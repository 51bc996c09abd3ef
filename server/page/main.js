/**
 * main.js - the page: which model and session are chosen, the keys, and what stands where.
 */
import { get, joined, onUnauthorised } from "./api.js";
import { byId, el, put } from "./dom.js";
import { change, poll, pollSessions, showFirst, state, watch } from "./store.js";
import { createJobs } from "./views/jobs.js";
import { createEmpty, createModel } from "./views/model.js";
import { createRules } from "./views/rules.js";
import { createSession, moveChart, toggleTable } from "./views/session.js";
import { createSide, focusSearch, moveSession } from "./views/side.js";
import { createTop, showHelp, showKeyDialog } from "./views/top.js";

/** @type {Record<string, () => void>} */
const ACTIONS = {
  "/": focusSearch,
  j: () => moveSession(1),
  k: () => moveSession(-1),
  t: toggleTable,
  "?": showHelp,
  ArrowLeft: () => moveChart(-0.25),
  ArrowRight: () => moveChart(0.25),
  0: () => moveChart(0),
};

/** `#/weather/pump-7` names a model and a session. */
const takeAddress = () => {
  const names = location.hash
    .split("/")
    .slice(1)
    .map((name) => {
      try {
        return decodeURIComponent(name);
      } catch {
        return name; // somebody has typed it
      }
    });
  const [model = null, session = null] = names;
  if (model !== state.model) {
    showFirst();
    change({ sessions: null, prefix: "" });
  }
  change({ model, session });
  document.title = ["grud", ...names].reverse().join(" · ");
  pollSessions();
};

/** Without an address: the session that was seen last, or the first model. */
const chooseFirst = async () => {
  if (state.model || !state.models?.length) return;
  const { sessions } = await get("/v1/sessions?order=last_seen&limit=1").catch(() => ({}));
  const [latest] = sessions ?? [];
  const names = latest ? [latest.model, latest.session] : [state.models[0].name];
  if (!state.model) location.replace(`#/${joined(...names)}`);
};

document.addEventListener("keydown", (event) => {
  const { target, key, ctrlKey, metaKey, altKey } = event;
  const isTyping = target instanceof Element && target.matches("input, select, dialog[open] *");
  if (isTyping || ctrlKey || metaKey || altKey || !(key in ACTIONS)) return;
  event.preventDefault();
  ACTIONS[key]();
});

onUnauthorised((error) => {
  change({ refused: error.message });
  showKeyDialog(error);
});
addEventListener("hashchange", takeAddress);
createTop();
createSide();
const more = el("div", { className: "more" }, createJobs(), createModel(), createRules());
put(byId("main"), createEmpty(), createSession(), more);
watch(["models"], chooseFirst);
takeAddress();
poll();
