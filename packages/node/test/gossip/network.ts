import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  Certificate,
  Claim,
  Domain,
  Evidence,
  Hex,
  SetUpdate,
  SignedPeerBinding,
  WireAttestation,
} from "@mach/core";
import type { GossipLogger } from "../../src/gossip/counters.ts";
import { createGossip, type Gossip, type GossipOptions } from "../../src/gossip/gossip.ts";
import type {
  EvidenceQuery,
  GossipHandlers,
  GossipPeer,
  GossipSource,
  PositionedEvidence,
  RollupHead,
  SetUpdateQuery,
  SyncQuery,
  Verdict,
} from "../../src/gossip/handlers.ts";

export const DOMAIN: Domain = { chainId: 31_337n, verifyingContract: `0x${"c1".repeat(20)}` };
export const OPERATOR: Hex = `0x${"a1".repeat(20)}`;
export const SILENT: GossipLogger = { debug() {}, info() {}, warn() {}, error() {} };

export function claimAt(blockNumber: bigint, rollupId = 901n): Claim {
  return {
    rollupId,
    blockNumber,
    blockHash: `0x${blockNumber.toString(16).padStart(64, "0")}`,
    stateRoot: `0x${"22".repeat(32)}`,
    outputRoot: `0x${"33".repeat(32)}`,
    timestamp: 1_700_000_000n + blockNumber,
    epoch: 3n,
    verification: 1,
  };
}

export function attestationAt(blockNumber: bigint, operator = OPERATOR): WireAttestation {
  return { claim: claimAt(blockNumber), operator, signature: new Uint8Array(192).fill(7) };
}

export function certificateAt(blockNumber: bigint, rollupId = 901n): Certificate {
  return {
    version: 1,
    certificateId: `0x${"44".repeat(32)}`,
    domain: DOMAIN,
    claim: claimAt(blockNumber, rollupId),
    operatorSetHash: `0x${"55".repeat(32)}`,
    signers: "0x0f",
    signature: `0x${"66".repeat(96)}`,
  };
}

export function evidenceAt(blockNumber: bigint): Evidence {
  const signature: Hex = `0x${"77".repeat(96)}`;
  const first = { claim: claimAt(blockNumber), operator: OPERATOR, signature };
  const second = { ...first, claim: { ...first.claim, outputRoot: `0x${"88".repeat(32)}` as Hex } };
  return {
    kind: "double-attestation",
    rollupId: 901n,
    blockNumber,
    operator: OPERATOR,
    first,
    second,
  };
}

export function setUpdateAt(epoch: bigint, signers: Hex = "0x04"): SetUpdate {
  return {
    version: 1,
    domain: DOMAIN,
    epoch,
    operatorSetHash: `0x${"99".repeat(32)}`,
    signedBy: `0x${"aa".repeat(32)}`,
    signers,
    signature: `0x${"bb".repeat(96)}`,
  };
}

/** A codec of the tests: JSON with the integers as text. */
export const CODEC: Pick<GossipHandlers, "encodeEvidence" | "decodeEvidence"> = {
  encodeEvidence: (evidence) =>
    new TextEncoder().encode(
      JSON.stringify(evidence, (_, value) => (typeof value === "bigint" ? `${value}n` : value)),
    ),
  decodeEvidence: (document) => {
    try {
      return JSON.parse(new TextDecoder().decode(document), (_, value) =>
        typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
      ) as Evidence;
    } catch {
      // What is no JSON is no evidence.
      return null;
    }
  },
};

export interface TestNode {
  readonly gossip: Gossip;
  readonly attestations: { messages: (readonly WireAttestation[])[]; sources: GossipSource[] };
  readonly certificates: Certificate[];
  readonly evidence: Evidence[];
  readonly setUpdates: SetUpdate[];
  readonly ready: GossipPeer[];
  /** Replaced by a test to change what the handlers say. */
  readonly behaviour: {
    verdict: () => Verdict | Promise<Verdict>;
    verifyBinding: (binding: SignedPeerBinding) => boolean;
    serveCertificates: (
      query: SyncQuery,
    ) => readonly Certificate[] | Promise<readonly Certificate[]>;
    serveAttestations: (query: SyncQuery) => readonly WireAttestation[];
    serveEvidence: (query: EvidenceQuery) => readonly PositionedEvidence[];
    serveSetUpdates: (query: SetUpdateQuery) => readonly SetUpdate[];
    serveHeads: () => readonly RollupHead[];
  };
  readonly dataDir: string;
}

/** Real nodes on the loopback interface; `close` ends them all. */
export class TestNetwork {
  readonly #nodes: TestNode[] = [];
  readonly #folders: string[] = [];

  async add(options: Partial<GossipOptions> = {}): Promise<TestNode> {
    const dataDir = options.dataDir ?? (await this.folder());
    const node = await startNode({ ...options, dataDir });
    this.#nodes.push(node);
    return node;
  }

  /** `count` nodes, each dialling all that came before it. */
  async mesh(count: number, options: Partial<GossipOptions> = {}): Promise<TestNode[]> {
    const nodes: TestNode[] = [];
    for (let i = 0; i < count; i++) {
      const bootNodes = nodes.flatMap((node) => node.gossip.addresses());
      nodes.push(await this.add({ ...options, bootNodes }));
    }
    await until(() => nodes.every((node) => node.ready.length >= count - 1));
    return nodes;
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "mach-gossip-"));
    this.#folders.push(folder);
    return folder;
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.gossip.stop()));
    await Promise.all(this.#folders.map((each) => rm(each, { recursive: true, force: true })));
  }
}

async function startNode(options: Partial<GossipOptions> & { dataDir: string }): Promise<TestNode> {
  const behaviour: TestNode["behaviour"] = {
    verdict: () => ({ accept: true }),
    verifyBinding: () => true,
    serveCertificates: () => [],
    serveAttestations: () => [],
    serveEvidence: () => [],
    serveSetUpdates: () => [],
    serveHeads: () => [],
  };
  const seen = {
    attestations: { messages: [], sources: [] } as TestNode["attestations"],
    certificates: [] as Certificate[],
    evidence: [] as Evidence[],
    setUpdates: [] as SetUpdate[],
    ready: [] as GossipPeer[],
  };
  const handlers: GossipHandlers = {
    ...CODEC,
    async onAttestations(attestations, from) {
      seen.attestations.messages.push(attestations);
      seen.attestations.sources.push(from);
      return behaviour.verdict();
    },
    async onCertificate(certificate) {
      seen.certificates.push(certificate);
      return behaviour.verdict();
    },
    async onEvidence(evidence) {
      seen.evidence.push(evidence);
      return behaviour.verdict();
    },
    async onSetUpdate(update) {
      seen.setUpdates.push(update);
      return behaviour.verdict();
    },
    verifyBinding: (binding) => behaviour.verifyBinding(binding),
    serveCertificates: (query) => behaviour.serveCertificates(query),
    serveAttestations: (query) => behaviour.serveAttestations(query),
    serveEvidence: (query) => behaviour.serveEvidence(query),
    serveSetUpdates: (query) => behaviour.serveSetUpdates(query),
    serveHeads: () => behaviour.serveHeads(),
    onPeerReady: (peer) => seen.ready.push(peer),
  };
  const gossip = createGossip(
    {
      domain: DOMAIN,
      host: "127.0.0.1",
      port: 0,
      bootNodes: [],
      now: Date.now,
      logger: SILENT,
      ...options,
    },
    handlers,
  );
  await gossip.start();
  return { gossip, ...seen, behaviour, dataDir: options.dataDir };
}

/** Waits for a condition; fails after ten seconds. */
export async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("the condition did not come about");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
