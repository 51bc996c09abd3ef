/** Events and readings of sessions. How the client resumes is tested beside a server that cuts, and
 * the rest beside a grud. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { Client } from "../grud.js";
import { Daemon } from "./daemon.js";

/** A server that cuts each of three streams after a silence. */
async function resumes(silenceMs, retrySeconds) {
  const asked = [];
  const parts = [
    ": ping\n\nid: 1\r\nevent: step\r\ndata: {\"step\":1}\r\n\r\nid: 2\nevent: step\ndata: {\"st",
    "id: 2\nevent: step\ndata: {\"step\":\ndata: 2}\n\nevent: drift\ndata: {}\n\n",
    ": ping\n\nid: 3\nevent: step\ndata: {\"step\":3}\n\nevent: end\ndata: {}\n\n",
  ];
  const server = createServer((request, reply) => {
    asked.push(request.headers["last-event-id"]);
    reply.writeHead(200, { "Content-Type": "text/event-stream" });
    const part = parts[asked.length - 1];
    reply.write(part.slice(0, 20));
    setTimeout(() => {
      reply.write(part.slice(20));
      setTimeout(() => asked.length < 3 ? request.socket.destroy() : null, silenceMs);
    }, 20);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const client = new Client(`http://127.0.0.1:${server.address().port}`, { retrySeconds });
  const seen = [];
  try {
    for await (const event of client.sessions.events("m", "s")) {
      seen.push(event.type === "step" ? event.data.step : event.type);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
  assert.deepEqual(seen, [1, 2, "drift", 3, "end"]);
  assert.deepEqual(asked, [undefined, "1", "2"]);
}

test("events of a session go on behind the last one that came whole", () => resumes(50, 60));

test("a silence longer than the patience of retries takes none of it", () => resumes(1500, 1));

test("a signal ends a stream that waits", async () => {
  const server = createServer((_, reply) => {
    reply.writeHead(200, { "Content-Type": "text/event-stream" });
    reply.write(": ping\n\n");
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const client = new Client(`http://127.0.0.1:${server.address().port}`);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await assert.rejects(async () => {
    for await (const _ of client.models.events("m", { signal: controller.signal }));
  });
  server.closeAllConnections();
  server.close();
});

test("a grud tells of its sessions' steps and readings", async (context) => {
  const daemon = await Daemon.start();
  const client = new Client(daemon.url);
  try {
    const { routes } = await (await fetch(`${daemon.url}/v1`)).json();
    const has = (end) => routes.some((route) => route.path.endsWith(end));
    await daemon.addModel(client, "m", "--inputs", "a", "--outputs", "a", "--layers", "6");
    for (const x of [1, 2, 3, 4, 5]) {
      await client.step("m", "s", [x]);
    }
    if (!has("/{session}/readings")) {
      context.skip("this grud has no readings");
      return;
    }
    const past = [];
    for await (const reading of client.sessions.readings("m", "s", { page: 2 })) {
      past.push(reading.x[0]);
    }
    assert.deepEqual(past, [5, 4, 3, 2, 1]);
    if (!has("/{session}/events")) {
      context.skip("this grud has no events of sessions");
      return;
    }
    const seen = [];
    for await (const event of client.sessions.events("m", "s", { after: "2" })) {
      seen.push(event.type === "step" ? event.data.step : event.type);
      if (event.data.step === 5) {
        await client.step("m", "s", [6]);
      }
      if (event.data.step === 6) {
        await client.sessions.delete("m", "s");
      }
    }
    assert.deepEqual(seen, [3, 4, 5, 6, "end"]);
  } finally {
    await daemon.stop();
  }
});
