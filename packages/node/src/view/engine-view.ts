import type { BlockStatus, FollowedRollup, Health, TransactionStatus } from "@mach/api";
import {
  type Bls,
  blockOf,
  type Certificate,
  type EngineState,
  epochAt,
  finalityOf,
  type Hex,
  type OperatorSet,
  type VerifiedCertificate,
  verifyCertificate,
} from "@mach/core";
import type { NodeView, PageRequest, ServedCertificate, ViewResult } from "../http/node-view.ts";
import type { Store } from "../store/store.ts";
import { VERSION } from "../version.ts";
import { certifiedBlockView, toBlockStatus, toFinality, UNKNOWN_BLOCK } from "./answers.ts";
import type { EventHub } from "./events.ts";

export interface EngineViewPorts {
  readonly state: () => EngineState;
  readonly store: Store;
  readonly bls: Pick<Bls, "verifyAggregate">;
  readonly events: EventHub;
  /** The block that a transaction is in, as enough sources say; null where they know of none. */
  readonly blockOfTransaction: (rollupId: bigint, hash: Hex) => Promise<Hex | null>;
  /** Why this node trusts no newer block of a rollup now; null where it does. */
  readonly abstention: (rollupId: bigint) => string | null;
  readonly health: () => Health;
  /** Milliseconds. */
  readonly now: () => number;
}

/** What readers see of a node: from the engine's memory where it is there, else from the store. */
export function createEngineView(ports: EngineViewPorts): NodeView {
  const { state, store, events, now } = ports;

  function currentEpoch(): bigint | null {
    return epochAt(state().options.schedule, BigInt(Math.floor(now() / 1_000)));
  }

  function followed(rollupId: bigint): FollowedRollup | null {
    const epochs = [...state().epochs.entries()].sort(([a], [b]) => (a < b ? 1 : -1));
    const current = currentEpoch();
    for (const [epoch, fixed] of epochs) {
      const parameters = fixed.rollups.get(rollupId);
      if (parameters === undefined || (current !== null && epoch > current)) continue;
      return { ...parameters, epoch };
    }
    return null;
  }

  /** A certificate from the store, checked again: what a disk gives back is not trusted. */
  async function verify(certificate: Certificate | null): Promise<VerifiedCertificate | null> {
    if (certificate === null) return null;
    const record = await store.epochRecord(certificate.claim.epoch);
    const parameters = record?.rollups.find((each) => each.rollupId === certificate.claim.rollupId);
    if (record === null || parameters === undefined) return null;
    const result = verifyCertificate(ports.bls, certificate, {
      operatorSet: record.operatorSet,
      thresholdBps: parameters.thresholdBps,
      domain: state().options.domain,
    });
    return result.ok ? result.certificate : null;
  }

  const isContradicted = (rollupId: bigint, id: Hex): boolean =>
    state()
      .rollups.get(rollupId)
      ?.contradictions.some((each) => each.certificateIds.includes(id)) ?? false;

  async function certificateAt(
    rollupId: bigint,
    blockNumber: bigint,
  ): Promise<ViewResult<ServedCertificate>> {
    const rollup = state().rollups.get(rollupId);
    if (rollup === undefined) return { ok: false, code: "unknown-rollup" };
    const held = rollup.certified.get(blockNumber);
    const certificate =
      held?.certificate ?? (await verify(await store.certificateAt(rollupId, blockNumber)));
    if (certificate === null) return { ok: false, code: "not-yet" };
    if (isContradicted(rollupId, certificate.certificateId)) {
      return { ok: false, code: "contradicted" };
    }
    const isImproving = typeof held?.openUntilMs === "number";
    return { ok: true, value: { certificate, isImproving } };
  }

  async function blockStatus(
    rollupId: bigint,
    key: bigint | Hex,
  ): Promise<ViewResult<BlockStatus>> {
    const asked = typeof key === "bigint" ? { blockNumber: key } : { blockHash: key };
    const view = blockOf(state(), rollupId, asked);
    if (view === null) return { ok: false, code: "unknown-rollup" };
    const context = { rollupId, now: now() };
    if (view.status === "unknown" && typeof key === "bigint") {
      const stored = await certificateAt(rollupId, key);
      if (stored.ok) {
        const old = certifiedBlockView(stored.value.certificate);
        return { ok: true, value: toBlockStatus(state(), old, context) };
      }
    }
    return { ok: true, value: toBlockStatus(state(), view, context) };
  }

  function unknownBlock(rollupId: bigint): ViewResult<BlockStatus> {
    if (!state().rollups.has(rollupId)) return { ok: false, code: "unknown-rollup" };
    return { ok: true, value: toBlockStatus(state(), UNKNOWN_BLOCK, { rollupId, now: now() }) };
  }

  async function operatorSet(asked: bigint | "current"): Promise<ViewResult<OperatorSet>> {
    const epoch = asked === "current" ? currentEpoch() : asked;
    if (epoch === null) return { ok: false, code: "unknown-epoch" };
    const known = state().epochs.get(epoch)?.operatorSet;
    const value = known ?? (await store.epochRecord(epoch))?.operatorSet;
    return value === undefined ? { ok: false, code: "unknown-epoch" } : { ok: true, value };
  }

  return {
    network() {
      const { domain, schedule } = state().options;
      const versions = { protocol: 1, api: 1, software: VERSION } as const;
      return { domain, ...schedule, currentEpoch: currentEpoch(), versions };
    },
    rollups() {
      const all = [...state().rollups.keys()].map(followed);
      return all.filter((each) => each !== null);
    },
    rollup(rollupId) {
      if (!state().rollups.has(rollupId)) return { ok: false, code: "unknown-rollup" };
      const value = followed(rollupId);
      return value === null ? { ok: false, code: "unavailable" } : { ok: true, value };
    },
    finality(rollupId) {
      const view = finalityOf(state(), rollupId, now());
      if (view === null) return { ok: false, code: "unknown-rollup" };
      const context = { now: now(), abstention: ports.abstention(rollupId) };
      return { ok: true, value: toFinality(view, context) };
    },
    block: blockStatus,
    async transaction(rollupId, transactionHash) {
      const blockHash = await ports.blockOfTransaction(rollupId, transactionHash);
      // Never looked up by its own hash: it could be that of a block.
      const block =
        blockHash === null ? unknownBlock(rollupId) : await blockStatus(rollupId, blockHash);
      if (!block.ok) return block;
      const value: TransactionStatus = { transactionHash, ...block.value };
      return { ok: true, value };
    },
    certificate: certificateAt,
    async certificates(rollupId, page) {
      const rollup = state().rollups.get(rollupId);
      if (rollup === undefined) return { ok: false, code: "unknown-rollup" };
      const { items, next } = await readPage(page, (asked) =>
        store.listCertificates({ rollupId, ...asked }),
      );
      const data: VerifiedCertificate[] = [];
      for (const row of items) {
        const held = rollup.certified.get(row.claim.blockNumber)?.certificate;
        const isHeld = held?.certificateId === row.certificateId;
        const certificate = isHeld ? held : await verify(row);
        if (certificate === null || isContradicted(rollupId, row.certificateId)) continue;
        data.push(certificate);
      }
      return { ok: true, value: { data, next: next?.claim.blockNumber ?? null } };
    },
    async certificateById(certificateId) {
      const certificate = await verify(await store.certificateById(certificateId));
      if (certificate === null) return { ok: false, code: "unknown-certificate" };
      return { ok: true, value: { certificate, isImproving: false } };
    },
    operatorSet,
    async setUpdate(epoch) {
      const set = await operatorSet(epoch);
      return set.ok ? { ok: false, code: "not-yet" } : set;
    },
    async evidence(page) {
      const { items, next } = await readPage(page, (asked) => store.listEvidence(asked));
      return { data: items.map((entry) => entry.evidence), next: next?.position ?? null };
    },
    alerts: () => store.listAlerts(),
    health: ports.health,
    subscribe: events.subscribe,
  };
}

/** A page of rows, and the first row of the page after it: null on the page with the newest. */
async function readPage<T>(
  page: PageRequest,
  read: (asked: PageRequest) => Promise<readonly T[]>,
): Promise<{ readonly items: readonly T[]; readonly next: T | null }> {
  const { from, limit } = page;
  if (from === undefined) return { items: await read({ from, limit }), next: null };
  const rows = await read({ from, limit: limit + 1 });
  return { items: rows.slice(0, limit), next: rows[limit] ?? null };
}
