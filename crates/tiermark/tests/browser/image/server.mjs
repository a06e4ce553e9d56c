// Opens a page that is posted to it in Chromium, uses it as a reader would, and answers with what was seen, as JSON.
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  // A container has no user namespaces for the sandbox, and little shared memory.
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
});

/** A tab with the page, and what went wrong while it was opened. */
async function open(file, { width, scheme, script = true }) {
  const tab = await browser.newPage();
  const problems = [];
  tab.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
  tab.on("pageerror", (error) => problems.push(String(error)));
  tab.on("dialog", async (dialog) => { problems.push(`dialog: ${dialog.message()}`); await dialog.dismiss(); });
  tab.on("request", (request) => { if (!/^(file|data|blob):/.test(request.url())) problems.push(`asked for ${request.url()}`); });
  await tab.setJavaScriptEnabled(script);
  await tab.setViewport({ width, height: 900 });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.goto(file);
  return { tab, problems };
}

const ground = (tab) => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);

/** First words of the rows of the table that has this cell in its head. */
const rows = (tab, table) => tab.$eval(table, (table) => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[0].innerText.split("\n")[0]));

/** The numbers by which a column is sorted. */
const column = (tab, table, index) => tab.$eval(table, (table, index) => [...table.tBodies[0].rows].map((row) => row.cells[index].dataset.by ?? null), index);

async function use(tab) {
  const seen = {};
  const table = "#summary table.sortable";
  const head = (index) => `${table} thead th:nth-child(${index + 1})`;
  seen.byNumber = [];
  for (let click = 0; click < 2; click += 1) {
    await tab.click(head(3));
    seen.byNumber.push(await column(tab, table, 3));
  }
  await tab.focus(head(0));
  await tab.keyboard.press("Enter");
  seen.byName = await rows(tab, table);

  const filter = (await tab.$("#summary input.filter")) ?? (await tab.$("input.filter"));
  if (filter) {
    const of = await filter.evaluateHandle((input) => input.nextElementSibling.querySelector("table"));
    const shown = () => of.evaluate((table) => [...table.tBodies[0].rows].filter((row) => !row.hidden).length);
    const before = await shown();
    const word = await of.evaluate((table) => table.tBodies[0].rows[0].cells[0].innerText.trim().split(/\s+/)[0]);
    await filter.type(word);
    seen.filtered = { before, word, after: await shown() };
    await filter.evaluate((input) => { input.value = ""; input.dispatchEvent(new Event("input")); });
  }

  const spot = await tab.$("#summary svg rect[fill-opacity='0']");
  if (spot) {
    await spot.scrollIntoView();
    const box = await spot.boundingBox();
    await tab.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    seen.hover = await tab.evaluate((x, y) => document.elementFromPoint(x, y)?.querySelector("title")?.textContent ?? null, box.x + box.width / 2, box.y + box.height / 2);
  }

  const light = await ground(tab);
  await tab.click("#theme");
  seen.themes = [light, await ground(tab)];
  await tab.click("#theme");

  const cell = await tab.$eval("tr[id^='cell-']", (row) => row.id).catch(() => null);
  if (cell) {
    await tab.evaluate((id) => { location.hash = id; }, cell);
    await new Promise((done) => setTimeout(done, 100));
    seen.fragment = await tab.$eval(`[id="${cell}"]`, (row) => {
      const box = row.getBoundingClientRect();
      return { top: box.top, isTarget: row.matches(":target"), inView: box.top >= 0 && box.bottom <= innerHeight };
    });
  }
  seen.downloads = await tab.$$eval("#downloads button", (buttons) => buttons.map((button) => button.textContent.trim()));
  return seen;
}

async function check(html, query) {
  const file = "/tmp/page.html";
  await writeFile(file, html);
  const options = { width: Number(query.get("width") ?? 1400), scheme: query.get("scheme") ?? "light" };
  const { tab, problems } = await open(`file://${file}`, options);
  const answer = { problems };
  answer.title = await tab.title();
  answer.headings = await tab.$$eval("h1, h2", (all) => all.map((heading) => heading.innerText));
  answer.overflow = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  answer.ground = await ground(tab);
  await tab.evaluate(axe);
  const found = await tab.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  answer.violations = found.violations.map((violation) => ({
    id: violation.id,
    impact: violation.impact,
    help: violation.help,
    nodes: violation.nodes.length,
    example: violation.nodes[0].html.slice(0, 300),
  }));
  if (query.has("use")) answer.used = await use(tab);
  await tab.evaluate(() => scrollTo(0, 0));
  answer.screenshot = await tab.screenshot({ encoding: "base64", fullPage: query.has("whole") });
  if (query.has("print")) {
    const pdf = Buffer.from(await tab.pdf({ format: "A4", printBackground: true }));
    answer.pdf = pdf.toString("base64");
    answer.pages = (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? []).length;
  }
  await tab.close();
  const bare = await open(`file://${file}`, { ...options, script: false });
  answer.withoutScript = await bare.tab.evaluate(() => document.body.innerText.length).catch(() => null);
  await bare.tab.close();
  return answer;
}

// One page at a time: they share a file and the browser's focus.
let turn = Promise.resolve();
const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://browser");
  if (request.method !== "POST") {
    response.end("ready\n");
    return;
  }
  const parts = [];
  for await (const part of request) parts.push(part);
  turn = turn.then(async () => {
    try {
      const answer = await check(Buffer.concat(parts), url.searchParams);
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(answer));
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error.stack ?? error));
    }
  });
  await turn;
});
server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? "0.0.0.0");
process.on("SIGTERM", async () => { await browser.close(); process.exit(0); });
