import { expect, test } from "vitest";
import { addressOf, createClient } from "../src/client.ts";

/** A client whose only server is a function from an address to an answer. */
function clientOf(answer: (address: string) => Response | Promise<Response>) {
  const asked: string[] = [];
  const client = createClient({
    baseUrl: "http://127.0.0.1:4500",
    fetch: async (address) => {
      asked.push(String(address));
      return answer(String(address));
    },
  });
  return { client, asked };
}

test("params and query become the address", () => {
  expect(addressOf("finality", { rollupId: 901n })).toBe("/v1/rollups/901/finality");
  expect(addressOf("certificates", { rollupId: 901n, from: 7n, limit: 5 })).toBe(
    "/v1/rollups/901/certificates?from=7&limit=5",
  );
  expect(addressOf("certificates", { rollupId: 901n })).toBe("/v1/rollups/901/certificates");
  expect(addressOf("operatorSet", { epoch: "current" })).toBe("/v1/epochs/current");
});

test("a policy, and how long to wait, become a part of the address", async () => {
  const { client, asked } = clientOf(() =>
    Response.json({ code: "not-yet", message: "Keep polling." }, { status: 404 }),
  );
  const policy = { minWeightBps: 7500, minVerification: 2, minSignedWeight: 10n ** 20n } as const;
  await client.get("block", { rollupId: 901n, block: 7n, ...policy, wait: 20 });
  await client.get("finality", { rollupId: 901n, minBlockNumber: 7n });
  expect(asked.map((address) => address.slice("http://127.0.0.1:4500".length))).toEqual([
    "/v1/rollups/901/blocks/7?minWeightBps=7500&minVerification=2" +
      "&minSignedWeight=100000000000000000000&wait=20",
    "/v1/rollups/901/finality?minBlockNumber=7",
  ]);
});

test("an answer that is waited for has that much longer", async () => {
  const signals: AbortSignal[] = [];
  const client = createClient({
    baseUrl: "http://127.0.0.1:4500",
    timeoutMs: 1,
    fetch: async (_, init) => {
      const { signal } = init ?? {};
      if (!signal) throw new Error("no signal");
      signals.push(signal);
      return Response.json({ code: "not-yet", message: "" }, { status: 404 });
    },
  });
  await client.get("setUpdate", { epoch: 1n, wait: 30 });
  await client.get("setUpdate", { epoch: 1n });
  const [patient, hasty] = signals;
  if (hasty === undefined) throw new Error("not asked twice");
  if (!hasty.aborted) await new Promise((resolve) => hasty.addEventListener("abort", resolve));
  expect(patient?.aborted).toBe(false);
});

test("a batch is one request, and each read has the result of its own", async () => {
  const bodies: unknown[] = [];
  const client = createClient({
    baseUrl: "http://127.0.0.1:4500",
    fetch: async (address, init) => {
      expect(String(address)).toBe("http://127.0.0.1:4500/v1/batch");
      expect(init?.method).toBe("POST");
      bodies.push(JSON.parse(String(init?.body)));
      return Response.json({
        data: [
          { status: 200, body: { data: [], next: null } },
          { status: 404, body: { code: "not-yet", message: "" } },
          { status: 200, body: { data: "?" } },
        ],
      });
    },
  });
  const results = await client.batch([
    { id: "alerts", input: {} },
    { id: "certificate", input: { rollupId: 901n, blockNumber: 7n, minWeightBps: 9000 } },
    { id: "network", input: {} },
  ]);
  expect(results).toMatchObject([
    { ok: true, answer: { data: [], next: null } },
    { ok: false, code: "not-yet" },
    { ok: false, code: "bad-answer" },
  ]);
  expect(bodies).toEqual([
    {
      requests: ["/v1/alerts", "/v1/rollups/901/certificates/7?minWeightBps=9000", "/v1/network"],
    },
  ]);
});

test.each([
  ["too few answers", () => Response.json({ data: [] }), "bad-answer"],
  [
    "an error",
    () => Response.json({ code: "unavailable", message: "" }, { status: 503 }),
    "unavailable",
  ],
  ["no JSON", () => new Response("<html>"), "unreachable"],
])("a batch with %s is none for every read", async (_, answer, code) => {
  const { client } = clientOf(answer);
  const read = { id: "alerts", input: {} } as const;
  expect(await client.batch([read, read])).toMatchObject([
    { ok: false, code },
    { ok: false, code },
  ]);
});

test("an error of the API keeps its code", async () => {
  const { client, asked } = clientOf(() =>
    Response.json({ code: "not-yet", message: "Keep polling." }, { status: 404 }),
  );
  expect(await client.get("certificate", { rollupId: 901n, blockNumber: 7n })).toEqual({
    ok: false,
    code: "not-yet",
    message: "Keep polling.",
  });
  expect(asked).toEqual(["http://127.0.0.1:4500/v1/rollups/901/certificates/7"]);
});

test.each([
  ["another form", () => Response.json({ data: { rollupId: 901 } })],
  ["a field too many", () => Response.json({ data: [], extra: 1 })],
  ["an error without a code", () => Response.json({}, { status: 404 })],
  [
    "an error with another's code",
    () => Response.json({ code: "x", message: "" }, { status: 500 }),
  ],
])("an answer of %s is no answer", async (_, answer) => {
  const { client } = clientOf(answer);
  expect(await client.get("alerts", {})).toMatchObject({ ok: false, code: "bad-answer" });
});

test.each([
  ["no JSON", () => new Response("<html>")],
  ["no UTF-8", () => new Response(new Uint8Array([0xff]))],
  ["nothing", () => new Response(null)],
  ["a broken connection", () => Promise.reject(new TypeError("fetch failed"))],
])("%s is unreachable, not an empty list", async (_, answer) => {
  const { client } = clientOf(answer);
  expect(await client.get("alerts", {})).toMatchObject({ ok: false, code: "unreachable" });
});

test("an answer without end is given up", async () => {
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += 1;
      controller.enqueue(new Uint8Array(1 << 20).fill(32));
    },
  });
  const { client } = clientOf(() => new Response(endless));
  expect(await client.get("alerts", {})).toMatchObject({ ok: false, code: "unreachable" });
  expect(sent).toBeLessThan(80);
});
