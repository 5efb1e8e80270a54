import { connect } from "node:net";
import { toCertificate } from "@mach/core";
import { expect, onTestFinished, test } from "vitest";
import type { NodeView } from "../../src/http/node-view.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { certifiedBlock, createMemoryView, finality, fixture } from "./memory-view.ts";
import { PATHS, readCode, startTestServer } from "./test-server.ts";

const { certificate } = fixture;
const moved = {
  topic: "finality",
  rollupId: finality.rollupId,
  answer: { data: finality },
} as const;

/** The answers to requests that are sent in one packet. */
async function askAtOnce(port: number, paths: readonly string[]): Promise<readonly string[]> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let received = "";
  socket.setEncoding("utf8");
  socket.on("data", (data: string) => {
    received += data;
  });
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).join(""));
  const answers = () => received.split(/(?=HTTP\/1\.1 \d)/).filter((each) => each.endsWith("}"));
  await expect.poll(() => answers().length, { timeout: 20_000 }).toBe(paths.length);
  return answers();
}

test("a certificate that was unknown is told when it is there, and then without the view", async () => {
  let asked = 0;
  let isThere = false;
  const certificateById: NodeView["certificateById"] = () => {
    asked += 1;
    if (!isThere) return { ok: false, code: "unknown-certificate" };
    return { ok: true, value: { certificate, isImproving: false } };
  };
  const { url } = await startTestServer({ parts: { certificateById } });
  const address = `${url}${PATHS.certificateById}`;
  for (let i = 0; i < 2; i++) {
    expect(await readCode(address)).toEqual([404, "unknown-certificate"]);
  }
  isThere = true;
  const [first, second] = [await fetch(address), await fetch(address)];
  expect(asked).toBe(3);
  expect(await second.text()).toBe(await first.text());
  const ofFirst = [...first.headers].filter(([name]) => name !== "date");
  expect([...second.headers].filter(([name]) => name !== "date")).toEqual(ofFirst);
});

test("a kept certificate is told in the form that is asked for, and not twice to who has it", async () => {
  const { url } = await startTestServer();
  const address = `${url}${PATHS.certificateById}`;
  const json = await fetch(address);
  expect(await json.json()).toMatchObject({
    data: { certificateId: toCertificate(certificate).certificateId },
  });
  const bytes = await fetch(address, { headers: { accept: "application/octet-stream" } });
  expect(bytes.headers.get("content-type")).toBe("application/octet-stream");
  const etag = json.headers.get("etag") ?? "";
  const again = await fetch(address, { headers: { "if-none-match": `W/"x", ${etag}` } });
  expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, etag, ""]);
  expect(await readCode(`${address}?minWeightBps=10001`)).toEqual([400, "malformed"]);
  expect((await fetch(address, { method: "HEAD" })).status).toBe(200);
  expect(await readCode(address, { method: "POST" })).toEqual([405, "method-not-allowed"]);
});

test("requests of one turn share the answer of the second, those of the next do not", async () => {
  let asked = 0;
  const { port } = await startTestServer({
    parts: {
      finality: () => {
        asked += 1;
        return { ok: true, value: { ...finality, latencyMs: asked } };
      },
    },
  });
  const bodies = await askAtOnce(port, Array(8).fill(PATHS.finality));
  expect(bodies.map((each) => /"latencyMs":(\d+)/.exec(each)?.[1])).toEqual(["1", ..."2222222"]);
  const [later] = await askAtOnce(port, [PATHS.finality]);
  expect(later).toContain('"latencyMs":3');
});

test("what happens within a turn is in the next answer of that turn", async () => {
  let asked = 0;
  const { port, view } = await startTestServer({
    parts: {
      finality: () => {
        asked += 1;
        return { ok: true, value: { ...finality, latencyMs: asked } };
      },
      network: () => {
        view.tell(moved);
        return createMemoryView().network();
      },
    },
  });
  const paths = [PATHS.finality, PATHS.finality, PATHS.network, PATHS.finality];
  const bodies = await askAtOnce(port, paths);
  expect(bodies[1]).toContain('"latencyMs":2');
  expect(bodies[3]).toContain('"latencyMs":3');
});

test("no failure and no status that will change is shared", async () => {
  let asked = 0;
  const { port } = await startTestServer({
    parts: {
      block: () => {
        asked += 1;
        if (asked > 4) return { ok: false, code: "unavailable" };
        const value = { ...certifiedBlock, status: "attested", certificate: null } as const;
        return { ok: true, value };
      },
    },
  });
  await askAtOnce(port, Array(8).fill(PATHS.block));
  expect(asked).toBe(8);
});

test("what is kept is counted under its route, and not told by a server that stops", async () => {
  const counted: string[] = [];
  const took: number[] = [];
  const server = createHttpServer(
    {
      view: createMemoryView(),
      now: () => 0,
      logger: { error: () => {} },
      onAnswered({ route, status, seconds }) {
        counted.push(`${status} ${route}`);
        took.push(seconds);
      },
    },
    { host: "127.0.0.1", port: 0, software: "0.1.0" },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.message);
  const address = `${started.url}${PATHS.certificateById}`;
  for (let i = 0; i < 3; i++) await (await fetch(address)).text();
  await expect.poll(() => counted).toEqual(Array(3).fill("200 /v1/certificates/:certificateId"));
  expect(Math.min(...took)).toBeGreaterThan(0);
  const socket = connect(started.port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let received = "";
  socket.on("data", (data) => {
    received += String(data);
  });
  // Half a request keeps the connection open while the server stops.
  socket.write(`GET ${PATHS.certificateById} HTTP/1.1\r\nhost: x\r\n`);
  await expect.poll(() => received === "" && socket.readyState).toBe("open");
  const stopped = server.stop();
  socket.write("\r\n");
  await stopped;
  expect(received).not.toContain("200 OK");
});
