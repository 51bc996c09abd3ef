/**
 * top.js - the first line: whether grud is well, and how much it does; and the two dialogs.
 */
import { readKey, writeKey } from "../api.js";
import { button, byId, el, put, putTable, write } from "../dom.js";
import { state, watch } from "../store.js";
import { counted, lostWords, short } from "../words.js";

const KEYS = [
  ["/", "search sessions"],
  ["j, k", "next session, session before"],
  ["← →", "move the chart"],
  ["0", "the chart's newest readings; so does a double click"],
  ["wheel, drag", "zoom the chart"],
  ["t", "table of the last readings"],
  ["?", "this help"],
];

/** Readiness in words, with the reason where there is one. */
const healthText = () => {
  const { ready, lostSince, refused } = state;
  if (lostSince) return lostWords(lostSince);
  if (refused) return `▲ ${refused}`;
  if (!ready) return "";
  const { status = "not ready", reason, error, models = [] } = ready;
  const unserved = models.map((one) => `${one.model}: ${one.reason}`);
  const word = status === "ok" ? "● ready" : `▲ ${status}`;
  return [word, reason, error?.message, ...unserved].filter(Boolean).join(" · ");
};

const loadText = () => {
  const { models, stepsPerSecond: rate } = state;
  if (!models) return "";
  const sessions = models.reduce((sum, model) => sum + model.sessions, 0);
  const parts = [counted(models.length, "model"), counted(sessions, "session")];
  return [...parts, ...(rate === null ? [] : [`${short(rate)} steps/s`])].join(" · ");
};

const switchTheme = () => {
  const isDark = document.documentElement.dataset.theme === "dark";
  localStorage.setItem("grud.theme", isDark ? "light" : "dark");
  dispatchEvent(new Event("storage"));
};

export function createTop() {
  const load = el("span", { className: "load grey" });
  const health = el("span", { className: "room", role: "status" });
  const quiet = (
    /** @type {string} */ text,
    /** @type {string} */ title,
    /** @type {() => void} */ act,
  ) => Object.assign(button(text, act, "quiet"), { title, ariaLabel: title });
  const drawer = quiet("☰", "models and sessions", () => {
    drawer.ariaExpanded = String(document.body.classList.toggle("drawer"));
  });
  drawer.classList.add("narrow");
  put(
    byId("top"),
    drawer,
    el("h1", null, "grud"),
    load,
    health,
    quiet("?", "help", showHelp),
    quiet("◐", "light or dark", switchTheme),
    quiet(readKey() ? "key ●" : "key", "API key", () => showKeyDialog()),
  );
  const update = () => {
    write(load, loadText());
    write(health, healthText());
    const { lostSince, refused, ready } = state;
    const isWell = !lostSince && !refused && (!ready || ready.status === "ok");
    health.classList.toggle("bad", !isWell);
  };
  watch(["models", "ready", "lostSince", "refused", "stepsPerSecond"], update);
  setInterval(() => state.lostSince && update(), 1000);
}

/** @param {string} title @param {...Node} body */
const openDialog = (title, ...body) => {
  const heading = el("h2", { id: "dialog-title" }, title);
  const dialog = el("dialog", { "aria-labelledby": "dialog-title" }, heading, ...body);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
};

let isDeclined = false;

/**
 * Asks for a key, and begins anew with it. It does so by itself until it was closed without one.
 * @param {Error} [error] why it is asked for
 */
export function showKeyDialog(error) {
  const shown = document.getElementById("key-reason");
  if (shown) return write(shown, error?.message ?? "");
  if (error && isDeclined) return;
  const input = el("input", { type: "password", autocomplete: "off", value: readKey() ?? "" });
  const take = (/** @type {string} */ key) => {
    writeKey(key.trim());
    location.reload();
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    take(input.value);
  };
  const form = el(
    "form",
    { onsubmit: submit },
    el("p", { id: "key-reason" }, error?.message),
    el("label", null, "key", input),
    el("p", { className: "grey" }, "It is kept in this tab, and gone when the tab is closed."),
    el(
      "div",
      { className: "row" },
      el("button", { className: "main" }, "use it"),
      button("forget it", () => take("")),
      button("cancel", () => dialog.close()),
    ),
  );
  const dialog = openDialog("API key", form);
  dialog.addEventListener("close", () => (isDeclined = true));
}

export function showHelp() {
  const keys = el("div");
  putTable(keys, "keys and what they do", ["key", "does"], KEYS);
  const dialog = openDialog(
    "Keyboard",
    keys,
    button("close", () => dialog.close(), "main"),
  );
}
