import {
  type Bls,
  type Claim,
  checkForkLock,
  claimDigest,
  compressSignature,
  type Hex,
  isHex,
  isSameClaim,
  isSameDomain,
  type LockRefusal,
  linksOf,
  peerBindingDigest,
  setUpdateDigest,
  toRelease,
  type VerifiedRelease,
  verifyRelease,
  ZERO_HASH,
} from "@mach/core";
import { NodeError } from "../node-error.ts";
import { MAX_UINT64 } from "../store/row-key.ts";
import { isLegalClaim } from "./legal-claim.ts";
import type {
  ProtectionIdentity,
  ProtectionRecord,
  ProtectionWriter,
  RecordedSetUpdate,
  SetUpdateRecord,
  SigningRecord,
} from "./protection.ts";
import { createSerialQueue, type SerialQueue } from "./serial-queue.ts";
import type {
  BindingResult,
  SetUpdateRefusal,
  SetUpdateRequest,
  SetUpdateResult,
  SignatureEncodings,
  SignedClaim,
  Signer,
  SignerFailure,
  SigningKey,
  SignRefusal,
  SignRequest,
  SignResult,
  UnsignedBinding,
} from "./signer.ts";

export interface SignerDependencies {
  readonly protection: ProtectionRecord;
  readonly key: SigningKey;
  /** Checks the certificates of releases. */
  readonly bls: Pick<Bls, "verifyAggregate" | "publicKeyToPoint" | "aggregatePublicKeys">;
  /** Told once that the record failed: the process has to exit with a failure, and not go on. */
  readonly onFatal: (error: unknown) => void;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface SignerOptions {
  /** How far above the verified head a height may be. */
  readonly maxAheadBlocks: bigint;
  /** How many requests may wait. */
  readonly maxQueued: number;
}

/** Builds the signer of one operator: each request is checked, recorded and signed by itself. */
export function createSigner(dependencies: SignerDependencies, options: SignerOptions): Signer {
  return new RecordingSigner(dependencies, options);
}

class RecordingSigner implements Signer {
  readonly #dependencies: SignerDependencies;
  readonly #options: SignerOptions;
  readonly #queue: SerialQueue;
  #state: "open" | "failed" | "stopped" = "open";
  /** The signature made last: the next commit takes it along, so that it costs no sync of its own. */
  #unkept: SignedClaim | null = null;

  constructor(dependencies: SignerDependencies, options: SignerOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#queue = createSerialQueue({ maxWaiting: options.maxQueued });
  }

  sign(request: SignRequest): Promise<SignResult> {
    return this.#enqueue(() => this.#sign(request));
  }

  signSetUpdate(request: SetUpdateRequest): Promise<SetUpdateResult> {
    return this.#enqueue(() => this.#signSetUpdate(request));
  }

  signPeerBinding(asked: UnsignedBinding): Promise<BindingResult> {
    return this.#enqueue(() => this.#signPeerBinding(asked));
  }

  lastSigned(rollupId: bigint): Promise<SigningRecord | null> {
    return this.#read((record) => record.newest(rollupId));
  }

  signedAt(rollupId: bigint, blockNumber: bigint): Promise<SigningRecord | null> {
    return this.#read((record) => record.at({ rollupId, blockNumber }));
  }

  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    const isWhole = this.#state === "open";
    this.#state = "stopped";
    await this.#queue.settled();
    if (isWhole && this.#unkept !== null) this.#commit(() => undefined);
    await this.#dependencies.protection.close();
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T | Refused<SignerFailure>> {
    const result = this.#queue.run<T | Refused<SignerFailure>>(async () => {
      switch (this.#state) {
        case "open":
          return await task();
        case "failed":
          return refuse("not-persisted");
        case "stopped":
          return refuse("signer-stopped");
      }
    });
    return result ?? Promise.resolve(refuse("queue-full"));
  }

  async #sign(request: SignRequest): Promise<SignResult> {
    const { claim, ancestry = [], release: evidence = null } = request;
    const { domain } = this.#identity;
    const release = evidence && verifyRelease(this.#dependencies.bls, evidence, domain);
    if (evidence !== null && release === null) return refuse("bad-release");
    const refusal = this.#check(request);
    if (refusal !== null) return refuse(refusal);
    const digest = claimDigest(domain, claim);
    const asked = { claim, digest, ancestry, release };
    const recorded = this.#commit((writer) =>
      recordClaim(writer, asked, () => this.#unknownLast(writer, request)),
    );
    if (recorded === null) return refuse("not-persisted");
    if (!recorded.value.ok) return recorded.value;
    const covered = this.#cover();
    const kept = this.#withUnkept(recorded.value.record).signature;
    if (kept !== null) {
      if (!(await covered)) return refuse("not-persisted");
      const encodings = { compressed: compressSignature(kept), uncompressed: kept };
      return { ok: true, signed: { claim, digest, ...encodings } };
    }
    const made = await this.#signDigest(digest);
    if (!(await covered)) return refuse("not-persisted");
    if (made === null) return refuse("key-failed");
    this.#unkept = { claim, digest, ...made };
    return { ok: true, signed: this.#unkept };
  }

  #check(request: SignRequest): SignRefusal | null {
    const { claim } = request;
    if (!isSameDomain(request.domain, this.#identity.domain)) return "wrong-domain";
    if (request.operator !== this.#identity.operator) return "wrong-operator";
    if (!isLegalClaim(claim)) return "malformed-claim";
    const ceiling = request.verifiedHead + this.#options.maxAheadBlocks;
    if (claim.blockNumber > ceiling) return "height-beyond-ceiling";
    return request.isStillWanted?.() === false ? "no-longer-wanted" : null;
  }

  /**
   * Of an operator that lost its record: the height that nothing was signed above before. It is
   * kept at the first request, because what was signed before was never further ahead. Null for an
   * operator that had never signed.
   */
  #unknownLast(writer: ProtectionWriter, { claim, verifiedHead }: SignRequest): bigint | null {
    if (this.#dependencies.protection.origin === "never-signed") return null;
    const kept = writer.ceiling(claim.rollupId);
    if (kept !== null) return kept;
    const highest = verifiedHead + this.#options.maxAheadBlocks;
    const ceiling = highest < MAX_UINT64 ? highest : MAX_UINT64;
    writer.keepCeiling(claim.rollupId, ceiling);
    return ceiling;
  }

  /**
   * A record that was lost is no reason to wait here: what L1 has finalised for an epoch never
   * changes, so that an honest operator can only have signed the very same.
   */
  async #signSetUpdate(request: SetUpdateRequest): Promise<SetUpdateResult> {
    const { epoch, operatorSetHash } = request;
    const refusal = this.#checkSetUpdate(request);
    if (refusal !== null) return refuse(refusal);
    const digest = setUpdateDigest(this.#identity.domain, { epoch, operatorSetHash });
    const asked = { epoch, operatorSetHash, digest };
    const recorded = this.#commit((writer) => recordSetUpdate(writer, asked));
    if (recorded === null) return refuse("not-persisted");
    if (recorded.value === null) return refuse("another-hash-signed");
    const covered = this.#cover();
    const kept = recorded.value.signature;
    if (kept !== null) {
      if (!(await covered)) return refuse("not-persisted");
      const encodings = { compressed: compressSignature(kept), uncompressed: kept };
      return { ok: true, signed: { ...asked, ...encodings } };
    }
    const made = await this.#signDigest(digest);
    if (!(await covered)) return refuse("not-persisted");
    if (made === null) return refuse("key-failed");
    // Once an epoch: it is worth a commit of its own.
    const isKept = this.#commit((writer) =>
      writer.keepSetUpdateSignature(epoch, made.uncompressed),
    );
    return isKept === null ? refuse("not-persisted") : { ok: true, signed: { ...asked, ...made } };
  }

  #checkSetUpdate(request: SetUpdateRequest): SetUpdateRefusal | null {
    const { epoch, operatorSetHash } = request;
    if (!isSameDomain(request.domain, this.#identity.domain)) return "wrong-domain";
    if (request.operator !== this.#identity.operator) return "wrong-operator";
    const isLegal = epoch >= 1n && epoch <= MAX_UINT64 && isHex(operatorSetHash, 32);
    if (!isLegal) return "malformed-update";
    return request.isStillWanted?.() === false ? "no-longer-wanted" : null;
  }

  async #signPeerBinding(asked: UnsignedBinding): Promise<BindingResult> {
    const { domain, operator } = this.#identity;
    const recorded = this.#commit((writer) => {
      // At least the time, so that a record made anew is not stuck below what peers have heard.
      const least = BigInt(this.#dependencies.now());
      const next = writer.bindingSequence() + 1n;
      const sequence = next > least ? next : least;
      writer.keepBindingSequence(sequence);
      return sequence;
    });
    if (recorded === null) return refuse("not-persisted");
    const { peerId, expiry } = asked;
    const binding = { operator, peerId, sequence: recorded.value, expiry };
    const made = await this.#signDigest(peerBindingDigest(domain, binding));
    if (this.#hasFailed()) return refuse("not-persisted");
    if (made === null) return refuse("key-failed");
    return { ok: true, binding: { ...binding, signature: made.compressed } };
  }

  async #signDigest(digest: Hex): Promise<SignatureEncodings | null> {
    try {
      const { compressed, uncompressed } = await this.#dependencies.key.sign(digest);
      const isWhole = uncompressed.length === 192 && isHex(compressed, 96);
      return isWhole ? { compressed, uncompressed } : null;
    } catch {
      // A key in another process may be away; the claim stays recorded and can be asked for again.
      return null;
    }
  }

  /** A change of the record that is on disk when this returns; null where that failed. */
  #commit<T>(change: (writer: ProtectionWriter) => T): { readonly value: T } | null {
    try {
      const value = this.#dependencies.protection.commit((writer) => {
        if (this.#unkept !== null) {
          writer.keepSignature(this.#unkept.claim, this.#unkept.uncompressed);
        }
        return change(writer);
      });
      this.#unkept = null;
      return { value };
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  /** Whether the record's second place says so too: begun before the signature is computed. */
  async #cover(): Promise<boolean> {
    try {
      await this.#dependencies.protection.covered();
      return !this.#hasFailed();
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  async #read(
    find: (protection: ProtectionRecord) => SigningRecord | null,
  ): Promise<SigningRecord | null> {
    if (this.#state === "stopped") throw new NodeError("signer-stopped", "The signer is stopped.");
    try {
      const record = find(this.#dependencies.protection);
      return record && this.#withUnkept(record);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #withUnkept(record: SigningRecord): SigningRecord {
    const unkept = this.#unkept;
    if (record.signature !== null || unkept?.digest !== record.digest) return record;
    return { ...record, signature: unkept.uncompressed };
  }

  #hasFailed(): boolean {
    return this.#state === "failed";
  }

  #fail(error: unknown): void {
    if (this.#state === "failed") return;
    this.#state = "failed";
    this.#dependencies.onFatal(error);
  }

  get #identity(): ProtectionIdentity {
    return this.#dependencies.protection.identity;
  }
}

interface Refused<Code extends SignRefusal | SetUpdateRefusal> {
  readonly ok: false;
  readonly code: Code;
}

interface AskedClaim {
  readonly claim: Claim;
  readonly digest: Hex;
  readonly ancestry: readonly Hex[];
  readonly release: VerifiedRelease | null;
}

type Recorded =
  | { readonly ok: true; readonly record: SigningRecord }
  | Refused<LockRefusal | "waiting-for-finality">;

/** Rules 1 and 2 of the protocol, or it is the very same claim as one of the record. */
function recordClaim(
  writer: ProtectionWriter,
  asked: AskedClaim,
  unknownLast: () => bigint | null,
): Recorded {
  const { claim, digest, release } = asked;
  const same = writer.at(claim);
  if (same !== null && isSameClaim(same.claim, claim)) {
    if (same.digest !== digest) {
      throw new NodeError("row-corrupt", "The record's digest is not its claim's.");
    }
    return { ok: true, record: same };
  }
  const ancestry = linksOf(asked.ancestry);
  const last = writer.newest(claim.rollupId)?.claim ?? null;
  // An import may have brought claims of before the loss: they do not end the wait.
  const ceiling = unknownLast();
  const lost = ceiling !== null && (last?.blockNumber ?? 0n) <= ceiling ? ceiling : null;
  if (lost !== null && !isClearOf(lost, asked)) return refuse("waiting-for-finality");
  const decision = checkForkLock({ last, claim, ancestry, release });
  if (!decision.ok) return refuse(decision.code);
  const isReleased = decision.ground === "release" || lost !== null;
  const kept = isReleased && release !== null ? toRelease(release) : null;
  const record = { claim, digest, release: kept };
  writer.insert(record);
  return { ok: true, record: { ...record, signature: null } };
}

/**
 * Whether a claim is clear of whatever was signed up to a height before the record was lost: it is
 * above it, on the chain of a block at or above it that L1 has finalised.
 */
function isClearOf(height: bigint, { claim, ancestry, release }: AskedClaim): boolean {
  if (release?.kind !== "l1-finalised-block") return false;
  // As if the last claim had been signed there, on a branch that nothing descends from.
  const last = { ...claim, blockNumber: height, blockHash: ZERO_HASH };
  return checkForkLock({ last, claim, ancestry: linksOf(ancestry), release }).ok;
}

/** Rule 3 of the protocol, as far as a record can hold it: one hash per epoch. Null for another. */
function recordSetUpdate(
  writer: ProtectionWriter,
  asked: RecordedSetUpdate,
): SetUpdateRecord | null {
  const recorded = writer.setUpdateOf(asked.epoch);
  if (recorded === null) {
    writer.insertSetUpdate(asked);
    return { ...asked, signature: null };
  }
  if (recorded.operatorSetHash !== asked.operatorSetHash) return null;
  if (recorded.epoch !== asked.epoch || recorded.digest !== asked.digest) {
    throw new NodeError("row-corrupt", "The record's digest is not its set update's.");
  }
  return recorded;
}

function refuse<Code extends SignRefusal | SetUpdateRefusal>(code: Code): Refused<Code> {
  return { ok: false, code };
}
