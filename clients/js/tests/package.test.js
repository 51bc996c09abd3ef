/** What is shipped: the examples of the README run, and Node finds the package. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Client, GrudError } from "../grud.js";
import { Daemon, TREE } from "./daemon.js";

const HERE = join(TREE, "clients/js");
const AsyncFunction = (async () => {}).constructor;

test("the examples of the README run", async () => {
  const daemon = await Daemon.start();
  try {
    await new Client(daemon.url).models.upload("host-load",
      readFileSync(join(TREE, "examples/host-load/host-load.safetensors")));
    const text = readFileSync(join(HERE, "README.md"), "utf8");
    const blocks = [...text.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]);
    assert.ok(blocks.length > 4);
    const code = blocks.join("").replace(/^import .*$/gm, "")
      .replaceAll("http://127.0.0.1:8080", daemon.url);
    const run = new AsyncFunction("Client", "GrudError", "console", code + "return job.status");
    assert.equal(await run(Client, GrudError, { log() {} }), "succeeded");
    assert.equal((await new Client(daemon.url).sessions.get("host-load", "web-2")).step, 300);
  } finally {
    await daemon.stop();
  }
});

test("all that the package names is there", async () => {
  const { exports, files } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));
  assert.ok(files.every((name) => existsSync(join(HERE, name))));
  assert.equal((await import(join(HERE, exports))).Client, Client);
});
