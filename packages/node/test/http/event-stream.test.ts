import { connect } from "node:net";
import { certificateRule, eventSchemas, type NodeEvent, TOPIC_NAMES } from "@mach/api";
import { describe, expect, test } from "vitest";
import { readEvents } from "./event-reader.ts";
import { alert, evidenceFixture, finality, fixture, rollupId } from "./memory-view.ts";
import { readCode, startTestServer } from "./test-server.ts";

const { certificate, operatorSet } = fixture;

const EVENTS: { readonly [Name in NodeEvent["topic"]]: NodeEvent } = {
  certificate: {
    topic: "certificate",
    rollupId,
    answer: { data: certificate, rule: certificateRule(certificate) },
  },
  attestation: {
    topic: "attestation",
    rollupId,
    answer: {
      data: {
        claim: certificate.claim,
        operator: operatorSet.operators[0]?.operator ?? "0x",
        signature: certificate.signature,
      },
      weight: 22n,
    },
  },
  finality: { topic: "finality", rollupId, answer: { data: finality } },
  alert: { topic: "alert", rollupId: null, answer: { data: alert } },
  evidence: {
    topic: "evidence",
    rollupId: 901n,
    answer: { data: evidenceFixture[0] ?? expect.fail() },
  },
  epoch: {
    topic: "epoch",
    rollupId: null,
    answer: { data: { epoch: 7n, operatorSetHash: null, startsAt: 1_765_001_520n, update: null } },
  },
};

/** A finality event that can be told from others by its observed height. */
function finalityAt(blockNumber: bigint, id: bigint = rollupId): NodeEvent {
  const observed = { blockNumber, blockHash: certificate.claim.blockHash, timestamp: 1n };
  const data = { ...finality, rollupId: id, observed };
  return { topic: "finality", rollupId: id, answer: { data } };
}

/** An alert that takes about so many bytes on the wire. */
function alertOf(alertId: string, bytes: number): NodeEvent {
  const message = "x".repeat(bytes);
  return { topic: "alert", rollupId: null, answer: { data: { ...alert, alertId, message } } };
}

test("every topic is told with the data that its schema says", async () => {
  const { url, view } = await startTestServer();
  const reader = await readEvents(`${url}/v1/events`);
  expect(reader.response.headers).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "access-control-allow-origin": "*",
  });
  for (const topic of TOPIC_NAMES) view.tell(EVENTS[topic]);
  await expect.poll(() => reader.events.length).toBe(TOPIC_NAMES.length);
  expect(reader.events.map((each) => each.event)).toEqual(TOPIC_NAMES);
  for (const { event, data } of reader.events) {
    const schema = Object.entries(eventSchemas).find(([topic]) => topic === event)?.[1];
    expect(schema?.safeParse(data).error).toBeUndefined();
  }
});

test("a reader is told of the topics and the rollup that it asked for, and of the node", async () => {
  const { url, view } = await startTestServer();
  const certificates = await readEvents(`${url}/v1/events?topics=certificate`);
  const ofRollup = await readEvents(`${url}/v1/events?rollupId=${rollupId}`);
  for (const topic of TOPIC_NAMES) view.tell(EVENTS[topic]);
  await expect.poll(() => ofRollup.events.length).toBe(5);
  expect(certificates.events.map((each) => each.event)).toEqual(["certificate"]);
  expect(ofRollup.events.map((each) => each.event)).not.toContain("evidence");
});

describe("coming back", () => {
  test("with Last-Event-ID a reader gets what it missed, in order, and goes on", async () => {
    const { url, view } = await startTestServer();
    const first = await readEvents(`${url}/v1/events?topics=alert,epoch`);
    view.tell(alertOf("1", 10));
    await expect.poll(() => first.events.length).toBe(1);
    first.close();
    view.tell(EVENTS.epoch);
    view.tell(EVENTS.certificate);
    view.tell(alertOf("2", 10));
    const headers = { "last-event-id": first.events[0]?.id ?? "" };
    const second = await readEvents(`${url}/v1/events?topics=alert,epoch`, { headers });
    view.tell(alertOf("3", 10));
    await expect.poll(() => second.events.length).toBe(3);
    expect(second.events).toMatchObject([
      { event: "epoch" },
      { data: { data: { alertId: "2" } } },
      { data: { data: { alertId: "3" } } },
    ]);
  });

  test("after more than is kept, a gap is told before what is kept", async () => {
    const { url, view } = await startTestServer({ limits: { eventHistory: 2 } });
    const first = await readEvents(`${url}/v1/events?topics=alert`);
    view.tell(alertOf("first", 10));
    await expect.poll(() => first.events.length).toBe(1);
    for (let i = 0; i < 10; i++) view.tell(alertOf(String(i), 10));
    const headers = { "last-event-id": first.events[0]?.id ?? "" };
    const second = await readEvents(`${url}/v1/events?topics=alert`, { headers });
    await expect.poll(() => second.events.length).toBeGreaterThanOrEqual(3);
    expect(second.events[0]).toEqual({ id: undefined, event: "gap", data: { data: null } });
    expect(second.events.at(-1)).toMatchObject({ data: { data: { alertId: "9" } } });
    const others = await readEvents(`${url}/v1/events?topics=epoch`, { headers });
    view.tell(EVENTS.epoch);
    await expect.poll(() => others.events.length).toBe(1);
    expect(others.events[0]?.event).toBe("epoch");
  });

  test.each(["", "x", "00000000-1", "-1", "1", `${"9".repeat(400)}`])(
    "an id '%s' of another run, or of none, is told as a gap",
    async (id) => {
      const { url, view } = await startTestServer();
      view.tell(EVENTS.epoch);
      const headers = { "last-event-id": id };
      const reader = await readEvents(`${url}/v1/events`, { headers });
      view.tell(EVENTS.alert);
      await expect.poll(() => reader.events.length).toBe(2);
      expect(reader.events.map((each) => each.event)).toEqual(["gap", "alert"]);
    },
  );

  test("an id beyond the newest is told as a gap", async () => {
    const { url, view } = await startTestServer();
    const first = await readEvents(`${url}/v1/events`);
    view.tell(EVENTS.epoch);
    await expect.poll(() => first.events.length).toBe(1);
    const headers = { "last-event-id": (first.events[0]?.id ?? "").replace(/1$/, "99") };
    const reader = await readEvents(`${url}/v1/events`, { headers });
    await expect.poll(() => reader.events.length).toBe(1);
    expect(reader.events[0]?.event).toBe("gap");
  });

  test("a backlog larger than what a reader may lag behind is delivered whole", async () => {
    const limits = { maxPendingEventBytes: 20_000, maxEventClients: 1, eventHistory: 10_000 };
    const { url, port, view } = await startTestServer({ limits });
    const first = await readEvents(`${url}/v1/events?topics=alert`);
    view.tell(alertOf("first", 10));
    await expect.poll(() => first.events.length).toBe(1);
    first.close();
    // More than the kernel takes, and the reader takes nothing for now.
    for (let i = 0; i < 10_000; i++) view.tell(alertOf(String(i), 1_000));
    await expect.poll(() => first.isClosed()).toBe(true);
    const second = connect(port, "127.0.0.1");
    second.write(
      "GET /v1/events?topics=alert HTTP/1.1\r\nhost: x\r\n" +
        `last-event-id: ${first.events[0]?.id}\r\n\r\n`,
    );
    await new Promise((resolve) => second.once("readable", resolve));
    view.tell(alertOf("live", 10));
    let text = "";
    second.setEncoding("utf8");
    second.on("data", (data: string) => {
      text += data;
    });
    await expect.poll(() => text, { timeout: 20_000 }).toContain('"alertId":"live"');
    expect(text.match(/^id: /gm)?.length).toBe(10_001);
    second.destroy();
  });
});

describe("bounds", () => {
  const STREAM = "GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n";

  test("a reader that takes nothing is dropped, and the others lose nothing", async () => {
    const { url, port, view } = await startTestServer({
      limits: { maxPendingEventBytes: 100_000, maxEventClients: 2 },
    });
    const good = await readEvents(`${url}/v1/events?topics=alert`);
    const slow = connect(port, "127.0.0.1", () => slow.write(STREAM));
    slow.on("error", () => {});
    await new Promise((resolve) => slow.once("data", resolve));
    slow.pause();
    let told = 0;
    // The kernel's buffers fill first, and how large they are is its own affair. There is no place
    // for a third reader until the slow one is dropped.
    let third = await readEvents(`${url}/v1/events?topics=epoch`);
    expect(third.response.statusCode).toBe(503);
    while (third.response.statusCode === 503 && told < 50_000) {
      for (let i = 0; i < 50; i++) view.tell(alertOf(String(told++), 1_000));
      await expect.poll(() => good.events.length, { timeout: 10_000, interval: 5 }).toBe(told);
      third = await readEvents(`${url}/v1/events?topics=epoch`);
    }
    expect(third.response.statusCode).toBe(200);
    expect(good.isClosed()).toBe(false);
    slow.destroy();
  });

  test("a reader that has taken nothing between two heartbeats is dropped", async () => {
    const { url, port, view } = await startTestServer({
      limits: { maxPendingEventBytes: 1 << 30, maxEventClients: 1, heartbeatMs: 50 },
    });
    const stuck = connect(port, "127.0.0.1", () => stuck.write(STREAM));
    stuck.on("error", () => {});
    await new Promise((resolve) => stuck.once("readable", resolve));
    expect(await readCode(`${url}/v1/events`)).toEqual([503, "unavailable"]);
    for (let i = 0; i < 10_000; i++) view.tell(alertOf(String(i), 1_000));
    const status = async () => (await readEvents(`${url}/v1/events`)).response.statusCode;
    await expect.poll(status, { timeout: 5_000 }).toBe(200);
    stuck.destroy();
  });

  test("a reader that lags gets only the newest finality of each rollup", async () => {
    const { port, view } = await startTestServer();
    const slow = connect(port, "127.0.0.1");
    let text = "";
    slow.setEncoding("utf8");
    slow.on("data", (data: string) => {
      text += data;
    });
    slow.write(STREAM);
    await expect.poll(() => text).toContain("retry:");
    // In one turn nothing drains: all but the first few wait.
    for (let height = 1n; height <= 1_000n; height++) {
      view.tell(finalityAt(height));
      view.tell(finalityAt(height, 901n));
    }
    await expect.poll(() => text.match(/"blockNumber":"1000"/g)?.length).toBe(2);
    const count = text.match(/event: finality/g)?.length ?? 0;
    expect(count).toBeGreaterThan(2);
    expect(count).toBeLessThan(100);
    slow.destroy();
  });

  test("more readers than allowed are refused, in total and from one address", async () => {
    const total = await startTestServer({ limits: { maxEventClients: 2 } });
    const open = [
      await readEvents(`${total.url}/v1/events`),
      await readEvents(`${total.url}/v1/events`),
    ];
    expect(await readCode(`${total.url}/v1/events`)).toEqual([503, "unavailable"]);
    open[0]?.close();
    await expect
      .poll(async () => (await readEvents(`${total.url}/v1/events`)).response.statusCode)
      .toBe(200);
    const each = await startTestServer({ limits: { maxEventClientsPerAddress: 1 } });
    await readEvents(`${each.url}/v1/events`);
    expect(await readCode(`${each.url}/v1/events`)).toEqual([429, "too-many-streams"]);
  });

  test("an address counts as a proxy names it only where that proxy is trusted", async () => {
    const limits = { maxEventClientsPerAddress: 1 };
    const trusting = await startTestServer({ limits, trustedProxies: ["127.0.0.1"] });
    const plain = await startTestServer({ limits });
    const as = (address: string) => ({ headers: { "x-forwarded-for": address } });
    await readEvents(`${trusting.url}/v1/events`, as("192.0.2.1"));
    await readEvents(`${trusting.url}/v1/events`, as("192.0.2.2"));
    expect(await readCode(`${trusting.url}/v1/events`, as("192.0.2.2"))).toEqual([
      429,
      "too-many-streams",
    ]);
    await readEvents(`${plain.url}/v1/events`, as("192.0.2.1"));
    expect(await readCode(`${plain.url}/v1/events`, as("192.0.2.2"))).toEqual([
      429,
      "too-many-streams",
    ]);
  });

  test("a silent stream outlives the requests' timeouts, with signs of life", async () => {
    // A heartbeat comes later than any of the timeouts would.
    const limits = { requestTimeoutMs: 100, keepAliveMs: 100, heartbeatMs: 900 };
    const { url, view } = await startTestServer({ limits });
    const reader = await readEvents(`${url}/v1/events`);
    await expect.poll(() => reader.comments.length, { timeout: 5_000 }).toBeGreaterThan(1);
    view.tell(EVENTS.epoch);
    await expect.poll(() => reader.events.length).toBe(1);
    expect(reader.isClosed()).toBe(false);
  });

  test("an event that cannot be written harms neither who told of it nor the stream", async () => {
    const { url, view, failures } = await startTestServer();
    const reader = await readEvents(`${url}/v1/events`);
    const broken = { ...alert, raisedAt: undefined as unknown as bigint };
    view.tell({ topic: "alert", rollupId: null, answer: { data: broken } });
    view.tell(EVENTS.epoch);
    await expect.poll(() => reader.events.length).toBe(1);
    expect(reader.events[0]?.event).toBe("epoch");
    expect(failures).toMatchObject([{ part: "events" }]);
  });

  test("stopping ends every stream at once", async () => {
    const { server, url, view } = await startTestServer();
    const reader = await readEvents(`${url}/v1/events`);
    const begun = performance.now();
    await server.stop();
    expect(performance.now() - begun).toBeLessThan(1_000);
    await expect.poll(() => reader.isClosed()).toBe(true);
    expect(view.listenerCount()).toBe(0);
  });
});
