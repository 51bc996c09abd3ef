/** Fine-tuning, from the post to the rollback, and keys. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { Client, GrudError } from "../grud.js";
import { Daemon } from "./daemon.js";
import { startProxy } from "./proxy.js";

let daemon, client;
before(async () => {
  daemon = await Daemon.start("--record", "1000");
  client = new Client(daemon.url);
  await daemon.addModel(client, "m", "--inputs", "a", "--outputs", "a", "--layers", "6");
});
after(() => daemon.stop());

const series = Array.from({ length: 4 }, (_, s) =>
  Array.from({ length: 120 }, (_, k) => [Math.sin(k / 3 + s)]));

async function* source() {
  yield* series;
}

test("a job with a recipe tells what it has tried", async () => {
  const job = await client.fineTune("m", {
    series: source(), promotion: { policy: "manual" }, max_seconds: 5,
    recipe: { type: "auto", horizon: 4 },
  });
  const { hyperparameters, progress, recipe } = await job.wait();
  assert.equal(hyperparameters, null);
  assert.equal(progress.n_epochs, null);
  assert.equal(recipe.horizon, 4);
  assert.equal(recipe.trials.filter((trial) => trial.chosen).length, 1);
});

test("a job is followed, promoted and rolled back", async () => {
  const job = await client.fineTune("m", {
    series: source(), seed: 1, promotion: { policy: "manual" },
    hyperparameters: { n_epochs: 4, learning_rate: 0.01 },
  });
  const events = [];
  for await (const event of job.events()) {
    events.push(event);
  }
  assert.ok(events.filter((event) => event.type === "metrics").length >= 4);
  const states = [];
  const state = await job.wait((seen) => states.push(seen.status));
  assert.equal(state.status, "succeeded");
  assert.equal(states.at(-1), "succeeded");
  assert.equal((await job.promote()).active_version, state.fine_tuned_version);
  assert.equal((await job.rollBack()).active_version, 1);
  assert.equal((await client.jobs.get(job.id)).status, "succeeded");
  const listed = [];
  for await (const one of client.jobs.list({ model: "m" })) {
    listed.push(one.id);
  }
  assert.ok(listed.includes(job.id));
  for await (const checkpoint of job.checkpoints()) {
    assert.ok(checkpoint);
  }
});

test("events go on where a cut left them", async () => {
  const job = await client.fineTune("m", { series, hyperparameters: { n_epochs: 3 } });
  await job.wait();
  const whole = [];
  for await (const event of job.events()) {
    whole.push(event.id);
  }
  const proxy = await startProxy(daemon.port, (n) => n < 2 ? "answer" : null);
  const again = [];
  for await (const event of (await new Client(proxy.url).jobs.get(job.id)).events()) {
    again.push(event.id);
  }
  assert.deepEqual(again, whole);
  const late = [];
  for await (const event of job.events({ after: whole[0] })) {
    late.push(event.id);
  }
  assert.deepEqual(late, whole.slice(1));
  await proxy.close();
});

test("a job learns from what sessions recorded, and is paused, resumed and cancelled", async () => {
  for await (const _ of client.steps("m", series[0], { session: "recorded" }));
  const job = await client.fineTune("m", { sessions: ["recorded"], validation: null,
    hyperparameters: { n_epochs: 100000, early_stopping_patience: null } });
  await job.pause();
  await job.resume();
  assert.ok(["cancelled", "running", "queued"].includes((await job.cancel()).status));
  assert.equal((await job.wait()).status, "cancelled");
  await assert.rejects(job.promote(), { code: "job_status_conflict" });
  await assert.rejects(client.fineTune("m", {}), TypeError);
});

test("versions go up and down", async () => {
  const file = await client.models.download("m", 1);
  const model = await client.models.upload("copy", file);
  assert.equal(model.active_version, 1);
  await client.models.upload("copy", new Uint8Array(file));
  assert.equal((await client.models.activate("copy", 2)).active_version, 2);
  await client.models.delete("copy", 1);
  assert.equal((await client.models.get("copy")).versions.length, 1);
  assert.ok((await client.models.list()).some((one) => one.name === "copy"));
  await assert.rejects(client.models.upload("copy", new Uint8Array(3)), GrudError);
});

test("a key is sent, and the lack of one is told", async () => {
  const keys = `${daemon.folder}/keys`;
  writeFileSync(keys, "secret-key-of-a-test-0123456789abcdef read,predict,train,admin\n",
    { mode: 0o600 });
  const guarded = await Daemon.start("--api-keys", keys);
  const key = "secret-key-of-a-test-0123456789abcdef";
  assert.ok(Array.isArray(await new Client(guarded.url, { key }).models.list()));
  await assert.rejects(new Client(guarded.url).models.list(), { status: 401 });
  await guarded.stop();
});
