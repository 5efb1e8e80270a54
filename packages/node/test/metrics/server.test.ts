import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { createMetricsServer } from "../../src/metrics/server.ts";

async function serve(render: () => Promise<string>) {
  const faults: unknown[] = [];
  const server = createMetricsServer(
    { render, contentType: "text/plain; version=0.0.4", onFault: (error) => faults.push(error) },
    { host: "127.0.0.1", port: 0 },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.message);
  onTestFinished(() => server.stop());
  return { server, faults, url: started.url };
}

it("a scrape is the document, and nothing else is served", async () => {
  const { url } = await serve(async () => "mach_epoch 7\n");
  const scraped = await fetch(url);
  expect(scraped.status).toBe(200);
  expect(scraped.headers.get("content-type")).toBe("text/plain; version=0.0.4");
  expect(await scraped.text()).toBe("mach_epoch 7\n");
  expect((await fetch(`${url}?x=1`)).status).toBe(200);
  expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
  expect((await fetch(new URL("/", url))).status).toBe(404);
  expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(405);
});

it("scrapes at one time share one rendering, and one that fails is told and served as such", async () => {
  let count = 0;
  let release = (): void => undefined;
  const { url } = await serve(async () => {
    count += 1;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return `${count}`;
  });
  const scrapes = [fetch(url), fetch(url), fetch(url)];
  await expect.poll(() => count, { timeout: 10_000 }).toBe(1);
  const timer = setInterval(() => release(), 5);
  onTestFinished(() => clearInterval(timer));
  for (const scrape of scrapes) expect((await scrape).status).toBe(200);

  const failing = await serve(async () => Promise.reject(new Error("no")));
  expect((await fetch(failing.url)).status).toBe(500);
  expect(failing.faults).toHaveLength(1);
});

it("a port that is taken is named with the setting, and bytes that are no HTTP end nothing", async () => {
  const { url, server } = await serve(async () => "x");
  const { port } = new URL(url);
  const second = createMetricsServer(
    { render: async () => "", contentType: "text/plain", onFault: () => undefined },
    { host: "127.0.0.1", port: Number(port) },
  );
  const refused = await second.start();
  expect(refused).toMatchObject({ ok: false, message: expect.stringContaining("metrics.port") });
  await second.stop();
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.end("no http\r\n\r\n");
  await new Promise((resolve) => socket.once("close", resolve));
  expect((await fetch(url)).status).toBe(200);
  await server.stop();
  await expect(fetch(url)).rejects.toThrow();
});
