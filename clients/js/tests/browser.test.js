/** The module in a real Chromium, from a page of another origin. Skipped where there is none. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Client } from "../grud.js";
import { Daemon, TREE } from "./daemon.js";

const PAGE = (url) => `<!doctype html><title>grud</title><script type="module">
import { Client } from "/grud.js";
const result = {};
try {
  const client = new Client("${url}", { retrySeconds: 5 });
  result.step = (await client.step("m", "browser", [1])).step;
  result.steps = [];
  for await (const reply of client.steps("m", [[1], [2], [3]], { session: "stream" })) {
    result.steps.push(reply.step);
  }
  const job = await client.fineTune("m", {
    series: [Array.from({ length: 200 }, (_, k) => [Math.sin(k / 3)])],
    hyperparameters: { n_epochs: 2 },
  });
  result.events = 0;
  let first;
  for await (const event of job.events()) {
    first ??= event.id;
    result.events++;
  }
  result.eventsAfter = 0;
  for await (const event of job.events({ after: first })) {
    result.eventsAfter++;
  }
  result.code = await client.models.get("none").catch((error) => error.code);
} catch (error) {
  result.error = String(error) + error.stack;
}
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
</script>`;

const browser = ["chromium-headless-shell", "chromium", "google-chrome"]
  .flatMap((name) => (process.env.PATH ?? "").split(":").map((folder) => join(folder, name)))
  .find(existsSync);

test("a page of an allowed origin uses it", { skip: !browser && "there is no Chromium" },
  async () => {
    let told, daemon;
    const result = new Promise((done) => { told = done; });
    const server = createServer(async (request, reply) => {
      if (request.url === "/result") {
        const parts = [];
        for await (const part of request) {
          parts.push(part);
        }
        reply.end();
        told(JSON.parse(Buffer.concat(parts).toString()));
        return;
      }
      const isModule = request.url === "/grud.js";
      reply.writeHead(200, { "Content-Type": isModule ? "text/javascript" : "text/html" });
      reply.end(isModule ? readFileSync(join(TREE, "clients/js/grud.js")) : PAGE(daemon.url));
    });
    await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
    const origin = `http://127.0.0.1:${server.address().port}`;
    daemon = await Daemon.start("--cors-origin", origin);
    await daemon.addModel(new Client(daemon.url), "m", "--inputs", "a", "--outputs", "a",
      "--layers", "6");
    const profile = mkdtempSync(join(tmpdir(), "grud-chromium-"));
    const process_ = spawn(browser, ["--headless", "--no-sandbox", "--disable-gpu",
      "--no-first-run", `--user-data-dir=${profile}`, "--remote-debugging-port=0", origin],
    { stdio: "ignore" });
    const gone = new Promise((done) => process_.once("exit", done));
    const deadline = setTimeout(() => told({ error: "the page has said nothing" }), 60000);
    const seen = await result;
    clearTimeout(deadline);
    process_.kill();
    await gone;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    server.closeAllConnections();
    server.close();
    await daemon.stop();
    assert.equal(seen.error, undefined);
    assert.equal(seen.step, 1);
    assert.deepEqual(seen.steps, [1, 2, 3]);
    assert.ok(seen.events >= 3);
    assert.equal(seen.eventsAfter, seen.events - 1);
    assert.equal(seen.code, "model_not_found");
  });
