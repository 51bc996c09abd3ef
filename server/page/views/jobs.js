/**
 * jobs.js - the fine-tuning jobs of the model that is chosen: starting one, and which one is shown.
 */
import { ask, get, withQuery } from "../api.js";
import { panel } from "../curl.js";
import { button, el, list, say, write } from "../dom.js";
import { change, state, watch } from "../store.js";
import { sinceMs } from "../words.js";
import { createJob } from "./job.js";

const JOBS = "/v1/fine_tuning/jobs";
const ROWS = 8;
const EVERY_MS = 4000;

const option = (/** @type {string} */ value, /** @type {string} */ text) =>
  el("option", { value }, text);

const createForm = () => {
  const one = option("one", "this session");
  const some = option("some", "");
  const of = el("select", { name: "of" }, option("all", "all sessions"), one, some);
  const field = (
    /** @type {string} */ name,
    /** @type {string} */ label,
    /** @type {object} */ how,
  ) => el("label", null, label, el("input", { type: "number", name, required: true, ...how }));
  const auto = option("auto", "if it is better");
  const policy = el("select", { name: "policy" }, auto, option("manual", "by hand"));
  const form = el(
    "form",
    { className: "fields" },
    el("label", null, "readings of", of),
    field("n_epochs", "epochs", { min: 1, value: 20 }),
    field("learning_rate", "learning rate", { min: 0, step: "any", value: 0.001 }),
    el("label", null, "promotion", policy),
    el("button", { className: "main" }, "fine-tune"),
  );
  watch(["session", "prefix"], () => {
    one.disabled = !state.session;
    some.disabled = !state.prefix;
    write(some, state.prefix ? `sessions '${state.prefix}…'` : "sessions by prefix");
    if (of.selectedOptions[0]?.disabled) of.value = "all";
  });
  return form;
};

/** What the form asks for. @param {HTMLFormElement} form */
const bodyOf = (form) => {
  const { of, n_epochs, learning_rate, policy } = Object.fromEntries(new FormData(form));
  const { model, session, prefix } = state;
  return {
    model,
    training:
      of === "one" ? { sessions: [session] } : { sessions_prefix: of === "some" ? prefix : "" },
    hyperparameters: { n_epochs: Number(n_epochs), learning_rate: Number(learning_rate) },
    promotion: { policy },
  };
};

export function createJobs() {
  const form = createForm();
  const items = el("ul", { className: "list" });
  const none = el(
    "p",
    { className: "grey" },
    "A job trains a copy; what is served stays as it is.",
  );
  const shown = createJob(() => refresh());
  const path = () => withQuery(JOBS, { model: state.model, limit: ROWS });
  const requests = () => [
    { path: JOBS, body: bodyOf(form) },
    { path: path() },
    ...shown.requests(),
  ];
  const { section, complain } = panel("fine-tuning", requests, form, none, shown.root, items);
  let timer = 0;
  /** @type {string | null} */
  let chosen = null;

  const show = (/** @type {Job[]} */ jobs) => {
    none.hidden = jobs.length > 0;
    change({ hasJobs: true });
    const job = jobs.find(({ id }) => id === chosen) ?? jobs[0] ?? null;
    shown.show(job);
    list(
      items,
      jobs.length > 1 ? jobs : [],
      ({ id }) => id,
      ({ id }) => {
        const choose = button("", () => {
          chosen = id;
          refresh();
        });
        choose.append(el("span", { className: "name" }), el("span", { className: "grey" }));
        return el("li", null, choose);
      },
      (
        { firstElementChild: row },
        { id, status, base_version: base, fine_tuned_version: made, created_at: at },
      ) => {
        if (!row) return;
        row.ariaPressed = String(id === job?.id);
        write(row.children[0], `v${base} → ${made ? `v${made}` : "…"} ${status}`);
        write(row.children[1], sinceMs(at * 1000));
      },
    );
  };
  const refresh = async () => {
    clearTimeout(timer);
    const { model } = state;
    section.hidden = !model;
    timer = window.setTimeout(refresh, EVERY_MS);
    if (!model || document.hidden) return;
    const { data } = await get(path()).catch(() => ({ data: null }));
    if (data && model === state.model) show(data);
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      ({ id: chosen } = await ask("POST", JOBS, bodyOf(form)));
      complain(null);
      say("The job was started.");
    } catch (error) {
      complain(error);
    }
    refresh();
  });
  watch(["model"], () => {
    complain(null);
    shown.show(null);
    refresh();
  });
  return section;
}
