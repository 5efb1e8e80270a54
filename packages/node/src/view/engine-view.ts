import type {
  Alert,
  BlockStatus,
  CertificateCalldata,
  CertificatePolicy,
  Finality,
  FollowedRollup,
  Health,
  Network,
  NodeEvent,
  OperatorSummary,
  Page,
  ProofGap,
  TransactionStatus,
} from "@mach/api";
import {
  type BlockView,
  type Bls,
  blockOf,
  type EngineState,
  type Evidence,
  epochAt,
  finalityOf,
  type Hex,
  isAttestedHeight,
  type OperatorSet,
  type VerifiedCertificate,
} from "@mach/core";
import type { PointEncoder } from "@mach/settlement";
import type { TransactionSources } from "../engine/transaction-sources.ts";
import { isAccepted } from "../http/demand.ts";
import type {
  EventId,
  Eventual,
  NodeView,
  PageRequest,
  ServedCertificate,
  ServedReport,
  ServedSetUpdate,
  ViewFailure,
  ViewResult,
} from "../http/node-view.ts";
import type { Store } from "../store/store.ts";
import { VERSION } from "../version.ts";
import { toBlockStatus, toFinality, UNKNOWN_BLOCK } from "./answers.ts";
import { type CalldataEncoder, createCalldataEncoder } from "./calldata.ts";
import type { EventHub } from "./events.ts";
import { createCertificateFinder, type FindCertificate, viewOf } from "./found-certificates.ts";
import { findOlderBlock } from "./older-blocks.ts";
import { reportOf, summariesOf } from "./operator-reports.ts";
import { readPage } from "./page-reader.ts";
import type { RollupSources } from "./rollup-sources.ts";
import { createSetUpdateReader, type SetUpdateReader } from "./set-update-reader.ts";
import { createStoredCertificates, type StoredCertificates } from "./stored-certificates.ts";

export interface EngineViewPorts {
  readonly state: () => EngineState;
  readonly store: Store;
  readonly bls: Pick<Bls, "verifyAggregate"> & PointEncoder;
  readonly events: EventHub;
  /** What the rollup's sources say of a transaction; nothing of it is believed unchecked. */
  readonly transactions: Omit<TransactionSources, "close">;
  /** Why this node trusts no newer block of a rollup now; null where it does. */
  readonly abstention: (rollupId: bigint) => string | null;
  /** What a rollup's blocks are read from. */
  readonly sources: (rollupId: bigint) => RollupSources;
  readonly health: () => Health;
  /** Milliseconds. */
  readonly now: () => number;
}

/** About 2 KiB each. */
const MAX_REMEMBERED_CERTIFICATES = 4_096;

/** What readers see of a node: from the engine's memory where it is there, else from the store. */
export function createEngineView(ports: EngineViewPorts): NodeView {
  return new EngineView(ports);
}

class EngineView implements NodeView {
  readonly #ports: EngineViewPorts;
  readonly #stored: StoredCertificates;
  readonly #find: FindCertificate;
  readonly #setUpdates: SetUpdateReader;
  readonly #calldata: CalldataEncoder;

  constructor(ports: EngineViewPorts) {
    const { store, bls, state } = ports;
    this.#ports = ports;
    this.#stored = createStoredCertificates(
      { store, bls, domain: () => state().options.domain },
      { maxRemembered: MAX_REMEMBERED_CERTIFICATES },
    );
    this.#find = createCertificateFinder({ state, store, stored: this.#stored });
    this.#setUpdates = createSetUpdateReader(ports);
    this.#calldata = createCalldataEncoder(bls);
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

  finality(rollupId: bigint, policy?: CertificatePolicy): ViewResult<Finality> {
    const { state } = this.#ports;
    const now = this.#ports.now();
    const view = finalityOf(state(), rollupId, now, policy && accepting(policy));
    if (view === null) return fail("unknown-rollup");
    return { ok: true, value: toFinality(view, { now, abstention: this.#abstention(rollupId) }) };
  }

  /** Without a promise where memory knows the block: most readers ask for the newest. */
  block(
    rollupId: bigint,
    key: bigint | Hex,
    policy: CertificatePolicy = {},
  ): Eventual<ViewResult<BlockStatus>> {
    const state = this.#ports.state();
    const asked = typeof key === "bigint" ? { blockNumber: key } : { blockHash: key };
    const view = blockOf(state, rollupId, asked, accepting(policy));
    if (view === null) return fail("unknown-rollup");
    if (view.status === "unknown") return this.#absentBlock(rollupId, key, policy);
    return { ok: true, value: this.#toStatus(rollupId, view) };
  }

  /** A block that memory does not know: the store may, or may have pruned it. */
  async #absentBlock(
    rollupId: bigint,
    key: bigint | Hex,
    policy: CertificatePolicy,
  ): Promise<ViewResult<BlockStatus>> {
    const found = typeof key === "bigint" ? await this.#find(rollupId, key) : null;
    if (found === null) {
      const isPruned = await this.#isPruned(rollupId, key);
      return { ok: true, value: this.#toStatus(rollupId, UNKNOWN_BLOCK, isPruned) };
    }
    const isFound = found.standing !== "served" || isAccepted(policy, found.certificate);
    return { ok: true, value: this.#toStatus(rollupId, isFound ? viewOf(found) : UNKNOWN_BLOCK) };
  }

  async transaction(
    rollupId: bigint,
    transactionHash: Hex,
    policy?: CertificatePolicy,
  ): Promise<ViewResult<TransactionStatus>> {
    const { state, transactions } = this.#ports;
    if (!state().rollups.has(rollupId)) return fail("unknown-rollup");
    const blockHash = await transactions.blockOf(rollupId, transactionHash);
    if (blockHash === null) {
      // Never looked up by its own hash: it could be that of a block.
      const unknown = this.#toStatus(rollupId, UNKNOWN_BLOCK);
      return { ok: true, value: { transactionHash, ...unknown, ...gap("not-covered") } };
    }
    const known = await this.block(rollupId, blockHash, policy);
    if (!known.ok) return known;
    const isGone = known.value.status === "unknown";
    const older = isGone ? await this.#olderBlock(rollupId, blockHash, policy) : null;
    const block = older ?? known.value;
    const inclusion = await this.#prove(block, { blockHash, transactionHash });
    if (await this.#isStillServed(block)) {
      return { ok: true, value: { transactionHash, ...block, ...inclusion } };
    }
    const now = await this.block(rollupId, blockHash, policy);
    if (!now.ok) return now;
    return { ok: true, value: { transactionHash, ...now.value, ...gap("not-covered") } };
  }

  async certificate(rollupId: bigint, blockNumber: bigint): Promise<ViewResult<ServedCertificate>> {
    if (!this.#ports.state().rollups.has(rollupId)) return fail("unknown-rollup");
    const found = await this.#find(rollupId, blockNumber);
    if (found === null) {
      if (await this.#isPruned(rollupId, blockNumber)) return fail("pruned");
      return fail(this.#mayStillCome(rollupId, blockNumber));
    }
    if (found.standing !== "served") return fail("contradicted");
    const { certificate, isImproving } = found;
    return { ok: true, value: { certificate, isImproving } };
  }

  async certificates(
    rollupId: bigint,
    page: PageRequest,
  ): Promise<ViewResult<Page<VerifiedCertificate>>> {
    const { state, store } = this.#ports;
    if (!state().rollups.has(rollupId)) return fail("unknown-rollup");
    const { items, next } = await readPage(
      page,
      (asked) => store.listCertificates({ rollupId, ...asked }),
      (row) => row.claim.blockNumber,
    );
    const data: VerifiedCertificate[] = [];
    for (const row of items) {
      const found = await this.#find(rollupId, row.claim.blockNumber);
      if (found?.standing === "served") data.push(found.certificate);
    }
    return { ok: true, value: { data, next } };
  }

  async certificateById(certificateId: Hex): Promise<ViewResult<ServedCertificate>> {
    const row = await this.#ports.store.certificateById(certificateId);
    const certificate = row && (await this.#stored.verify(row));
    if (certificate === null) return fail("unknown-certificate");
    return { ok: true, value: { certificate, isImproving: false } };
  }

  async calldata(certificate: VerifiedCertificate): Promise<ViewResult<CertificateCalldata>> {
    const set = await this.operatorSet(certificate.claim.epoch);
    if (!set.ok) return fail("unavailable");
    const calldata = await this.#calldata.encode(certificate, set.value);
    return calldata === null ? fail("unavailable") : { ok: true, value: calldata };
  }

  async operatorSet(asked: bigint | "current"): Promise<ViewResult<OperatorSet>> {
    const epoch = asked === "current" ? this.#currentEpoch() : asked;
    if (epoch === null) return fail("unknown-epoch");
    const { state, store } = this.#ports;
    const known = state().epochs.get(epoch)?.operatorSet;
    const value = known ?? (await store.epochRecord(epoch))?.operatorSet;
    if (value !== undefined) return { ok: true, value };
    return fail(epoch < (await store.keptFrom({ kind: "sets" })) ? "pruned" : "unknown-epoch");
  }

  async setUpdate(epoch: bigint | "current"): Promise<ViewResult<ServedSetUpdate>> {
    const set = await this.operatorSet(epoch);
    if (!set.ok) return set;
    const read = await this.#setUpdates.read(set.value);
    if (read.ok || read.code !== "no-update") return read;
    // It is signed by the set before, and went with it.
    const keptFrom = await this.#ports.store.keptFrom({ kind: "sets" });
    return keptFrom > 0n && set.value.epoch <= keptFrom ? fail("pruned") : read;
  }

  async operators(epoch: bigint | "current"): Promise<ViewResult<readonly OperatorSummary[]>> {
    const set = await this.operatorSet(epoch);
    if (!set.ok) return set;
    const { store } = this.#ports;
    // What was counted has gone: naughts would say that nothing was expected of anybody.
    if (set.value.epoch < (await store.keptFrom({ kind: "participation" }))) return fail("pruned");
    return { ok: true, value: await summariesOf(store, set.value) };
  }

  async operator(operator: Hex, page: PageRequest): Promise<ViewResult<ServedReport>> {
    const { state, store } = this.#ports;
    const served = await reportOf(store, operator, page);
    const isMember = [...state().epochs.values()].some((each) => each.byOperator.has(operator));
    const isKnown = isMember || served.report.participation.length > 0;
    return isKnown ? { ok: true, value: served } : fail("unknown-operator");
  }

  async evidence(page: PageRequest): Promise<Page<Evidence>> {
    const { store } = this.#ports;
    const { items, next } = await readPage(
      page,
      (asked) => store.listEvidence(asked),
      (entry) => entry.position,
    );
    return { data: items.map((entry) => entry.evidence), next };
  }

  async alerts(): Promise<readonly Alert[]> {
    return await this.#ports.store.listAlerts();
  }

  health(): Health {
    return this.#ports.health();
  }

  subscribe(listener: (event: NodeEvent, id: EventId) => void): () => void {
    return this.#ports.events.subscribe(listener);
  }

  /** A block that has left memory; null where no certificate of the store covers it. */
  async #olderBlock(
    rollupId: bigint,
    blockHash: Hex,
    policy: CertificatePolicy = {},
  ): Promise<BlockStatus | null> {
    // EraVM's blocks cannot be read again by a header.
    if (this.#followed(rollupId)?.stack === "zk") return null;
    const { store, transactions: sources } = this.#ports;
    const served = async (blockNumber: bigint): Promise<VerifiedCertificate | null> => {
      const found = await this.#find(rollupId, blockNumber);
      const isServed = found?.standing === "served" && isAccepted(policy, found.certificate);
      return isServed ? found.certificate : null;
    };
    const older = await findOlderBlock({ store, sources, served }, { rollupId, blockHash });
    if (older === null) return null;
    const isPruned = older.view === null && (await this.#isPruned(rollupId, older.blockNumber));
    if (older.view === null && !isPruned) return null;
    return this.#toStatus(rollupId, older.view ?? UNKNOWN_BLOCK, isPruned);
  }

  /** Only under a certificate: nothing else could be checked by whoever reads it. */
  async #prove(
    { rollupId, certificate, headers, status }: BlockStatus,
    asked: { readonly blockHash: Hex; readonly transactionHash: Hex },
  ): Promise<Inclusion> {
    if (this.#followed(rollupId)?.stack === "zk") return gap("order-only");
    if (certificate === null || headers === null || status === "contradicted") {
      return gap("not-covered");
    }
    const proven = await this.#ports.transactions.prove(rollupId, asked);
    return proven.ok ? { proof: proven.proof, proofGap: null } : gap(proven.code);
  }

  /** Sources take seconds: a certificate may have been contradicted meanwhile. */
  async #isStillServed({ rollupId, certificate }: BlockStatus): Promise<boolean> {
    if (certificate === null) return true;
    const found = await this.#find(rollupId, certificate.claim.blockNumber);
    return found?.standing === "served";
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
      const abstention = this.#abstention(rollupId);
      return { ...parameters, epoch, abstention, ...this.#ports.sources(rollupId) };
    }
    return null;
  }

  /** Whether attestations are still taken for a height, or no certificate will stand there. */
  #mayStillCome(rollupId: bigint, blockNumber: bigint): "not-yet" | "no-certificate" {
    const { options, rollups } = this.#ports.state();
    const tip = rollups.get(rollupId)?.tip?.blockNumber;
    const followed = this.#followed(rollupId);
    const isClosed = tip !== undefined && blockNumber + BigInt(options.openHeights) <= tip;
    const isPassedOver = followed !== null && !isAttestedHeight(followed, blockNumber);
    return isClosed || isPassedOver ? "no-certificate" : "not-yet";
  }

  /** Why this node trusts no newer block now, or signs none; null where it does. */
  #abstention(rollupId: bigint): string | null {
    const { abstention, state } = this.#ports;
    return abstention(rollupId) ?? state().rollups.get(rollupId)?.lock ?? null;
  }

  /** Whether certificates of that height have gone with age; a hash alone tells no height. */
  async #isPruned(rollupId: bigint, key: bigint | Hex): Promise<boolean> {
    if (typeof key !== "bigint") return false;
    return key < (await this.#ports.store.keptFrom({ kind: "certificates", rollupId }));
  }

  #toStatus(rollupId: bigint, view: BlockView, isPruned = false): BlockStatus {
    const { state, now, abstention } = this.#ports;
    const context = { rollupId, now: now(), abstention: abstention(rollupId), isPruned };
    return toBlockStatus(state(), view, context);
  }
}

type Inclusion = Pick<TransactionStatus, "proof" | "proofGap">;

function gap(proofGap: ProofGap): Inclusion {
  return { proof: null, proofGap };
}

function accepting(policy: CertificatePolicy): (certificate: VerifiedCertificate) => boolean {
  return (certificate) => isAccepted(policy, certificate);
}

function fail(code: ViewFailure): { readonly ok: false; readonly code: ViewFailure } {
  return { ok: false, code };
}
