/** Rules: made, read, listed, replaced and deleted. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Client, GrudError } from "../grud.js";
import { Daemon } from "./daemon.js";

const RULE = { prefix: "web-", coverage: true, below: 0.8, url: "https://example.org/hooks" };

let daemon, client;
before(async () => {
  daemon = await Daemon.start();
  client = new Client(daemon.url);
  await daemon.addModel(client, "m", "--inputs", "a", "--outputs", "a", "--layers", "6");
});
after(() => daemon.stop());

test("a rule lives until it is deleted", async () => {
  assert.deepEqual(await client.rules.list("m"), []);
  assert.deepEqual((await client.rules.put("m", "off", RULE)).firing, []);
  assert.equal((await client.rules.put("m", "off", { ...RULE, for: 3 })).for, 3);
  assert.deepEqual((await client.rules.list("m")).map((rule) => rule.name), ["off"]);
  assert.deepEqual((await client.rules.get("m", "off", { limit: 5 })).states,
    { firing: 0, pending: 0 });
  await client.rules.delete("m", "off");
  await assert.rejects(client.rules.get("m", "off"),
    (error) => error instanceof GrudError && error.code === "rule_not_found");
});
