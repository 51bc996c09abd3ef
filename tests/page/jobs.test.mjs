/** A job is started, watched, stopped and taken back by clicks. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FAILED_REQUEST, fill, openPage, startGrud, stopBrowser } from "./daemon.mjs";

let grud;
before(async () => {
  grud = await startGrud();
  await fill(grud, "pump-7", 600);
});
after(async () => {
  await stopBrowser();
  await grud.stop();
});

const open = () => openPage(grud, { hash: "#/sunspots/pump-7" });
const model = () => grud.ask("GET", "/v1/models/sunspots");
const jobs = async () => (await grud.ask("GET", "/v1/fine_tuning/jobs")).data;

/** Presses a button that asks once, and presses it again. */
const pressTwice = async (page, name) => {
  await page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("button", { name: `really ${name}?` }).click();
};

test("a job is started on recorded readings, watched, promoted and rolled back", async () => {
  const { page, expectQuiet, close } = await open();
  await page.getByLabel("promotion").selectOption("manual");
  await page.getByLabel("epochs").fill("4");
  await page.getByLabel("readings of").selectOption("this session");
  await page.getByRole("button", { name: "fine-tune" }).click();
  await page.getByText("succeeded · epoch 4 of 4").waitFor();
  await page.getByText("v2 is ready").waitFor();
  await page.locator(".losses canvas").waitFor();
  assert.match(
    await page.locator(".losses").getAttribute("aria-label"),
    /losses of epoch 4: 0\.\d+ in training/,
  );
  const [job] = await jobs();
  assert.deepEqual(job.progress.n_epochs, 4);
  await pressTwice(page, "promote v2");
  await page.getByRole("button", { name: "roll back to v1" }).waitFor();
  assert.equal((await model()).active_version, 2);
  await page.locator("#side").getByText("v2 · ").waitFor();
  await pressTwice(page, "roll back to v1");
  await page.getByRole("button", { name: "promote v2" }).waitFor();
  assert.equal((await model()).active_version, 1);
  await expectQuiet();
  await close();
});

test("a button that asks does nothing until it is pressed again", async () => {
  const { page, expectQuiet, close } = await open();
  await page.getByRole("button", { name: "promote v2", exact: true }).click();
  await page.getByRole("button", { name: "really promote v2?" }).blur();
  await page.getByRole("button", { name: "promote v2", exact: true }).waitFor();
  assert.equal((await model()).active_version, 1);
  await expectQuiet();
  await close();
});

test("the table of versions activates one", async () => {
  const { page, expectQuiet, close } = await open();
  await pressTwice(page, "activate v2");
  await page.getByRole("button", { name: "activate v1", exact: true }).waitFor();
  assert.equal((await model()).active_version, 2);
  await pressTwice(page, "activate v1");
  await page.getByRole("button", { name: "activate v2", exact: true }).waitFor();
  await expectQuiet();
  await close();
});

test("a long job is paused, resumed and cancelled", async () => {
  await grud.ask("POST", "/v1/fine_tuning/jobs", {
    model: "sunspots",
    training: { sessions: ["pump-7"] },
    hyperparameters: { n_epochs: 100_000, learning_rate: 1e-7, early_stopping_patience: null },
  });
  const { page, expectQuiet, close } = await open();
  await page.getByRole("button", { name: "pause" }).click();
  await page.getByText("paused · epoch").waitFor();
  await page.getByRole("button", { name: "resume" }).click();
  await page.getByText(/^epoch \d+ of 100000/).waitFor();
  await page.getByRole("button", { name: "cancel" }).click();
  await page.getByText("cancelled · epoch").waitFor();
  assert.equal((await jobs())[0].status, "cancelled");
  await expectQuiet();
  await close();
});

test("what grud refuses is said in its own words", async () => {
  const { page, expectQuiet, close } = await open();
  await page.getByLabel("learning rate").fill("1e30");
  await page.getByRole("button", { name: "fine-tune" }).click();
  const problem = page.getByRole("region", { name: "fine-tuning" }).getByRole("alert");
  await problem.filter({ hasText: "learning_rate" }).first().waitFor();
  await expectQuiet(FAILED_REQUEST);
  await close();
});
