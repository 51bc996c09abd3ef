/**
 * job.js - one job: how far it is, its loss curves, what the gate said, and what one may do with it.
 */
import { ask, get, modelPath } from "../api.js";
import { createPlot, line } from "../chart.js";
import { askingButton, button, drawLater, el, list, put, say, write } from "../dom.js";
import { follow } from "../events.js";
import { chosenModel, pollModels, watch } from "../store.js";
import { number, progressWords, time, verdictWords } from "../words.js";

const MESSAGES = 6;
const REFRESH_MS = 250;
const CURVES = { train: "train", valid: "validation", naive: "persistence", base: "before" };

/** @typedef {{ epoch: number, train: number | null, valid: number | null }} Epoch */

/** @param {Epoch[]} epochs @param {Losses} losses */
const lossColumns = (epochs, { persistence_valid_loss: naive, baseline_valid_loss: base }) => {
  const [first] = epochs;
  const shown = epochs.length > 1 ? epochs : [first, { ...first, epoch: first.epoch + 1 }];
  const rows = shown.map(({ epoch, train, valid }) => [epoch, train, valid, naive, base]);
  // A log axis has no place for 0.
  return [0, 1, 2, 3, 4].map((k) => rows.map((row) => (k === 0 ? row[0] : row[k] || null)));
};

const createLossChart = (/** @type {HTMLElement} */ root) =>
  createPlot(
    root,
    (tick) => (tick ? number(tick, 3) : ""),
    {
      series: [
        {},
        line("grey", 1.25),
        line("accent", 1.75),
        line("text", 1.25, [2, 3]),
        line("text", 1.25, [8, 4]),
      ],
      scales: {
        x: { time: false },
        y: {
          distr: 3,
          range: (_, min, max) => (min ? uPlot.rangeLog(min, max, 10, false) : [0.1, 1]),
        },
      },
      cursor: { show: false },
    },
    { size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] },
  ).plot;

/** @param {() => void} onChange told when the list of jobs is to be read again */
export function createJob(onChange) {
  /** @type {Job | null} */
  let job = null;
  /** @type {Epoch[]} */
  let epochs = [];
  /** @type {JobEvent[]} */
  let messages = [];
  let stop = () => {};
  let timer = 0;
  /** @type {uPlot | null} */
  let plot = null;

  const bar = el("progress", { max: 1, ariaLabel: "progress of the job" });
  const where = el("span");
  const verdict = el("p", { className: "skill", role: "status" });
  const problem = el("p", { className: "problem", role: "alert", hidden: true });
  const buttons = el("div", { className: "row verbs" });
  const curves = el("div", { className: "losses", role: "img" });
  const log = el("ul", { className: "grey log", tabIndex: 0, ariaLabel: "events of the job" });
  const key = el("p", { className: "key" });
  for (const [curve, text] of Object.entries(CURVES)) {
    key.append(el("span", null, el("i", { className: curve }), text));
  }
  const head = el("p", { className: "row" }, bar, where);
  const root = el("div", null, head, verdict, problem, buttons, key, curves, log);
  const path = (verb = "") => `/v1/fine_tuning/jobs/${job?.id}${verb}`;

  const act = async (/** @type {string} */ what) => {
    const error = await ask("POST", what).then(
      () => null,
      (/** @type {Error} */ one) => one,
    );
    problem.hidden = !error;
    write(problem, error?.message ?? "");
    await Promise.all([pollModels(), refresh()]);
    onChange();
  };
  const activate = (/** @type {string} */ label, /** @type {number} */ version) =>
    askingButton(`${label} v${version}`, () =>
      act(`${modelPath(job?.model ?? "")}/versions/${version}/activate`),
    );
  const putButtons = () => {
    const model = chosenModel();
    if (!job || !model) return;
    const { id, status, base_version: base, fine_tuned_version: made } = job;
    const has = (/** @type {number} */ wanted) =>
      model.versions.some(({ version }) => version === wanted);
    const mayActivate = made && has(made) && model.active_version !== made;
    const mayReturn = made && model.active_version === made && has(base);
    const what = [id, status, mayActivate, mayReturn].join();
    if (buttons.dataset.what === what) return; // one that asks stays
    buttons.dataset.what = what;
    const verbs = {
      pause: ["queued", "running"],
      resume: ["paused"],
      cancel: ["validating", "queued", "running", "paused"],
    };
    const may = Object.entries(verbs).filter(([, statuses]) => statuses.includes(status));
    put(
      buttons,
      ...may.map(([verb]) => button(verb, () => act(path(`/${verb}`)))),
      mayActivate && activate("promote", made),
      mayReturn && activate("roll back to", base),
    );
  };
  const draw = () => {
    if (!job) return;
    const { progress, status } = job;
    const share = progress.n_steps ? progress.step / progress.n_steps : 0; // of a recipe nobody knows
    bar.value = status === "succeeded" ? 1 : share;
    write(where, progressWords(job));
    write(verdict, verdictWords(job, chosenModel()?.active_version));
    putButtons();
    const last = epochs.at(-1);
    if (last) {
      plot ??= createLossChart(curves);
      plot.setData(/** @type {any} */ (lossColumns(epochs, job.metrics)));
      const losses = `${number(last.train)} in training, ${number(last.valid)} in validation`;
      curves.ariaLabel = `losses of epoch ${last.epoch}: ${losses}`;
    }
    list(
      log,
      messages.slice(-MESSAGES),
      ({ id }) => id,
      ({ level, created_at: at, message }) =>
        el("li", { className: level }, `${time(at)} ${message}`),
      () => {},
    );
    log.scrollTop = log.scrollHeight;
  };
  const update = drawLater(draw);
  const refresh = async () => {
    clearTimeout(timer);
    timer = 0;
    if (!job) return;
    const fresh = await get(path()).catch(() => job);
    if (fresh?.id === job?.id) job = fresh;
    update();
  };
  const listen = () => {
    epochs = [];
    messages = [];
    const wasRunning = !job?.finished_at;
    stop = follow(path("/events"), {
      onEvent: (_, event) => {
        if (event.data?.epoch) {
          const { epoch, train_loss: train, valid_loss: valid } = event.data;
          epochs.push({ epoch, train, valid });
        } else messages.push(event);
        timer ||= window.setTimeout(refresh, REFRESH_MS);
      },
      onEnd: async () => {
        await Promise.all([pollModels(), refresh()]);
        if (job && wasRunning) say(`The job is over: ${job.status}.`);
      },
    });
  };
  watch(["models"], update);
  return {
    root,
    requests: () => (job ? [{ path: path("/events"), isStream: true }] : []),
    show(/** @type {Job | null} */ next) {
      const isOther = next?.id !== job?.id;
      root.hidden = !next;
      job = next;
      draw();
      if (!isOther) return;
      stop();
      problem.hidden = true;
      if (job) listen();
    },
  };
}
