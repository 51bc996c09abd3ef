/**
 * daemon.mjs - a grud of one's own for a test, and a browser that looks at its page.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** No test bounds time: what waits has a minute. */
export const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 60_000);

export const root = fileURLToPath(new URL("../..", import.meta.url));
const tools = createRequire(join(root, "build/npm/package.json"));
const { chromium } = tools("playwright-core");
export const axeSource = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts grud with some of the examples' models and, if they are given, with keys. */
export async function startGrud({
  models = ["sunspots"],
  keys = null,
  options = [],
  port = 0,
  folder,
} = {}) {
  const isNew = !folder;
  folder ??= mkdtempSync(join(tmpdir(), "grud-page-"));
  mkdirSync(join(folder, "models"), { recursive: true });
  for (const name of models) {
    const file = `${name}.safetensors`;
    cpSync(join(root, "examples", name, file), join(folder, "models", file));
  }
  const portFile = join(folder, `port-${Date.now()}`);
  const words = ["--models", join(folder, "models"), "--data", join(folder, "data")];
  words.push("--listen", `127.0.0.1:${port}`, "--port-file", portFile, "--record", "20000");
  words.push("--log-level", "error", "--page-dir", join(root, "server/page"), ...options);
  if (keys) {
    writeFileSync(join(folder, "keys"), keys.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    words.push("--api-keys", join(folder, "keys"));
  }
  const child = spawn(process.env.GRUD ?? join(root, "build/grud"), words, { stdio: "inherit" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const until = Date.now() + PATIENCE_MS;
  while (!existsSync(portFile) || !readFileSync(portFile, "utf8").trim()) {
    assert.ok(child.exitCode === null && Date.now() < until, "grud does not start");
    await sleep(20);
  }
  const url = `http://127.0.0.1:${readFileSync(portFile, "utf8").trim()}`;
  const key = keys?.[0].split(" ")[0];
  const auth = key ? { authorization: `Bearer ${key}` } : {};
  return {
    url,
    folder,
    port: Number(new URL(url).port),
    async ask(method, path, body) {
      const headers = { ...auth, "content-type": "application/json" };
      const response = await fetch(url + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
      });
      const text = await response.text();
      assert.ok(response.ok, `${method} ${path}: ${text}`);
      return text ? JSON.parse(text) : null;
    },
    async stop({ keep = false } = {}) {
      child.kill("SIGTERM");
      await ended;
      if (isNew && !keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The sunspots of the months that the example's model was not trained on. */
export const sunspots = readFileSync(join(root, "examples/sunspots/sunspots.csv"), "utf8")
  .trim()
  .split("\n")
  .slice(2542)
  .map((line) => Number(line.split(",")[1]));

/** Many steps of a session, an hour apart, up to now. */
export async function fill(
  grud,
  session,
  n,
  { model = "sunspots", level = [0.8, 0.95], interval = 3600 } = {},
) {
  const begin = Math.floor(Date.now() / 1000) - n * interval;
  const readings = sunspots.slice(0, n);
  const steps = readings.map((x, k) => ({
    session,
    x: [x],
    at: begin + k * interval,
    level,
    horizon: 12,
  }));
  for (let k = 0; k < n; k += 200) {
    await grud.ask("POST", `/v1/models/${model}/steps`, { steps: steps.slice(k, k + 200) });
  }
}

let browser = null;

export async function startBrowser() {
  browser ??= await chromium.launch({
    executablePath: process.env.BROWSER,
    args: ["--no-sandbox", "--no-proxy-server", "--disable-gpu"],
  });
  return browser;
}

export async function stopBrowser() {
  await browser?.close();
  browser = null;
}

/**
 * Opens the page and notes what the browser complains of: errors, refusals of the policy, and
 * requests to others. `expected` are patterns of what a test provokes. `onPage` may listen to the
 * page before it opens.
 */
export async function openPage(
  grud,
  { hash = "", width = 1280, height = 860, theme = "light", onPage, ...more } = {},
) {
  const context = await (
    await startBrowser()
  ).newContext({
    viewport: { width, height },
    colorScheme: theme,
    ...more,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  onPage?.(page);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      complaints.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const isOurs = request.url().startsWith(grud.url) || /^(data|blob):/.test(request.url());
    if (!isOurs) complaints.push(`a request to ${request.url()}`);
  });
  await page.addInitScript(() => {
    window.__refused = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      window.__refused.push(`${violatedDirective} ${blockedURI}`),
    );
  });
  await page.goto(`${grud.url}/${hash}`);
  return {
    page,
    /** Nothing was complained of, except for what the test expects. */
    async expectQuiet(...expected) {
      complaints.push(...(await page.evaluate(() => window.__refused)));
      const rest = complaints.filter((text) => !expected.some((pattern) => pattern.test(text)));
      assert.deepEqual(rest, []);
    },
    close: () => context.close(),
  };
}

/** What Chromium writes when a request fails or is refused. */
export const FAILED_REQUEST = /Failed to load resource/;
