import { expect, it } from "vitest";
import { createSharedFetch, readText } from "../../src/badge/shared-fetch.ts";

const ORIGIN = "https://a.example";

/** A `fetch` of one node, and what it was asked for. */
function nodeThat(answer: (path: string) => Response | Promise<Response>) {
  const asked: string[] = [];
  let nowMs = 0;
  const fetch = createSharedFetch({
    now: () => nowMs,
    async fetch(input, init) {
      const { pathname, search } = new URL(String(input));
      asked.push(`${init?.method ?? "GET"} ${pathname}${search}`);
      if (pathname !== "/v1/batch") return await answer(pathname);
      const { requests } = JSON.parse(String(init?.body)) as { requests: readonly string[] };
      return await answer(`batch of ${requests.length}`);
    },
  });
  const read = async (path: string): Promise<string> =>
    await (await fetch(new URL(path, ORIGIN))).text();
  return { asked, read, fetch, skip: (ms: number) => (nowMs += ms) };
}

const block = (height: number): string => `/v1/rollups/901/blocks/${height}`;
const item = (status: number, body: object) => ({ status, body });

it("one address that several ask at one moment is asked once, and later anew", async () => {
  const node = nodeThat((path) => Response.json({ path }));
  const transaction = "/v1/rollups/901/transactions/0x12";
  const both = await Promise.all([node.read(transaction), node.read(transaction)]);
  expect(both[0]).toBe(both[1]);
  expect(node.asked).toHaveLength(1);
  const early = node.read(transaction);
  node.skip(21);
  await Promise.all([early, node.read(transaction)]);
  expect(node.asked).toHaveLength(3);
});

it("blocks are asked for together, and each gets the answer of its own place", async () => {
  const data = [item(200, { data: 1 }), item(404, { code: "not-yet" })];
  const node = nodeThat(() => Response.json({ data }));
  const [first, second] = await Promise.all(
    [1, 2].map((height) => node.fetch(`${ORIGIN}${block(height)}`)),
  );
  expect(await first?.json()).toEqual({ data: 1 });
  expect([second?.status, await second?.json()]).toEqual([404, { code: "not-yet" }]);
  expect(node.asked).toEqual(["POST /v1/batch"]);
});

it("a batch has 32 addresses at most", async () => {
  const data = (count: number) => Array.from({ length: count }, () => item(200, {}));
  const node = nodeThat((path) => Response.json({ data: data(Number(path.slice(9))) }));
  await Promise.all(Array.from({ length: 40 }, (_, height) => node.read(block(height))));
  expect(node.asked).toEqual(["POST /v1/batch", "POST /v1/batch"]);
});

it.each([
  ["refused", () => new Response("", { status: 405 })],
  ["no JSON", () => new Response("<html>")],
  ["too short", () => Response.json({ data: [item(200, {})] })],
  ["of no items", () => Response.json({ data: [1, 2] })],
])("what a batch would have told is asked for alone where it is %s", async (_, batch) => {
  const node = nodeThat((path) => (path.startsWith("batch") ? batch() : Response.json({ path })));
  const said = await Promise.all([node.read(block(1)), node.read(block(2))]);
  expect(said.map((text) => JSON.parse(text))).toEqual([{ path: block(1) }, { path: block(2) }]);
  await Promise.all([node.read(block(3)), node.read(block(4))]);
  expect(node.asked.filter((path) => path.includes("batch"))).toHaveLength(1);
});

it("a node that is down rejects each of a batch, once", async () => {
  const node = nodeThat(() => Promise.reject(new TypeError("down")));
  const said = await Promise.allSettled([node.read(block(1)), node.read(block(2))]);
  expect(said.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(node.asked).toHaveLength(1);
});

it("events, waits, posts and other addresses pass as they are", async () => {
  const node = nodeThat(() => Response.json({}));
  const paths = ["/v1/events?topics=finality", `${block(1)}?wait=20`, "/rpc/901"];
  for (const path of paths) await node.read(path);
  await node.fetch(`${ORIGIN}${block(1)}`, { method: "POST" });
  expect(node.asked).toEqual([...paths.map((path) => `GET ${path}`), `POST ${block(1)}`]);
});

it("a body that is too long, or no text, is given up", async () => {
  await expect(readText(new Response("12345"), 4)).rejects.toThrow(RangeError);
  await expect(readText(new Response(new Uint8Array([255])))).rejects.toThrow(TypeError);
});
