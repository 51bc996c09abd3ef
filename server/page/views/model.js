/**
 * model.js - the model that is chosen: columns, versions, how good it is; and what to do without one.
 */
import { ask, modelPath, sessionPath } from "../api.js";
import { curlOf, panel } from "../curl.js";
import { askingButton, el, put, putTable, write } from "../dom.js";
import { chosenModel, pollModels, state, watch } from "../store.js";
import { counted, driftWords, number, percent, time } from "../words.js";

/** @param {Model} model */
const layersText = ({ layers, activation, versions, active_version: active }) => {
  const weights = versions.find(({ version }) => version === active)?.parameters;
  const chain = layers.map(({ cell, reset, input_size: n, hidden_size: m }) => {
    return `${cell} ${n} → ${m}${reset ? `, reset ${reset}` : ""}`;
  });
  return [...chain, activation, weights && counted(weights, "weight")].filter(Boolean).join(" · ");
};

/** @param {HTMLElement} root @param {Model} model */
const putColumns = (root, { inputs, outputs }) => {
  const fed = new Map(outputs.map(({ name, feeds }) => [feeds, name]));
  const rows = inputs.map(({ name, unit, mean, std }) => {
    return [name, unit, number(mean), number(std), fed.get(name)];
  });
  for (const { name, unit, mean, std, feeds } of outputs) {
    if (!feeds) rows.push(["", unit, number(mean), number(std), name]);
  }
  putTable(root, "inputs and outputs", ["input", "unit", "mean", "std", "output"], rows);
};

/** How good its forecasts were since grud was started. @param {HTMLElement} root @param {Model} model */
const putFigures = (root, { name: model, outputs }) => {
  const rows = outputs.map(({ name }) => {
    const figure = (/** @type {string} */ metric, over = "all", level = "") =>
      state.figures.get(["grud_forecast_" + metric, model, name, over, level].join());
    const skill = (over = "all") => percent(figure("skill_vs_persistence", over), 2);
    const errors = [number(figure("mae"), 4), number(figure("rmse"), 4)];
    return [name, ...errors, skill(), skill("recent"), percent(figure("coverage", "all", "0.9"))];
  });
  const heads = ["output", "MAE", "RMSE", "skill", "of late", "90 % held"];
  putTable(root, "errors since grud was started", heads, rows);
};

export function createModel() {
  const layers = el("p");
  const drift = el("p", { className: "skill", role: "status" });
  const versions = el("div");
  const columns = el("div");
  const figures = el("div");
  const path = () => modelPath(state.model ?? "");
  const { section, heading, complain } = panel(
    "model",
    () => [{ path: path() }, { path: "/metrics" }],
    layers,
    drift,
    el("h3", null, "versions"),
    versions,
    el("h3", null, "errors one step ahead, of all sessions; skill is against “same as now”"),
    figures,
    el("h3", null, "columns"),
    columns,
  );
  const activate = async (/** @type {number} */ version) => {
    await ask("POST", `${path()}/versions/${version}/activate`).then(
      () => complain(null),
      complain,
    );
    await pollModels();
  };
  const putVersions = (/** @type {Model} */ { versions: all, active_version: active }) => {
    const rows = [...all]
      .reverse()
      .map(({ version, created_at: at, parent, metrics: of }) => [
        `v${version}`,
        version === active
          ? "● active"
          : askingButton(`activate v${version}`, () => activate(version)),
        time(at),
        parent && `v${parent}`,
        number(of?.valid_loss, 4),
        number(of?.baseline_valid_loss, 4),
        number(of?.persistence_valid_loss, 4),
      ]);
    const heads = ["version", "state", "made", "from", "loss", "before", "persistence"];
    putTable(versions, "versions", heads, rows);
  };
  let known = "";
  watch(["models", "model", "hasJobs"], () => {
    const model = chosenModel();
    section.hidden = !model || !state.hasJobs; // what stands above comes first, so that nothing moves
    const what = JSON.stringify(model && [model.name, model.active_version, model.versions]);
    if (!model || what === known) return; // a button that asks stays
    known = what;
    put(heading, `model ${model.name}`);
    put(layers, layersText(model));
    putVersions(model);
    putColumns(columns, model);
  });
  watch(["figures", "model", "models"], () => {
    const model = chosenModel();
    if (!model) return;
    putFigures(figures, model);
    write(drift, driftWords(model.drift));
    drift.classList.toggle("warn", model.drift.state === "drifting");
  });
  return section;
}

/** What to do first: commands, with this address in them. */
export function createEmpty() {
  const root = el("section", { ariaLabel: "how to begin" });
  const show = (/** @type {string} */ why, /** @type {string[]} */ commands) => {
    const text = commands.join("\n");
    if (root.lastElementChild?.textContent === text) return;
    put(root, el("h2", null, why), el("pre", { tabIndex: 0, ariaLabel: "commands" }, text));
  };
  watch(["models", "model", "session", "sessions"], () => {
    const model = chosenModel();
    const hasNone = state.models?.length === 0;
    root.hidden = !hasNone && !(model && !state.session && model.sessions === 0);
    const path = sessionPath(model?.name ?? "weather", "first");
    const names = model?.inputs ?? [{ name: "temp", mean: 21.4 }];
    const x = Object.fromEntries(names.map(({ name, mean }) => [name, mean]));
    const step = curlOf({ path: `${path}/step`, body: { x, level: 0.9 } });
    if (hasNone) {
      show("No model yet. Three commands make one, load it, and send it a first reading:", [
        "grud init --inputs temp --outputs temp --layers 32 -o weather.safetensors",
        `${curlOf({ path: modelPath("weather") })} -T weather.safetensors -H 'content-type: application/octet-stream'`,
        step,
      ]);
    } else if (model) {
      show(`No session of '${model.name}' yet. The first reading makes one:`, [
        step,
        curlOf({ path: `${path}/readings` }),
        curlOf({ path: `${path}/events`, isStream: true }),
      ]);
    }
  });
  return root;
}
