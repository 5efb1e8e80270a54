import { type Hex, keccak256Text, uintWord, ZERO_HASH } from "@mach/core";
import { Interface, id } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSettledExitRoots } from "../src/agglayer.ts";
import { orbitOutputRoot } from "../src/orbit.ts";
import {
  compareWithSettled,
  type SettledRoot,
  type SettlementContracts,
  type SettlementQuery,
} from "../src/settlement.ts";
import type { NodeAnswer } from "../src/stack.ts";
import { stackOf } from "../src/stacks.ts";
import { orbitCases } from "./support/vectors.ts";

const CONTRACT: Hex = `0x${"c0".repeat(20)}`;
const REGISTRY: Hex = `0x${"a5".repeat(20)}`;
const GAME: Hex = `0x${"9a".repeat(20)}`;
const STATE_AT = keccak256Text("finalised L1 block");
const [ROOT, HASH, OTHER] = ["root", "block hash", "other"].map(keccak256Text) as [Hex, Hex, Hex];

const events = new Interface([
  "event DisputeGameCreated(address indexed disputeProxy, uint32 indexed gameType, bytes32 indexed rootClaim)",
  "event AssertionConfirmed(bytes32 indexed assertionHash, bytes32 blockHash, bytes32 sendRoot)",
  "event VerifyBatchesTrustedAggregator(uint32 indexed rollupID, uint64 numBatch, bytes32 stateRoot, bytes32 exitRoot, address indexed aggregator)",
  "event VerifyPessimisticStateTransition(uint32 indexed rollupID, bytes32 prevPessimisticRoot, bytes32 newPessimisticRoot, bytes32 prevLocalExitRoot, bytes32 newLocalExitRoot, bytes32 l1InfoRoot, address indexed trustedAggregator)",
  "event BlockCommit(uint256 indexed batchNumber, bytes32 indexed batchHash, bytes32 indexed commitment)",
  "event BlockExecution(uint256 indexed batchNumber, bytes32 indexed batchHash, bytes32 indexed commitment)",
  "event BlocksRevert(uint256 totalBatchesCommitted, uint256 totalBatchesVerified, uint256 totalBatchesExecuted)",
  "function isGameClaimValid(address) view returns (bool)",
  "function l2ChainId() view returns (uint256)",
  "function l2BlockNumber() view returns (uint256)",
]);

const CONTRACTS: Readonly<Record<string, SettlementContracts>> = {
  op: {
    stack: "op",
    rollupId: 10n,
    disputeGameFactory: CONTRACT,
    anchorStateRegistry: REGISTRY,
  },
  orbit: { stack: "orbit", rollup: CONTRACT },
  cdk: { stack: "cdk", rollupManager: CONTRACT, rollupIndex: 3n },
  zk: { stack: "zk", diamond: CONTRACT },
};

let logIndex = 0;
function log(name: string, values: readonly unknown[], change: object = {}): object {
  const { topics, data } = events.encodeEventLog(name, values);
  return {
    address: CONTRACT,
    topics,
    data,
    blockNumber: "0x10",
    logIndex: `0x${(logIndex++).toString(16)}`,
    transactionHash: OTHER,
    ...change,
  };
}

/** An L1 node with these logs; `views` answers calls by their call data. */
function l1(logs: unknown, views: Readonly<Record<string, NodeAnswer>> = {}) {
  const asked: unknown[][] = [];
  const call = (method: string, params: readonly unknown[]): Promise<NodeAnswer> => {
    asked.push([method, ...params]);
    if (method === "eth_getLogs") return Promise.resolve({ ok: true, value: logs });
    const { to, data } = params[0] as { to: Hex; data: Hex };
    return Promise.resolve(views[`${to} ${data}`] ?? { ok: false, code: "unavailable" });
  };
  return Object.assign(call, { asked });
}

function read(stack: "op" | "orbit" | "cdk" | "zk", node: ReturnType<typeof l1>) {
  const contracts = CONTRACTS[stack];
  const { readSettled } = stackOf(stack);
  if (contracts === undefined || readSettled === null) throw new Error("no settlement");
  const query: SettlementQuery = { contracts, fromBlock: 1n, toBlock: 100n, stateAt: STATE_AT };
  return readSettled(node, query);
}

describe("op: a dispute game", () => {
  const created = log("DisputeGameCreated", [GAME, 0, ROOT]);
  const isValid = `${REGISTRY} ${events.encodeFunctionData("isGameClaimValid", [GAME])}`;
  const blockNumber = `${GAME} ${events.encodeFunctionData("l2BlockNumber")}`;
  const chainId = `${GAME} ${events.encodeFunctionData("l2ChainId")}`;
  const answer = (value: Hex): NodeAnswer => ({ ok: true, value });
  const valid = {
    [isValid]: answer(uintWord(1)),
    [chainId]: answer(uintWord(10)),
    [blockNumber]: answer(uintWord(9_000)),
  };

  it("settles its root where the anchor registry calls the claim valid", async () => {
    const node = l1([created], valid);
    expect(await read("op", node)).toEqual({
      ok: true,
      roots: [
        {
          standing: "confirmed",
          subject: { by: "number", blockNumber: 9_000n },
          root: ROOT,
          l1BlockNumber: 16n,
          transactionHash: OTHER,
        },
      ],
      revertedTo: null,
      undecided: 0,
    });
    expect(node.asked[0]).toEqual([
      "eth_getLogs",
      {
        address: CONTRACT,
        topics: [[id("DisputeGameCreated(address,uint32,bytes32)")]],
        fromBlock: "0x1",
        toBlock: "0x64",
      },
    ]);
    // The state that decides is pinned by hash.
    for (const [, , at] of node.asked.slice(1)) {
      expect(at).toEqual({ blockHash: STATE_AT, requireCanonical: true });
    }
  });

  it("settles nothing where it is not valid, whatever it says of itself", async () => {
    const node = l1([created], { ...valid, [isValid]: answer(ZERO_HASH) });
    const undecided = { ok: true, roots: [], revertedTo: null, undecided: 1 };
    expect(await read("op", node)).toEqual(undecided);
    expect(node.asked).toHaveLength(2);
  });

  it("settles nothing of another rollup that shares the contracts, or of several", async () => {
    const nothing = { ok: true, roots: [], revertedTo: null, undecided: 0 };
    const other = { ...valid, [chainId]: answer(uintWord(11)) };
    expect(await read("op", l1([created], other))).toEqual(nothing);
    const several: NodeAnswer = { ok: false, code: "refused", number: 3 };
    expect(await read("op", l1([created], { ...valid, [chainId]: several }))).toEqual(nothing);
  });

  it("settles nothing with a number that is no block's, or without one", async () => {
    const garbage = { ...valid, [blockNumber]: answer(`0x${"f".repeat(64)}`) };
    expect(await read("op", l1([created], garbage))).toMatchObject({ ok: true, roots: [] });
    const superRoot: NodeAnswer = { ok: false, code: "refused", number: 3 };
    const without = { ...valid, [blockNumber]: superRoot };
    expect(await read("op", l1([created], without))).toMatchObject({ ok: true, roots: [] });
  });

  it("is no answer while L1 does not give one", async () => {
    expect(await read("op", l1([created]))).toEqual({ ok: false, code: "unavailable" });
    const limited: NodeAnswer = { ok: false, code: "refused", number: -32_005 };
    const busy = { ...valid, [blockNumber]: limited };
    expect(await read("op", l1([created], busy))).toMatchObject({ ok: false, code: "refused" });
    const html = { ...valid, [isValid]: answer("0x02") };
    expect(await read("op", l1([created], html))).toEqual({ ok: false, code: "malformed" });
  });
});

describe("orbit: a confirmed assertion", () => {
  it("settles the output root of its block hash and send root", async () => {
    const confirmed = log("AssertionConfirmed", [OTHER, HASH, ROOT]);
    expect(await read("orbit", l1([confirmed]))).toMatchObject({
      ok: true,
      roots: [
        {
          standing: "confirmed",
          subject: { by: "hash", blockHash: HASH },
          root: orbitOutputRoot({ blockHash: HASH, sendRoot: ROOT }),
        },
      ],
    });
  });
});

describe("cdk: a verified batch", () => {
  const verified = log("VerifyBatchesTrustedAggregator", [3, 77, ROOT, HASH, GAME]);

  it("settles state root and local exit root of this rollup", async () => {
    const node = l1([verified]);
    expect(await read("cdk", node)).toMatchObject({
      ok: true,
      roots: [{ subject: { by: "batch", batchNumber: 77n }, root: ROOT, exitRoot: HASH }],
    });
    expect(node.asked[0]?.[1]).toMatchObject({ topics: [[expect.any(String)], uintWord(3)] });
  });

  it("of another rollup is not what was asked for", async () => {
    const other = log("VerifyBatchesTrustedAggregator", [4, 77, ROOT, HASH, GAME]);
    expect(await read("cdk", l1([other]))).toEqual({ ok: false, code: "malformed" });
  });
});

describe("cdk: a certificate that L1 has accepted", () => {
  const event = "VerifyPessimisticStateTransition";
  const contracts = CONTRACTS["cdk"] as SettlementContracts;
  const query = { contracts, fromBlock: 1n, toBlock: 100n, stateAt: STATE_AT };
  const transition = (network: number, change: object = {}) =>
    log(event, [network, OTHER, OTHER, HASH, ROOT, STATE_AT, GAME], change);

  it("moves the local exit root of this rollup", async () => {
    expect(await readSettledExitRoots(l1([transition(3)]), query)).toEqual({
      ok: true,
      exitRoots: [
        {
          previousLocalExitRoot: HASH,
          newLocalExitRoot: ROOT,
          l1InfoRoot: STATE_AT,
          l1BlockNumber: 16n,
          transactionHash: OTHER,
        },
      ],
    });
  });

  it("is malformed of another rollup, or cut short", async () => {
    for (const bad of [transition(4), transition(3, { data: "0x" })]) {
      expect(await readSettledExitRoots(l1([bad]), query)).toEqual({
        ok: false,
        code: "malformed",
      });
    }
    const other = { ...query, contracts: CONTRACTS["zk"] as SettlementContracts };
    await expect(readSettledExitRoots(l1([]), other)).rejects.toThrow(RangeError);
  });
});

describe("zk: a batch", () => {
  const commit = (batch: number, change = {}) => log("BlockCommit", [batch, ROOT, OTHER], change);

  it("is committed, then executed", async () => {
    const logs = [commit(5), log("BlockExecution", [5, ROOT, OTHER])];
    expect(await read("zk", l1(logs.toReversed()))).toMatchObject({
      ok: true,
      roots: [
        { standing: "committed", subject: { by: "batch", batchNumber: 5n }, root: ROOT },
        { standing: "confirmed", subject: { by: "batch", batchNumber: 5n }, root: ROOT },
      ],
      revertedTo: null,
      undecided: 0,
    });
  });

  it("above a revert is taken back, and not one that was committed again", async () => {
    const logs = [commit(5), commit(6), log("BlocksRevert", [5, 4, 4]), commit(6)];
    const answer = await read("zk", l1(logs.toReversed()));
    expect(answer).toMatchObject({ ok: true, revertedTo: 5n });
    const batches = answer.ok ? answer.roots.map(({ subject }) => subject) : [];
    expect(batches).toEqual([
      { by: "batch", batchNumber: 5n },
      { by: "batch", batchNumber: 6n },
    ]);
  });
});

describe("the logs of L1", () => {
  const confirmed = log("AssertionConfirmed", [OTHER, HASH, ROOT]);

  it.each([
    ["another contract's", { address: REGISTRY }],
    ["another event's", { topics: [OTHER] }],
    ["of a block out of range", { blockNumber: "0x65" }],
    ["of a block that L1 has left", { removed: true }],
    ["without their place", { logIndex: null }],
    ["cut short", { data: "0x12" }],
    ["with a word too many", { data: `0x${"11".repeat(96)}` }],
    ["with many topics", { topics: Array(5).fill(OTHER) }],
  ])("are malformed where one is %s", async (_, change) => {
    expect(await read("orbit", l1([{ ...confirmed, ...change }]))).toEqual({
      ok: false,
      code: "malformed",
    });
  });

  it("are refused in bulk: fewer L1 blocks are asked for then", async () => {
    const many = Array.from({ length: 2_001 }, () => confirmed);
    expect(await read("orbit", l1(many))).toEqual({ ok: false, code: "too-many" });
    const games = Array.from({ length: 257 }, () => log("DisputeGameCreated", [GAME, 0, ROOT]));
    expect(await read("op", l1(games))).toEqual({ ok: false, code: "too-many" });
  });

  it("are parsed or refused, never thrown over", async () => {
    const field = fc.constantFrom(...Object.keys(confirmed), "removed");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("op", "orbit", "cdk", "zk"),
        field,
        fc.jsonValue(),
        async (stack, name, value) => {
          for (const logs of [value, [value], [{ ...confirmed, [name]: value }]]) {
            const answer = await read(stack, l1(logs));
            if (!answer.ok) expect(["malformed", "unavailable"]).toContain(answer.code);
          }
        },
      ),
    );
  });

  it("of another stack's contracts are not read", async () => {
    const contracts = CONTRACTS["zk"] as SettlementContracts;
    const query = { contracts, fromBlock: 1n, toBlock: 2n, stateAt: STATE_AT };
    for (const stack of ["op", "orbit", "cdk"] as const) {
      await expect(stackOf(stack).readSettled?.(l1([]), query)).rejects.toThrow(RangeError);
    }
  });
});

describe("a block beside what L1 holds", () => {
  const [orbit] = orbitCases;
  const checked = stackOf("orbit").checkBlock(orbit?.header);
  if (!checked.ok) throw new Error(checked.code);
  const { block } = checked;
  const { blockNumber, blockHash, outputRoot, stateRoot } = block;
  if (outputRoot === null) throw new Error("no output root");
  const at = (subject: SettledRoot["subject"], root: Hex) =>
    compareWithSettled(
      block,
      { standing: "confirmed", subject, root, l1BlockNumber: 1n, transactionHash: OTHER },
      7n,
    );

  it("agrees by its number, its hash or its batch, or contradicts", () => {
    expect(at({ by: "hash", blockHash }, outputRoot)).toBe("agrees");
    expect(at({ by: "hash", blockHash }, ROOT)).toBe("contradicts");
    expect(at({ by: "number", blockNumber }, outputRoot)).toBe("agrees");
    expect(at({ by: "number", blockNumber }, ROOT)).toBe("contradicts");
    expect(at({ by: "batch", batchNumber: 7n }, stateRoot)).toBe("agrees");
    expect(at({ by: "batch", batchNumber: 7n }, ROOT)).toBe("contradicts");
  });

  it("is not what roots of other blocks are about", () => {
    expect(at({ by: "hash", blockHash: HASH }, ROOT)).toBe("elsewhere");
    expect(at({ by: "number", blockNumber: blockNumber + 1n }, ROOT)).toBe("elsewhere");
    expect(at({ by: "batch", batchNumber: 8n }, ROOT)).toBe("elsewhere");
  });

  it("contradicts nothing while its own root is not known", () => {
    const subject = { by: "number", blockNumber } as const;
    const settled = { standing: "confirmed", subject, root: ROOT, l1BlockNumber: 1n } as const;
    const unknown = { ...block, outputRoot: null, unverifiable: "needs-proof" } as const;
    const root = { ...settled, transactionHash: OTHER };
    expect(compareWithSettled(unknown, root, null)).toBe("elsewhere");
    const batch = { ...root, subject: { by: "batch", batchNumber: 7n } } as const;
    expect(compareWithSettled(unknown, batch, 7n)).toBe("elsewhere");
    expect(compareWithSettled({ ...block, isWithinBatch: true }, batch, 7n)).toBe("elsewhere");
  });
});
