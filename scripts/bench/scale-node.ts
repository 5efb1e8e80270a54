import { join } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { createNativeBls, type NativeBls } from "@mach/bls";
import { claimDigest, epochAt, toCertificate, type VerifiedCertificate } from "@mach/core";
import { openDataFolder } from "@mach/node";
import { acceptSignature } from "../../packages/bls/src/verdict.ts";
import { createAlerts } from "../../packages/node/src/alerts.ts";
import { type AnnouncerPorts, createAnnouncer } from "../../packages/node/src/engine/announcer.ts";
import {
  createParticipation,
  type ParticipationPorts,
} from "../../packages/node/src/engine/participation.ts";
import type { EnginePorts } from "../../packages/node/src/engine/ports.ts";
import { createEngineShell, type EngineShell } from "../../packages/node/src/engine/shell.ts";
import { decodeAttestations, encodeCertificate } from "../../packages/node/src/gossip/wire.ts";
import { openLmdbStore } from "../../packages/node/src/store/lmdb-store.ts";
import { storeOptions } from "../../packages/node/src/store/store.ts";
import { createEventHub } from "../../packages/node/src/view/events.ts";
import { createTraffic, DOMAIN, type Size, type Traffic, unixMs } from "./scale-traffic.ts";

/** What a node has done. */
export interface Counted {
  /** Heights with a certificate. */
  readonly heights: number;
  /** Certificates stored: those replaced by better ones included. */
  readonly stored: number;
  /** Messages of which something was left out, because too much was waiting. */
  readonly refused: number;
  /** A certificate as it travels. */
  readonly certificateBytes: number;
}

/** How a node of the benchmark differs from one that runs. */
export interface ScaleOptions {
  /** Where it has its store; null keeps nothing. */
  readonly folder: string | null;
  /** Null takes signatures for checked: what is kept of them is the same. */
  readonly verifier: EnginePorts["verifier"] | null;
}

/** The parts of a node behind its gossip, at a clock that the benchmark moves. */
export interface ScaleNode {
  readonly traffic: Traffic;
  /** A second of the network: its blocks, its messages within `spreadMs`, and the ticks. */
  live(second: number, messages: readonly Uint8Array[], spreadMs: number): Promise<void>;
  /** A second in which it hears of no attestation, and of the certificates from a peer. */
  hear(second: number): Promise<void>;
  counted(): Counted;
  close(): Promise<void>;
}

/** As the configuration has them where nothing else is asked for. */
const ENGINE = {
  improvementWindowMs: 2_000,
  openHeights: 256,
  earlyAttestations: 8_192,
  chainDepth: 1_024,
  graceMs: 1_500,
} as const;
const TICK_MS = 100;
/** How far behind the newest block L1 is. */
const SETTLED_AFTER_SECONDS = 900;
const SETTLED_EVERY_SECONDS = 12;

/**
 * A node with its engine, intake, verifier, participation, announcements and store, an operator
 * that signs without a record (the store's benchmark has that), and no libp2p (the gossip's has).
 */
export async function createScaleNode(size: Size, options: ScaleOptions): Promise<ScaleNode> {
  const bls = createNativeBls();
  const traffic = createTraffic(bls, size);
  const { engine, announcer, clock, ...parts } = await openParts(traffic, bls, options);
  learnSets(traffic, engine);
  function begin(second: number): void {
    clock.now = unixMs(second);
    for (const { rollupId, block } of traffic.blocksAt(second)) {
      engine.input({ type: "block-verified", rollupId, block, observedAtMs: clock.now });
      announcer.onBlock(rollupId);
    }
  }

  async function end(second: number): Promise<void> {
    if (second % SETTLED_EVERY_SECONDS === 0) settle(traffic, engine, second);
    for (let ms = TICK_MS; ms <= 1_000; ms += TICK_MS) {
      clock.now = unixMs(second) + ms;
      engine.input({ type: "tick" });
      announcer.onTick();
    }
    await engine.settle();
  }

  return {
    traffic,
    async live(second, messages, spreadMs) {
      begin(second);
      const startedAt = performance.now();
      const taken: Promise<boolean>[] = [];
      for (const [index, message] of messages.entries()) {
        // Each comes in a turn of the event loop of its own, as from a socket.
        const dueMs = (index / messages.length) * spreadMs;
        const wait = startedAt + dueMs - performance.now();
        await (wait >= 1 ? sleep(wait) : nextTurn());
        taken.push(receive(engine, message));
      }
      const isTaken = await Promise.all(taken);
      parts.onRefused(isTaken.filter((each) => !each).length);
      await end(second);
    },
    async hear(second) {
      begin(second);
      for (const certificate of traffic.certificatesAt(second)) {
        const verdict = await engine.receiveCertificate(certificate);
        if (!verdict.accept) throw new Error(`a certificate was not taken: ${verdict.code}`);
      }
      await end(second);
    },
    counted: parts.counted,
    close: parts.close,
  };
}

/** False where too much waits, which is nobody's fault; throws for what can only be a mistake. */
async function receive(engine: EngineShell, message: Uint8Array): Promise<boolean> {
  const attestations = decodeAttestations(message);
  const [first] = attestations ?? [];
  if (attestations === null || first === undefined) throw new Error("a message is malformed");
  const source = { peerId: first.operator, operator: first.operator };
  const verdict = await engine.receiveAttestations(attestations, source);
  if (verdict.accept) return true;
  if (verdict.code !== "overloaded") throw new Error(`attestations refused: ${verdict.code}`);
  return false;
}

interface Parts {
  readonly engine: EngineShell;
  readonly announcer: ReturnType<typeof createAnnouncer>;
  readonly clock: { now: number };
  readonly counted: () => Counted;
  readonly onRefused: (messages: number) => void;
  readonly close: () => Promise<void>;
}

async function openParts(
  traffic: Traffic,
  bls: NativeBls,
  { folder, verifier }: ScaleOptions,
): Promise<Parts> {
  const clock = { now: unixMs(0) };
  const now = (): number => clock.now;
  const { store, closeStore } = await openStore(folder);
  const counter = createCounter();
  const state = (): ReturnType<EngineShell["state"]> => engine.state();
  const onFatal = (error: unknown): void => {
    throw error;
  };
  const participation = createParticipation({ store, onFatal, state, now });
  const announcer = createAnnouncer({
    ...{ participation, state, now, abstention: () => null, events: createEventHub() },
    alerts: createAlerts({ now, publish: silent }),
    logger: SILENT as unknown as AnnouncerPorts["logger"],
  });
  const engine: EngineShell = createEngineShell(
    {
      ...ENGINE,
      domain: DOMAIN,
      schedule: traffic.schedule,
      operator: traffic.own.operator,
      rollups: traffic.rollups.map(({ rollupId }) => ({ rollupId, lastSigned: null })),
    },
    {
      ...(verifier === null ? taken(traffic) : { bls, verifier }),
      ...{ store, onFatal, now, gossip: UNSENT, signer: signerOf(traffic, verifier !== null) },
      announce(announcement) {
        if (announcement.type === "certificate") counter.onCertificate(announcement.certificate);
        announcer.announce(announcement);
      },
    },
  );
  return {
    ...{ engine, announcer, clock },
    counted: counter.counted,
    onRefused: counter.onRefused,
    async close() {
      await engine.settle();
      await participation.flush();
      await closeStore();
    },
  };
}

interface Counter {
  onCertificate(certificate: VerifiedCertificate): void;
  onRefused(messages: number): void;
  counted(): Counted;
}

function createCounter(): Counter {
  const newest = new Map<bigint, bigint>();
  let counted: Counted = { heights: 0, stored: 0, refused: 0, certificateBytes: 0 };
  return {
    onCertificate(certificate) {
      const { rollupId, blockNumber } = certificate.claim;
      const isFirst = blockNumber > (newest.get(rollupId) ?? -1n);
      if (isFirst) newest.set(rollupId, blockNumber);
      counted = {
        ...counted,
        heights: counted.heights + (isFirst ? 1 : 0),
        stored: counted.stored + 1,
        certificateBytes: encodeCertificate(toCertificate(certificate)).length,
      };
    },
    onRefused(messages) {
      counted = { ...counted, refused: counted.refused + messages };
    },
    counted: () => counted,
  };
}

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };
const UNSENT: EnginePorts["gossip"] = {
  publishAttestation: silent,
  publishCertificate: silent,
  publishEvidence: silent,
  publishSetUpdate: silent,
};

interface OpenedStore {
  readonly store: EnginePorts["store"] & ParticipationPorts["store"];
  closeStore(): Promise<void>;
}

async function openStore(folder: string | null): Promise<OpenedStore> {
  if (folder === null) return { store: NOT_KEPT, closeStore: async () => undefined };
  const opened = await openDataFolder(join(folder, "node"));
  if (!opened.ok) throw new Error(opened.code);
  const kept = await openLmdbStore(opened.folder, storeOptions(DOMAIN));
  if (!kept.ok) throw new Error(kept.code);
  const { store } = kept;
  return {
    store,
    async closeStore() {
      await store.stop();
      await opened.folder.release();
    },
  };
}

/** What a disk is for: a node's memory has none of it. */
const NOT_KEPT: OpenedStore["store"] = {
  putCertificate: async () => ({ ok: true }),
  certificateAt: async () => null,
  putEvidence: async () => ({ ok: true, evidenceId: "0x", isNew: true }),
  listEvidence: async () => [],
  putContradiction: async () => undefined,
  putSetUpdate: async () => ({ ok: true }),
  putParticipation: async () => undefined,
  participation: async () => [],
  participationEpochs: async () => [],
  keptFrom: async () => 0n,
};

/** Says of every signature at once that it is valid, as if a thread had checked it before. */
function taken({ madeUpSignature }: Traffic): Pick<EnginePorts, "bls" | "verifier"> {
  const verdict = acceptSignature(madeUpSignature);
  return {
    verifier: { verify: async () => verdict, verifySum: async () => verdict },
    bls: { aggregateSignatures: () => verdict.signature, verifyAggregate: () => true },
  };
}

function signerOf({ own, madeUpSignature }: Traffic, isChecked: boolean): EnginePorts["signer"] {
  const { operator, publicKey } = own;
  return {
    holds: async (asked) => asked === publicKey,
    async sign({ claim }) {
      const signature = isChecked ? own.sign(claimDigest(DOMAIN, claim)) : madeUpSignature;
      return { ok: true, attestation: { claim, operator, signature } };
    },
    lastSigned: async () => null,
    signSetUpdate: async () => ({ ok: false, code: "key-failed" }),
  };
}

/** The set of the epoch that the run begins in, and those around it. */
function learnSets({ operatorSet, rollups, schedule }: Traffic, engine: EngineShell): void {
  const first = epochAt(schedule, BigInt(unixMs(0) / 1_000)) ?? 0n;
  for (const epoch of [first, first + 1n]) {
    engine.input({ type: "set-known", operatorSet: operatorSet(epoch), rollups });
  }
}

/** L1 has settled what is a quarter of an hour old. */
function settle({ rollups, blockOf }: Traffic, engine: EngineShell, second: number): void {
  if (second < SETTLED_AFTER_SECONDS) return;
  for (const { rollupId } of rollups) {
    const settled = blockOf(rollupId, second - SETTLED_AFTER_SECONDS);
    engine.input({ type: "heads", rollupId, safe: settled, finalized: settled });
  }
}
