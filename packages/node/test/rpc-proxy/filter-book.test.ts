import type { Finality } from "@mach/api";
import { expect, it } from "vitest";
import {
  blockAt,
  certificatesOf,
  chainOf,
  finalAt,
  RawBody,
  type Reply,
  SILENCE,
  startNode,
  startRpc,
  type TestBlock,
} from "./rpc-world.ts";

const BLOCKS = [26n, 27n, 28n, 29n].map((number) => blockAt(number));
const logOf = (block: TestBlock) => ({ blockNumber: block.number, blockHash: block.hash });

/** A node that has the blocks, each with one log, and filters with ids of its own. */
function nodeOf(name: string): Reply {
  const chain = chainOf(...BLOCKS);
  return (asked) => {
    const [param] = asked.params;
    switch (asked.method) {
      case "eth_newFilter":
      case "eth_newBlockFilter":
        return "0x1";
      case "eth_getFilterChanges":
      case "eth_uninstallFilter":
        return [name, param];
      case "eth_getLogs":
        return logsOf(param as Readonly<Record<string, string>>);
      default:
        return chain(asked);
    }
  };
}

function logsOf({
  fromBlock = "0x0",
  toBlock = "0xff",
  blockHash,
}: Readonly<Record<string, string>>) {
  const isIn = ({ number, hash }: TestBlock) =>
    blockHash === undefined
      ? BigInt(number) >= BigInt(fromBlock) && BigInt(number) <= BigInt(toBlock)
      : hash === blockHash;
  return BLOCKS.filter(isIn).map(logOf);
}

/** A proxy whose newest fast-final block can be moved. */
async function start(...replies: readonly Reply[]) {
  return await startWith({}, ...replies);
}

async function startWith(
  options: Partial<Parameters<typeof startRpc>[0]>,
  ...replies: readonly Reply[]
) {
  const nodes = await Promise.all(replies.map(startNode));
  const at: { head: number; fault: Finality["reason"] } = { head: 0, fault: null };
  const standing = new Set(BLOCKS);
  const finality = () => {
    const block = BLOCKS[at.head];
    if (block === undefined) throw new RangeError("no such head");
    return { ok: true, value: finalAt(block, { reason: at.fault }) } as const;
  };
  const certificate = certificatesOf(standing);
  const urls = nodes.map(({ url }) => url);
  const rpc = await startRpc({ urls, maxFilters: 2, ...options }, { finality, certificate });
  return { ...rpc, nodes, at, standing };
}

it("a node's filter is asked of that node, under an id that no other has", async () => {
  const { call, nodes } = await start(nodeOf("first"), nodeOf("second"));
  const [first, second] = nodes;
  if (first === undefined || second === undefined) throw new Error("two nodes");
  const { result: one } = await call("eth_newBlockFilter");
  const healthy = first.reply;
  first.reply = () => new RawBody("", 503);
  const { result: two } = await call("eth_newFilter", [{}]);
  expect(one).not.toBe(two);
  first.reply = healthy;
  expect((await call("eth_getFilterChanges", [one])).result).toEqual(["first", "0x1"]);
  expect((await call("eth_getFilterChanges", [two])).result).toEqual(["second", "0x1"]);
  expect((await call("eth_newBlockFilter")).error.data.code).toBe("too-many-filters");
  await call("eth_uninstallFilter", [one]);
  expect((await call("eth_uninstallFilter", [one])).result).toBe(false);
  expect((await call("eth_getFilterChanges", [one])).error).toMatchObject({ code: -32000 });
  expect((await call("eth_newBlockFilter")).result).toMatch(/^0x[0-9a-f]{32}$/);
});

it("a filter to finalized gives each log once, as its block becomes fast-final", async () => {
  const { call, at } = await start(nodeOf("only"));
  const { result: id } = await call("eth_newFilter", [{ fromBlock: "0x1a", toBlock: "finalized" }]);
  const changes = async () => (await call("eth_getFilterChanges", [id])).result;
  expect(await changes()).toEqual([]);
  at.head = 2;
  expect(await changes()).toEqual(BLOCKS.slice(1, 3).map(logOf));
  expect(await changes()).toEqual([]);
  at.head = 3;
  const twice = (await Promise.all([changes(), changes()])).flat();
  expect(twice).toEqual(BLOCKS.slice(3).map(logOf));
  expect((await call("eth_getFilterLogs", [id])).result).toEqual(BLOCKS.map(logOf));
  expect((await call("eth_uninstallFilter", [id])).result).toBe(true);
});

it("a filter to finalized keeps what it could not give for the next time", async () => {
  const { call, nodes, at } = await start(nodeOf("only"));
  const { result: id } = await call("eth_newFilter", [{ toBlock: "finalized" }]);
  const [node] = nodes;
  if (node === undefined) throw new Error("one node");
  const healthy = node.reply;
  at.head = 1;
  node.reply = () => new RawBody("<html>");
  expect((await call("eth_getFilterChanges", [id])).error.data.code).toBe("upstream-unavailable");
  node.reply = healthy;
  at.head = 2;
  expect((await call("eth_getFilterChanges", [id])).result).toEqual(BLOCKS.slice(1, 3).map(logOf));
});

it("a filter that has told of a block which is contradicted then tells no more", async () => {
  const { call, at, standing } = await start(nodeOf("only"));
  const { result: id } = await call("eth_newFilter", [{ toBlock: "finalized" }]);
  at.head = 1;
  expect((await call("eth_getFilterChanges", [id])).result).toEqual(BLOCKS.slice(1, 2).map(logOf));
  const weights = { presentWeight: 22n, requiredWeight: 67n };
  at.fault = { code: "contradicted", blockNumber: 27n, ...weights, abstention: null };
  expect((await call("eth_getFilterChanges", [id])).error.data.code).toBe("contradicted");
  // L1 has passed it: what was told of height 27 is of a chain that is none.
  at.fault = null;
  at.head = 3;
  for (const block of [...standing].slice(0, 2)) standing.delete(block);
  for (let i = 0; i < 2; i++) {
    expect((await call("eth_getFilterChanges", [id])).error.data.code).toBe("filter-not-found");
  }
  const { result: next } = await call("eth_newFilter", [{ toBlock: "finalized" }]);
  expect((await call("eth_getFilterChanges", [next])).result).toEqual([]);
});

it("polls of a filter that nobody waits for any more ask no node", async () => {
  let isHeld = true;
  let isAsked = 0;
  const { call, at } = await startWith({ timeoutMs: 500 }, (asked) => {
    if (asked.method !== "eth_getLogs") return nodeOf("only")(asked);
    isAsked += 1;
    return isHeld ? SILENCE : nodeOf("only")(asked);
  });
  const { result: id } = await call("eth_newFilter", [{ toBlock: "finalized" }]);
  at.head = 2;
  const polls = Array.from({ length: 12 }, () => call("eth_getFilterChanges", [id]));
  const codes = (await Promise.all(polls)).map(({ error }) => error.data.code);
  expect(codes.filter((code) => code === "timeout").length).toBeGreaterThan(8);
  isHeld = false;
  const { result } = await call("eth_getFilterChanges", [id]);
  expect(result).toEqual(BLOCKS.slice(1, 3).map(logOf));
  expect(isAsked).toBeLessThan(4);
});

it("a filter from finalized begins at the certified height, on the certified chain", async () => {
  const { call, nodes } = await start(nodeOf("only"));
  await call("eth_newFilter", [{ fromBlock: "finalized", address: "0x1" }]);
  const asked = nodes[0]?.asked.find(({ method }) => method === "eth_newFilter");
  expect(asked?.params).toEqual([{ fromBlock: "0x1a", address: "0x1" }]);
});

it.each([
  [{ fromBlock: "soon", toBlock: "finalized" }, "invalid-params"],
  [{ blockHash: "0x1", toBlock: "finalized" }, "invalid-params"],
  [{ topics: ["finalized"], toBlock: "finalized" }, "unsupported-tag"],
  [{ topics: ["finalized"] }, "unsupported-tag"],
])("a filter of %j is refused", async (filter, code) => {
  const { call } = await start(nodeOf("only"));
  expect((await call("eth_newFilter", [filter])).error.data.code).toBe(code);
});
