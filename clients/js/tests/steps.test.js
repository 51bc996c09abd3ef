/** Readings, one by one and as a stream, and what of them survives a bad network. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Client, GrudError } from "../grud.js";
import { Daemon } from "./daemon.js";
import { startProxy } from "./proxy.js";

let daemon, client;
before(async () => {
  daemon = await Daemon.start("--interval-levels", "0.9");
  client = new Client(daemon.url);
  await daemon.addModel(client, "m", "--inputs", "a,b", "--outputs", "a", "--layers", "6");
});
after(() => daemon.stop());

const rows = (n) => Array.from({ length: n }, (_, k) => [20 + Math.sin(k), k % 5]);

async function all(iterable) {
  const list = [];
  for await (const item of iterable) {
    list.push(item);
  }
  return list;
}

test("a step, by place, by name and as a typed array, is one step each", async () => {
  const first = await client.step("m", "one", [1, 2]);
  assert.equal(first.step, 1);
  assert.equal((await client.step("m", "one", { a: 1, b: 2 })).step, 2);
  const third = await client.step("m", "one", new Float32Array([1, NaN]), { level: 0.9 });
  assert.deepEqual(third.missing, ["b"]);
  assert.equal(third.intervals[0].level, 0.9);
});

test("a threshold is told with a step and with a forecast", async () => {
  const crossing = { output: "a", above: -1000 };
  const step = await client.step("m", "near", [1, 2], { horizon: 1, crossing });
  assert.deepEqual(step.crossing, { ahead: 1, probability: null, by_horizon: null });
  const ahead = await client.forecast("m", "near", 1, { crossing });
  assert.deepEqual(ahead.crossing, step.crossing);
});

test("all that a step tells is told in a stream", async () => {
  const asked = { horizon: 1, level: 0.9, blend: true, anomaly: true, explain: true,
    crossing: { output: "a", above: 20 } };
  for (const name of ["single", "stream"]) { // sessions of a model share what they know of errors
    await daemon.addModel(client, name, "--inputs", "a,b", "--outputs", "a", "--layers", "6");
  }
  const single = [];
  for (const x of rows(60)) {
    single.push(await client.step("single", "all", x, asked));
  }
  const stream = await all(client.steps("stream", rows(60), { session: "all", ...asked }));
  assert.deepEqual(stream, single);
  assert.equal(stream[0].anomaly, null);
  const { intervals, blend, anomaly, crossing, explanation } = stream[59];
  assert.ok(intervals.length && blend.weights && crossing && explanation);
  assert.ok(anomaly.p_value > 0 && anomaly.p_value <= 1);
  const { anomaly: odd } = await client.step("stream", "all", [1000, 0], { anomaly: true });
  assert.ok(odd.p_value < anomaly.p_value);
});

test("a step is explained, and a forecast behind it", async () => {
  const { explanation } = await client.step("m", "why", [1, 2], { explain: true });
  const { value, baseline, state, inputs, residual } = explanation;
  const sum = inputs.reduce((sum, part) => sum + part.contribution, baseline + state + residual);
  assert.ok(Math.abs(sum - value) < 1e-5);
  const ahead = await client.forecast("m", "why", 1, { explain: true });
  assert.deepEqual(ahead.explanation, explanation);
});

test("steps that are not awaited keep their order", async () => {
  const replies = await Promise.all(rows(20).map((x) => client.step("m", "hasty", x)));
  assert.deepEqual(replies.map((reply) => reply.step), rows(20).map((_, k) => k + 1));
});

test("a stream gives what single steps give, and a refused reading does not stop it", async () => {
  const single = [];
  for (const x of rows(30)) {
    single.push((await client.step("m", "single", x)).y);
  }
  const readings = rows(30);
  readings.splice(7, 0, [Infinity, 1]);
  const outcomes = await all(client.steps("m", readings, { session: "stream", batch: 8 }));
  assert.ok(outcomes[7] instanceof GrudError);
  assert.match(outcomes[7].param, /^x\[0\]/);
  outcomes.splice(7, 1);
  assert.deepEqual(outcomes.map((outcome) => outcome.y), single);
});

test("a stream of many sessions takes an async source", async () => {
  async function* source() {
    for (const x of rows(9)) {
      yield { session: "s1", x };
      yield { session: "s2", x };
    }
  }
  const outcomes = await all(client.steps("m", source(), { batch: 5 }));
  assert.deepEqual(outcomes.map((outcome) => outcome.step), rows(18).map((_, k) => 1 + (k >> 1)));
});

test("what a bad network loses is sent again, and taken once", async () => {
  for (const lost of ["request", "answer"]) {
    const proxy = await startProxy(daemon.port, (n) => n % 3 === 1 ? lost : null);
    const shaky = new Client(proxy.url);
    for (const x of rows(10)) {
      await shaky.step("m", `shaky-${lost}`, x);
    }
    const outcomes = await all(shaky.steps("m", rows(40), { session: `stream-${lost}`, batch: 6 }));
    assert.ok(!outcomes.some((outcome) => outcome instanceof GrudError));
    assert.equal((await client.sessions.get("m", `shaky-${lost}`)).step, 10);
    assert.equal((await client.sessions.get("m", `stream-${lost}`)).step, 40);
    await proxy.close();
  }
});

test("a stream goes on over a kill of grud", async () => {
  async function* source() {
    for (const [k, x] of rows(60).entries()) {
      if (k === 30) {
        await daemon.kill();
        await daemon.start();
      }
      yield x;
    }
  }
  await all(client.steps("m", source(), { session: "killed", batch: 4 }));
  assert.equal((await client.sessions.get("m", "killed")).step, 60);
});

test("errors have code, param, status and what else grud says", async () => {
  await assert.rejects(client.step("m", "bad", [1]), (error) =>
    error instanceof GrudError && error.status === 400 && error.param === "x");
  await client.step("m", "bad", [1, 2]);
  await assert.rejects(client.step("m", "bad", [1, 2], { seq: 9 }), (error) =>
    error.code === "sequence_mismatch" && error.expected === 2);
  await assert.rejects(new Client("http://127.0.0.1:9", { retrySeconds: 0 }).models.list(),
    { code: "unreachable" });
});

test("sessions are listed, saved, restored, copied and ended", async () => {
  await client.step("m", "list-1", [1, 2]);
  await client.sessions.fork("m", "list-1", "list-2");
  const lines = await all(client.sessions.list("m", { prefix: "list-", page: 1 }));
  assert.deepEqual(lines.map((line) => line.session), ["list-1", "list-2"]);
  const state = await client.sessions.get("m", "list-1");
  const { y } = await client.step("m", "list-1", [3, 4]);
  await client.sessions.put("m", "list-1", state);
  assert.deepEqual((await client.step("m", "list-1", [3, 4])).y, y);
  await client.sessions.delete("m", "list-2");
  await assert.rejects(client.sessions.get("m", "list-2"), { status: 404 });
});

test("series are predicted, in slices too, and judged", async () => {
  const x = rows(50);
  const whole = await client.predict("m", x, { horizon: 2, future: [[1], [2]], level: 0.9 });
  assert.equal(whole.y.length, 50);
  assert.equal(whole.forecast.length, 2);
  assert.equal(whole.intervals[0].lower.length, 2);
  assert.deepEqual(await all(client.predictRows("m", x)), whole.y);
  const [first, second] = await client.predictMany("m", [x, x.slice(0, 5)], { last: true });
  assert.deepEqual(first.y, whole.y.slice(-1));
  assert.deepEqual(second.y, [whole.y[4]]);
  assert.equal((await client.evaluate("m", x, { horizon: 3 })).by_horizon.length, 3);
  const { forecast } = await client.forecast("m", "stream", 1);
  assert.equal(forecast.length, 1);
});
