import { afterEach, describe, expect, it } from "vitest";
import { createMachClient, type MachClient } from "../src/index.ts";
import { type ReplayedNode, startNode } from "./replayed-node.ts";
import {
  blockStatus,
  certify,
  chainTo,
  claimOf,
  finalityStatus,
  forge,
  headersBetween,
  NETWORK,
  NOW,
  ROLLUP,
  setOf,
  type TestBlock,
} from "./signed-network.ts";

const nodes: ReplayedNode[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

const CHAIN = chainTo(12);
const CERTIFIED = blockAt(CHAIN, 10);
const CERTIFICATE = certify(claimOf(CERTIFIED));

function blockAt(chain: readonly TestBlock[], height: number): TestBlock {
  const block = chain[height];
  if (block === undefined) throw new RangeError(`no block ${height}`);
  return block;
}

/** So many nodes that serve the chain with its certificate at height 10. */
async function honestNodes(count: number): Promise<readonly ReplayedNode[]> {
  const started = await Promise.all(Array.from({ length: count }, startNode));
  for (const node of started) node.putChain(CHAIN, CERTIFICATE);
  nodes.push(...started);
  return started;
}

function clientOf(asked: readonly ReplayedNode[]): MachClient {
  return createMachClient({
    endpoints: asked.map(({ url }) => url),
    network: NETWORK,
    trust: { epoch: 2n, operatorSetHash: setOf(2n).operatorSetHash },
    now: () => NOW,
  });
}

describe("among three endpoints one liar", () => {
  it("with a forged certificate moves nothing, and is named", async () => {
    const [liar] = await honestNodes(3);
    const fork = chainTo(12, 9);
    const forged = { ...CERTIFICATE, ...forge(certify(claimOf(blockAt(fork, 10)))) };
    liar?.putChain(fork, forged);
    const client = clientOf(nodes);
    const answer = await client.getBlock({ rollupId: ROLLUP, block: 10n });
    expect(answer).toMatchObject({ status: "fast-final", blockHash: CERTIFIED.blockHash });
    const head = await client.getFinality({ rollupId: ROLLUP });
    expect(head).toMatchObject({ status: "fast-final", block: { blockNumber: 10n } });
    expect(codesOf(head)).toContainEqual({ endpoint: liar?.url, code: "bad-signature" });
  });

  it("that calls everything contradicted, or unknown, or silent, moves nothing", async () => {
    const [liar] = await honestNodes(3);
    const path = `/v1/rollups/${ROLLUP}/blocks/10`;
    const client = clientOf(nodes);
    const contradicted = { ...blockStatus(CERTIFIED, null), status: "contradicted" };
    liar?.put(path, contradicted);
    const question = { rollupId: ROLLUP, block: 10n };
    expect(await client.getBlock(question)).toMatchObject({ status: "fast-final" });
    liar?.forget(path);
    expect(await client.getBlock(question)).toMatchObject({ status: "fast-final" });
    liar?.hang();
    expect(await client.getBlock(question)).toMatchObject({ status: "fast-final" });
  });

  it("that calls the rollup contradicted moves no head, and two of them do", async () => {
    const [liar, second] = await honestNodes(3);
    const path = `/v1/rollups/${ROLLUP}/finality`;
    const unknown = { presentWeight: null, requiredWeight: null, abstention: null };
    const reason = { code: "contradicted", blockNumber: "10", ...unknown };
    const contradicted = { ...finalityStatus(CERTIFICATE, 12n), reason };
    const client = clientOf(nodes);
    liar?.put(path, contradicted);
    expect(await client.getFinality({ rollupId: ROLLUP })).toMatchObject({ status: "fast-final" });
    second?.put(path, contradicted);
    expect(await client.getFinality({ rollupId: ROLLUP })).toMatchObject({
      status: "contradicted",
      code: "reported-contradiction",
      contradiction: null,
    });
  });

  it("cannot raise a head that nothing proves", async () => {
    const [liar] = await honestNodes(3);
    liar?.putChain(chainTo(40), CERTIFICATE);
    const answer = await clientOf(nodes).getFinality({ rollupId: ROLLUP });
    expect(answer).toMatchObject({ status: "fast-final", reported: { observed: 12n } });
  });

  it("cannot say which block a transaction is in", async () => {
    const hash = `0x${"77".repeat(32)}` as const;
    const [liar] = await honestNodes(3);
    const inBlock = (height: number) => ({
      transactionHash: hash,
      ...blockStatus(blockAt(CHAIN, height), CERTIFICATE, headersBetween(CHAIN, 10, height)),
      proof: null,
      proofGap: "order-only",
    });
    const path = `/v1/rollups/${ROLLUP}/transactions/${hash}`;
    liar?.put(path, inBlock(3));
    const client = clientOf(nodes);
    const question = { rollupId: ROLLUP, hash, inclusion: "agreed" } as const;
    const alone = await client.getTransaction(question);
    expect(alone).toMatchObject({ status: "not-yet", code: "no-agreement" });
    for (const node of nodes.slice(1)) node.put(path, inBlock(8));
    const agreed = await client.getTransaction(question);
    expect(agreed).toMatchObject({ status: "fast-final", blockNumber: 8n, inclusion: "agreed" });
  });

  it("makes two of three that report a contradiction no final block", async () => {
    await honestNodes(3);
    const contradicted = { ...blockStatus(CERTIFIED, CERTIFICATE), status: "contradicted" };
    for (const node of nodes.slice(1)) {
      node.put(`/v1/rollups/${ROLLUP}/blocks/10`, contradicted);
    }
    const answer = await clientOf(nodes).getBlock({ rollupId: ROLLUP, block: 10n });
    expect(answer).toMatchObject({ status: "contradicted", code: "reported-contradiction" });
  });
});

function codesOf(answer: { readonly endpoints: readonly unknown[] }): readonly unknown[] {
  return answer.endpoints;
}
