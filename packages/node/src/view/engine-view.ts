import type {
  Alert,
  BlockStatus,
  Finality,
  FollowedRollup,
  Health,
  Network,
  NodeEvent,
  Page,
  TransactionStatus,
} from "@mach/api";
import {
  type Bls,
  blockOf,
  type Certificate,
  type Contradiction,
  type EngineState,
  type Evidence,
  epochAt,
  finalityOf,
  type Hex,
  type OperatorSet,
  openContradiction,
  type SetUpdate,
  type VerifiedCertificate,
  verifyCertificate,
} from "@mach/core";
import type {
  NodeView,
  PageRequest,
  ServedCertificate,
  ViewFailure,
  ViewResult,
} from "../http/node-view.ts";
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
  return new EngineView(ports);
}

class EngineView implements NodeView {
  readonly #ports: EngineViewPorts;

  constructor(ports: EngineViewPorts) {
    this.#ports = ports;
  }

  network(): Network {
    const { domain, schedule } = this.#ports.state().options;
    const versions = { protocol: 1, api: 1, software: VERSION } as const;
    return { domain, ...schedule, currentEpoch: this.#currentEpoch(), versions };
  }

  rollups(): readonly FollowedRollup[] {
    const all = [...this.#ports.state().rollups.keys()].map((id) => this.#followed(id));
    return all.filter((each) => each !== null);
  }

  rollup(rollupId: bigint): ViewResult<FollowedRollup> {
    if (!this.#ports.state().rollups.has(rollupId)) return fail("unknown-rollup");
    const value = this.#followed(rollupId);
    return value === null ? fail("unavailable") : { ok: true, value };
  }

  finality(rollupId: bigint): ViewResult<Finality> {
    const { state, abstention } = this.#ports;
    const now = this.#ports.now();
    const view = finalityOf(state(), rollupId, now);
    if (view === null) return fail("unknown-rollup");
    return { ok: true, value: toFinality(view, { now, abstention: abstention(rollupId) }) };
  }

  async block(rollupId: bigint, key: bigint | Hex): Promise<ViewResult<BlockStatus>> {
    const state = this.#ports.state();
    const asked = typeof key === "bigint" ? { blockNumber: key } : { blockHash: key };
    const view = blockOf(state, rollupId, asked);
    if (view === null) return fail("unknown-rollup");
    const context = { rollupId, now: this.#ports.now() };
    if (view.status === "unknown" && typeof key === "bigint") {
      const stored = await this.certificate(rollupId, key);
      if (stored.ok) {
        const old = certifiedBlockView(stored.value.certificate);
        return { ok: true, value: toBlockStatus(state, old, context) };
      }
    }
    return { ok: true, value: toBlockStatus(state, view, context) };
  }

  async transaction(
    rollupId: bigint,
    transactionHash: Hex,
  ): Promise<ViewResult<TransactionStatus>> {
    const { state, now, blockOfTransaction } = this.#ports;
    if (!state().rollups.has(rollupId)) return fail("unknown-rollup");
    const blockHash = await blockOfTransaction(rollupId, transactionHash);
    if (blockHash === null) {
      // Never looked up by its own hash: it could be that of a block.
      const unknown = toBlockStatus(state(), UNKNOWN_BLOCK, { rollupId, now: now() });
      return { ok: true, value: { transactionHash, ...unknown } };
    }
    const block = await this.block(rollupId, blockHash);
    return block.ok ? { ok: true, value: { transactionHash, ...block.value } } : block;
  }

  async certificate(rollupId: bigint, blockNumber: bigint): Promise<ViewResult<ServedCertificate>> {
    const rollup = this.#ports.state().rollups.get(rollupId);
    if (rollup === undefined) return fail("unknown-rollup");
    const held = rollup.certified.get(blockNumber);
    const certificate =
      held?.certificate ??
      (await this.#verify(await this.#ports.store.certificateAt(rollupId, blockNumber)));
    if (certificate === null) return fail("not-yet");
    if (isContradicted(rollup, certificate.certificateId)) return fail("contradicted");
    const open = openContradiction(rollup);
    if (open !== null && blockNumber >= open.fromBlockNumber) return fail("contradicted");
    return { ok: true, value: { certificate, isImproving: typeof held?.openUntilMs === "number" } };
  }

  async certificates(
    rollupId: bigint,
    page: PageRequest,
  ): Promise<ViewResult<Page<VerifiedCertificate>>> {
    const { state, store } = this.#ports;
    const rollup = state().rollups.get(rollupId);
    if (rollup === undefined) return fail("unknown-rollup");
    const { items, next } = await readPage(page, (asked) =>
      store.listCertificates({ rollupId, ...asked }),
    );
    const data: VerifiedCertificate[] = [];
    for (const row of items) {
      const held = rollup.certified.get(row.claim.blockNumber)?.certificate;
      const isHeld = held?.certificateId === row.certificateId;
      const certificate = isHeld ? held : await this.#verify(row);
      if (certificate === null || isContradicted(rollup, row.certificateId)) continue;
      data.push(certificate);
    }
    return { ok: true, value: { data, next: next?.claim.blockNumber ?? null } };
  }

  async certificateById(certificateId: Hex): Promise<ViewResult<ServedCertificate>> {
    const row = await this.#ports.store.certificateById(certificateId);
    const certificate = await this.#verify(row);
    if (certificate === null) return fail("unknown-certificate");
    return { ok: true, value: { certificate, isImproving: false } };
  }

  async operatorSet(asked: bigint | "current"): Promise<ViewResult<OperatorSet>> {
    const epoch = asked === "current" ? this.#currentEpoch() : asked;
    if (epoch === null) return fail("unknown-epoch");
    const { state, store } = this.#ports;
    const known = state().epochs.get(epoch)?.operatorSet;
    const value = known ?? (await store.epochRecord(epoch))?.operatorSet;
    return value === undefined ? fail("unknown-epoch") : { ok: true, value };
  }

  async setUpdate(epoch: bigint | "current"): Promise<ViewResult<SetUpdate>> {
    const set = await this.operatorSet(epoch);
    return set.ok ? fail("not-yet") : set;
  }

  async evidence(page: PageRequest): Promise<Page<Evidence>> {
    const { store } = this.#ports;
    const { items, next } = await readPage(page, (asked) => store.listEvidence(asked));
    return { data: items.map((entry) => entry.evidence), next: next?.position ?? null };
  }

  async alerts(): Promise<readonly Alert[]> {
    return await this.#ports.store.listAlerts();
  }

  health(): Health {
    return this.#ports.health();
  }

  subscribe(listener: (event: NodeEvent) => void): () => void {
    return this.#ports.events.subscribe(listener);
  }

  #currentEpoch(): bigint | null {
    const { schedule } = this.#ports.state().options;
    return epochAt(schedule, BigInt(Math.floor(this.#ports.now() / 1_000)));
  }

  /** A rollup with its parameters of the newest epoch that has begun. */
  #followed(rollupId: bigint): FollowedRollup | null {
    const epochs = [...this.#ports.state().epochs.entries()].sort(([a], [b]) => (a < b ? 1 : -1));
    const current = this.#currentEpoch();
    for (const [epoch, fixed] of epochs) {
      const parameters = fixed.rollups.get(rollupId);
      if (parameters === undefined || (current !== null && epoch > current)) continue;
      return { ...parameters, epoch };
    }
    return null;
  }

  /** A certificate from the store, checked again: what a disk gives back is not trusted. */
  async #verify(certificate: Certificate | null): Promise<VerifiedCertificate | null> {
    if (certificate === null) return null;
    const { state, store, bls } = this.#ports;
    const record = await store.epochRecord(certificate.claim.epoch);
    const parameters = record?.rollups.find((each) => each.rollupId === certificate.claim.rollupId);
    if (record === null || parameters === undefined) return null;
    const result = verifyCertificate(bls, certificate, {
      operatorSet: record.operatorSet,
      thresholdBps: parameters.thresholdBps,
      domain: state().options.domain,
    });
    return result.ok ? result.certificate : null;
  }
}

function fail(code: ViewFailure): { readonly ok: false; readonly code: ViewFailure } {
  return { ok: false, code };
}

function isContradicted(
  rollup: { readonly contradictions: readonly Contradiction[] },
  certificateId: Hex,
): boolean {
  return rollup.contradictions.some((each) => each.certificateIds.includes(certificateId));
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
