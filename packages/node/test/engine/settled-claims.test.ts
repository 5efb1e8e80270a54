import type { Alert } from "@mach/api";
import { type Claim, finalityOf, type Hex, keccak256Text, type Stack, uintWord } from "@mach/core";
import { stackOf } from "@mach/rollups";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCdkChain } from "../../../../scripts/local-network/replay/cdk-chain.ts";
import { createZkChain } from "../../../../scripts/local-network/replay/era-chain.ts";
import { createOrbitChain } from "../../../../scripts/local-network/replay/orbit-chain.ts";
import { startRpcServer } from "../../../../scripts/local-network/replay/rpc-server.ts";
import type { RawBlock, Script } from "../../../../scripts/local-network/replay/script.ts";
import { createAlerts } from "../../src/alerts.ts";
import { createSettledClaims, type SettledClaims } from "../../src/engine/settled-claims.ts";
import type { Store } from "../../src/store/store.ts";
import {
  certify,
  claimAt,
  createEngineNode,
  type EngineNode,
  memoryStore,
  PARAMETERS,
  useVerifier,
} from "./engine-node.ts";
import {
  assertionConfirmed,
  batchExecuted,
  batchVerified,
  CONTRACT,
  createSettledL1,
  gameCreated,
  REGISTRY,
  type SettledL1,
} from "./settled-l1.ts";

const ROLLUP_ID = 7n;
const POLL = { interval: 5, timeout: 20_000 };
const [ROOT, OTHER] = ["root", "other"].map(keccak256Text) as [Hex, Hex];
const verifier = useVerifier();

interface Followed {
  readonly settled: SettledClaims;
  readonly node: EngineNode;
  readonly store: Store;
  standing(): readonly string[];
  status(): ReturnType<SettledClaims["status"]>;
}

/** Follows what an L1 settles of one rollup, whose nodes answer by a script. */
async function follow(
  l1: SettledL1,
  stack: Stack,
  options: { readonly script?: Script; readonly store?: Store; readonly configured?: Hex } = {},
): Promise<Followed> {
  const server = await startRpcServer(options.script ?? {});
  const kept = new Map<string, Alert>();
  const alerts = createAlerts({
    publish: (alert) => kept.set(alert.alertId, alert),
    now: () => Date.now(),
  });
  const store = options.store ?? memoryStore();
  const rollups = [{ rollupId: ROLLUP_ID, lastSigned: null }];
  const node = createEngineNode({ verifier: verifier(), store, engine: { rollups } });
  for (const contradiction of await store.contradictions(ROLLUP_ID)) {
    node.shell.restore({ type: "contradiction-restored", rollupId: ROLLUP_ID, contradiction });
  }
  const settled = createSettledClaims(
    {
      l1: l1.view,
      engine: node.shell,
      store,
      alerts,
      log: () => undefined,
      onFatal: (error) => node.fatal.push(error),
    },
    {
      registry: REGISTRY,
      rollups: [
        {
          ...{ rollupId: ROLLUP_ID, rpcUrls: [`http://127.0.0.1:${server.port}`], wsUrls: [] },
          ...{ agree: 1, pollMs: 20, timeoutMs: 2_000 },
          ...(options.configured && { settlementContract: options.configured }),
        },
      ],
      ...{ pollMs: 5, lookbackBlocks: 1_000, spanBlocks: 50 },
    },
  );
  onTestFinished(async () => {
    await settled.stop();
    await server.close();
    expect(node.fatal).toEqual([]);
  });
  settled.onParameters(3n, [{ ...PARAMETERS, rollupId: ROLLUP_ID, stack }]);
  return {
    settled,
    node,
    store,
    status: () => settled.status(ROLLUP_ID),
    standing: () =>
      [...kept.values()].filter((each) => each.clearedAt === null).map(({ code }) => code),
  };
}

function blocksOf(chain: { advance(timestamp: bigint): RawBlock }, count: number): RawBlock[] {
  return Array.from({ length: count }, (_, i) => chain.advance(1_800_000_000n + BigInt(i)));
}

/** The claim that an operator makes of a block, as its stack reads it. */
function claimOf(stack: Stack, block: RawBlock | undefined, change: Partial<Claim> = {}): Claim {
  const checked = stackOf(stack).checkBlock(block);
  if (!checked.ok) throw new Error(checked.code);
  const { blockNumber, blockHash, stateRoot, outputRoot } = checked.block;
  const roots = { stateRoot, outputRoot: outputRoot ?? stateRoot };
  return { ...claimAt(1n), rollupId: ROLLUP_ID, blockNumber, blockHash, ...roots, ...change };
}

function certificateOf(claim: Claim) {
  return certify(claim, [0, 1, 2, 3]);
}

function assertionOf(at: number, block: RawBlock | undefined) {
  const { hash: blockHash, sendRoot } = block as RawBlock & { readonly sendRoot: Hex };
  return assertionConfirmed(at, { blockHash, sendRoot });
}

describe("what L1 confirms", () => {
  it("agrees with the certificate at its height, and with one above it by the headers", async () => {
    const chain = createOrbitChain(ROLLUP_ID);
    const blocks = blocksOf(chain, 12);
    const l1 = createSettledL1();
    l1.events.push(assertionOf(40, blocks[3]), assertionOf(90, blocks[5]));
    const store = memoryStore();
    await store.putCertificate(certificateOf(claimOf("orbit", blocks[3])));
    await store.putCertificate(certificateOf(claimOf("orbit", blocks[9])));
    const { status, settled, standing } = await follow(l1, "orbit", { ...chain, store });
    await expect.poll(() => status().agreed, POLL).toBe(2);
    expect(status()).toMatchObject({
      ...{ code: null, contract: CONTRACT, contradicted: 0, uncertified: 0, isDisputed: false },
      newest: { verdict: "agrees", blockNumber: BigInt(blocks[5]?.number ?? 0) },
    });
    await expect.poll(() => status().l1BlockNumber, POLL).toBe(100n);
    expect(settled.trustsFinalized(ROLLUP_ID)).toBe(true);
    expect(standing()).toEqual([]);
  });

  it("contradicts every certificate from there on, until the nodes follow L1", async () => {
    const [chain, other] = [createOrbitChain(ROLLUP_ID), createOrbitChain(8n)];
    const [blocks, others] = [blocksOf(chain, 12), blocksOf(other, 12)];
    const byHash = (name: string) => (params: readonly unknown[]) =>
      chain.script[name]?.(params) ?? other.script[name]?.(params);
    let canonical = chain.script["eth_getBlockByNumber"];
    const script: Script = {
      ...chain.script,
      eth_getBlockByHash: byHash("eth_getBlockByHash"),
      eth_getBlockByNumber: (params) => canonical?.(params),
    };
    const l1 = createSettledL1();
    l1.events.push(assertionOf(40, blocks[3]), assertionOf(90, others[5]));
    const store = memoryStore();
    const claims = [3, 5, 7].map((at) => claimOf("orbit", blocks[at]));
    for (const claim of claims) await store.putCertificate(certificateOf(claim));
    const { status, settled, standing, node } = await follow(l1, "orbit", { script, store });
    await expect.poll(() => status(), POLL).toMatchObject({ contradicted: 1, l1BlockNumber: 100n });
    const [shared, first, last] = claims.map(({ blockNumber }) => blockNumber);
    expect(await store.contradictions(ROLLUP_ID)).toMatchObject([
      {
        fromBlockNumber: (shared ?? 0n) + 1n,
        throughBlockNumber: last,
        claims: [{ blockNumber: first }, { blockNumber: last }],
      },
    ]);
    expect(finalityOf(node.shell.state(), ROLLUP_ID, 0)?.reason?.code).toBe("contradicted");
    expect(standing()).toEqual(["settlement-contradicts"]);
    expect(settled.trustsFinalized(ROLLUP_ID)).toBe(false);
    expect(status().isDisputed).toBe(true);
    canonical = other.script["eth_getBlockByNumber"];
    await expect.poll(() => status().isDisputed, POLL).toBe(false);
    expect(settled.trustsFinalized(ROLLUP_ID)).toBe(true);

    // A restart, where the nodes do not know L1's block: that it was read does not settle it.
    await settled.stop();
    const again = await follow(l1, "orbit", { script: chain.script, store });
    await expect.poll(() => again.status(), POLL).toMatchObject({ l1BlockNumber: 100n });
    await expect.poll(() => again.status().code, POLL).toBe("missing");
    const { reads } = l1;
    await expect.poll(() => l1.reads, POLL).toBeGreaterThan(reads + 1);
    expect(again.settled.trustsFinalized(ROLLUP_ID)).toBe(false);
  });

  it("is compared by its output root alone where L1 names no hash", async () => {
    const l1 = createSettledL1();
    l1.answers.set("l2BlockNumber()", uintWord(30));
    l1.events.push(gameCreated(50, ROOT));
    const store = memoryStore();
    const op = (outputRoot: Hex): Claim => ({
      ...claimAt(30n),
      ...{ rollupId: ROLLUP_ID, outputRoot },
    });
    await store.putCertificate(certificateOf(op(OTHER)));
    const first = await follow(l1, "op", { store });
    await expect.poll(() => first.status().contradicted, POLL).toBe(1);
    await first.settled.stop();
    const kept = await store.contradictions(ROLLUP_ID);
    expect(kept).toHaveLength(1);

    // A restart: known, not stored again, and nothing is trusted before L1 was read again.
    l1.failure = "unavailable";
    const again = await follow(l1, "op", { store });
    expect(again.settled.trustsFinalized(ROLLUP_ID)).toBe(false);
    l1.failure = null;
    await expect
      .poll(() => again.status(), POLL)
      .toMatchObject({ contradicted: 1, l1BlockNumber: 100n });
    expect(again.settled.trustsFinalized(ROLLUP_ID)).toBe(false);
    expect(await store.contradictions(ROLLUP_ID)).toEqual(kept);
    expect(again.standing()).toContain("settlement-contradicts");
    expect(again.node.announced).toEqual([]);

    const agreeing = memoryStore();
    await agreeing.putCertificate(certificateOf(op(ROOT)));
    const fine = await follow(l1, "op", { store: agreeing });
    await expect.poll(() => fine.status().agreed, POLL).toBe(1);
  });

  it("is compared by batch, with the certificate of the batch's last block", async () => {
    for (const [stack, create, event] of [
      ["cdk", createCdkChain, batchVerified],
      ["zk", createZkChain, batchExecuted],
    ] as const) {
      const chain = create(ROLLUP_ID);
      const blocks = blocksOf(chain, 24);
      const method = stack === "cdk" ? "zkevm_getBatchByNumber" : "zks_getL1BatchDetails";
      const told = chain.script[method]?.([2]) as { stateRoot?: Hex; rootHash?: Hex };
      const root = told.stateRoot ?? told.rootHash ?? "0x";
      const { place } = await lastBlockOf(stack, chain.script);
      const block = blocks.find((each) => BigInt(each.number) === place);
      const claim = (stateRoot: Hex) =>
        claimOf(stack, block, { stateRoot, ...(stack === "zk" && { outputRoot: stateRoot }) });
      for (const [certified, verdict] of [
        [root, "agrees"],
        [OTHER, "contradicts"],
      ] as const) {
        const l1 = createSettledL1();
        l1.events.push(event(50, 2n, root));
        const store = memoryStore();
        await store.putCertificate(certificateOf(claim(certified)));
        const options = { ...chain, store, configured: CONTRACT };
        const { status } = await follow(l1, stack, options);
        await expect.poll(() => status().newest?.verdict, POLL).toBe(verdict);
      }
    }
  });

  it("is only noted where no certificate covers it, and compared when one comes", async () => {
    const l1 = createSettledL1();
    l1.answers.set("l2BlockNumber()", uintWord(30));
    l1.events.push(gameCreated(50, ROOT));
    const { status, store } = await follow(l1, "op");
    await expect.poll(() => status().uncertified, POLL).toBe(1);
    const claim = { ...claimAt(30n), rollupId: ROLLUP_ID, outputRoot: ROOT };
    await store.putCertificate(certificateOf(claim));
    await expect.poll(() => status(), POLL).toMatchObject({ agreed: 1, uncertified: 0 });
  });
});

async function lastBlockOf(stack: "cdk" | "zk", script: Script): Promise<{ place: bigint }> {
  if (stack === "zk") {
    const range = script["zks_getL1BatchBlockRange"]?.([2]) as readonly Hex[] | undefined;
    return { place: BigInt(range?.[1] ?? -1) };
  }
  const batch = script["zkevm_getBatchByNumber"]?.([2]) as { readonly blocks: readonly Hex[] };
  const last = script["eth_getBlockByHash"]?.([batch.blocks.at(-1)]) as RawBlock;
  return { place: BigInt(last.number) };
}

describe("nothing is compared, and the reason is told,", () => {
  it("while L1 does not answer, refuses, or its contract is another chain's", async () => {
    const l1 = createSettledL1();
    l1.failure = "unavailable";
    const { status, standing, settled } = await follow(l1, "orbit");
    await expect.poll(() => status().code, POLL).toBe("l1-unavailable");
    await expect.poll(() => standing(), POLL).toEqual(["settlement-not-read"]);
    l1.failure = "refused";
    await expect.poll(() => status().code, POLL).toBe("refused");
    l1.failure = null;
    l1.answers.set("chainId()", uintWord(8));
    await expect.poll(() => status().code, POLL).toBe("wrong-chain");
    l1.answers.set("chainId()", uintWord(7));
    await expect.poll(() => status().code, POLL).toBeNull();
    expect(status()).toMatchObject({ agreed: 0, contradicted: 0 });
    expect(settled.trustsFinalized(ROLLUP_ID)).toBe(true);
  });

  it("while the rollup's nodes do not know the block that L1 confirms", async () => {
    const [chain, other] = [createOrbitChain(ROLLUP_ID), createOrbitChain(8n)];
    const [blocks, others] = [blocksOf(chain, 12), blocksOf(other, 12)];
    const l1 = createSettledL1();
    l1.events.push(assertionOf(90, others[5]));
    const store = memoryStore();
    await store.putCertificate(certificateOf(claimOf("orbit", blocks[5])));
    const { status, standing } = await follow(l1, "orbit", { ...chain, store });
    await expect.poll(() => status().code, POLL).toBe("missing");
    // It stays the reason between two readings.
    await expect.poll(() => l1.reads, POLL).toBeGreaterThan(4);
    expect(status()).toMatchObject({ code: "missing", agreed: 0, contradicted: 0, newest: null });
    await expect.poll(() => standing(), POLL).toEqual(["settlement-not-read"]);
  });

  it("where neither the registry nor the configuration names a contract", async () => {
    const l1 = createSettledL1();
    const { status, standing, settled } = await follow(l1, "zk");
    await expect.poll(() => status().code, POLL).toBe("no-settlement-source");
    expect(standing()).toEqual([]);
    expect(l1.reads).toBe(0);
    expect(settled.trustsFinalized(ROLLUP_ID)).toBe(true);
    expect((await follow(l1, "evm")).status().code).toBe("no-settlement-source");
  });
});
