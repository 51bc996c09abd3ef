/** A model whose forecasts become worse is said to drift, with the job that was started for it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openPage, startGrud, stopBrowser } from "./daemon.mjs";

let grud;
before(async () => {
  grud = await startGrud({ options: ["--drift-fine-tune", "propose"] });
});
after(async () => {
  await stopBrowser();
  await grud.stop();
});

/** Readings that nobody could forecast, in that range. */
const step = async (n, size) => {
  const noise = (k) => (Math.abs(Math.sin(k * 12.9898) * 43758.5453) % 1) * size;
  for (let done = 0; done < n; done += 100) {
    const steps = Array.from({ length: 100 }, (_, k) => ({ session: "s", x: [noise(done + k)] }));
    await grud.ask("POST", "/v1/models/sunspots/steps", { steps });
  }
};

test("drift is said while it happens, with its detector and its job", async () => {
  await step(400, 20);
  const { page, expectQuiet, close } = await openPage(grud, { hash: "#/sunspots/s" });
  const panel = page.getByRole("region", { name: "model", exact: true });
  await panel.getByText(/^no drift · recent errors are [\d.]+ times the usual ones/).waitFor();
  await step(200, 400);
  await panel
    .getByText(/^▲ its forecasts have become worse · .* by (Page-Hinkley|ADWIN)/)
    .waitFor();
  const told = panel.getByText(/ · its job \S+ began /);
  await told.waitFor();
  const { drift } = await grud.ask("GET", "/v1/models/sunspots");
  assert.ok((await told.textContent()).includes(drift.last_job.job));
  await expectQuiet();
  await close();
});
