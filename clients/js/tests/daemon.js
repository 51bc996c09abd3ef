/** A grud of one's own for a test: port 0, a fresh data folder, ended by its pid. The program is
 * $GRUD, or build/grud of the tree. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const TREE = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname,
  "../../..");
const GOLDEN = join(TREE, "tests/fixtures/golden");
export const PROGRAM = resolve(process.env.GRUD ?? join(TREE, "build/grud"));
const READY_MS = 60000;

/** Serves the golden models; `options` are further flags. */
export class Daemon {
  constructor(...options) {
    this.options = options;
    this.folder = mkdtempSync(join(tmpdir(), "grud-js-"));
    this.port = 0;
  }

  static async start(...options) {
    const daemon = new Daemon(...options);
    await daemon.start();
    return daemon;
  }

  /** Again on the same port after the first time, so that clients find it. */
  async start() {
    const portFile = join(this.folder, "port"), log = openSync(join(this.folder, "log"), "a");
    rmSync(portFile, { force: true });
    this.process = spawn(PROGRAM, ["--models", GOLDEN, "--data", join(this.folder, "data"),
      "--listen", `127.0.0.1:${this.port}`, "--port-file", portFile, ...this.options],
    { stdio: ["ignore", log, log], env: { ...process.env, GRUD_QUEUE_MS: "60000" } });
    this.exit = new Promise((done) => this.process.once("exit", (code) => done(code)));
    const end = performance.now() + READY_MS;
    while (!existsSync(portFile)) {
      if (this.process.exitCode !== null || performance.now() > end) {
        throw new Error("grud is not ready: " + this.log());
      }
      await sleep(5);
    }
    this.port = Number(readFileSync(portFile, "utf8"));
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  log() {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  async kill() {
    this.process.kill("SIGKILL");
    await this.exit;
  }

  /** Must end well; removes the folder. */
  async stop() {
    this.process.kill("SIGTERM");
    const code = await this.exit, log = this.log();
    rmSync(this.folder, { recursive: true });
    if (code !== 0) {
      throw new Error(`grud has ended with ${code}: ${log}`);
    }
  }

  /** Makes an untrained model and uploads it. */
  async addModel(client, name, ...options) {
    const file = join(this.folder, "new.safetensors");
    execFileSync(PROGRAM, ["init", ...options, "--force", "-o", file]);
    return client.models.upload(name, readFileSync(file));
  }
}
