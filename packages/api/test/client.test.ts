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
