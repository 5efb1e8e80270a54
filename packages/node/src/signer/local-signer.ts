import {
  type Bls,
  claimDigest,
  compressSignature,
  type Hex,
  isHex,
  isSameDomain,
  peerBindingDigest,
  setUpdateDigest,
  verifyRelease,
} from "@mach/core";
import { NodeError } from "../node-error.ts";
import { MAX_UINT64 } from "../store/row-key.ts";
import { isLegalClaim } from "./legal-claim.ts";
import type {
  ProtectionIdentity,
  ProtectionRecord,
  ProtectionWriter,
  SigningRecord,
} from "./protection.ts";
import { type Refused, recordClaim, recordSetUpdate, refuse } from "./recording.ts";
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
    const { signature } = this.#withUnkept(recorded.value.record);
    const made = await this.#signRecorded({ digest, publicKey: request.publicKey, signature });
    if (!made.ok) return made;
    const signed = { claim, digest, ...made.encodings };
    if (signature === null) this.#unkept = signed;
    return { ok: true, signed };
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
    const { publicKey } = request;
    const { signature } = recorded.value;
    const made = await this.#signRecorded({ digest, publicKey, signature });
    if (!made.ok) return made;
    const signed = { ...asked, ...made.encodings };
    if (signature !== null) return { ok: true, signed };
    // Once an epoch: it is worth a commit of its own.
    const isKept = this.#commit((writer) =>
      writer.keepSetUpdateSignature(epoch, signed.uncompressed),
    );
    return isKept === null ? refuse("not-persisted") : { ok: true, signed };
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
    const { peerId, expiry, publicKey } = asked;
    const binding = { operator, peerId, sequence: recorded.value, expiry };
    const digest = peerBindingDigest(domain, binding);
    const made = await this.#signDigest({ digest, publicKey });
    if (this.#hasFailed()) return refuse("not-persisted");
    if (made === null) return refuse("key-failed");
    return { ok: true, binding: { ...binding, signature: made.compressed } };
  }

  /**
   * What the record has kept, or a new signature; none leaves before the record is covered. What
   * was kept of another key of the operator stays there: it is of the very same message.
   */
  async #signRecorded(
    asked: Asked & { readonly signature: Uint8Array | null },
  ): Promise<MadeSignature | Refused<SignerFailure>> {
    const covered = this.#cover();
    const encodings = this.#keptBy(asked) ?? (await this.#signDigest(asked));
    if (!(await covered)) return refuse("not-persisted");
    return encodings === null ? refuse("key-failed") : { ok: true, encodings };
  }

  #keptBy({
    digest,
    publicKey,
    signature,
  }: Asked & { readonly signature: Uint8Array | null }): SignatureEncodings | null {
    if (signature === null) return null;
    const compressed = compressSignature(signature);
    const kept = { compressed, uncompressed: signature };
    if (publicKey === undefined) return kept;
    const asked = { publicKeys: [publicKey], message: digest, signature: compressed };
    return this.#dependencies.bls.verifyAggregate(asked) ? kept : null;
  }

  async #signDigest({ digest, publicKey }: Asked): Promise<SignatureEncodings | null> {
    try {
      const { compressed, uncompressed } = await this.#dependencies.key.sign(digest, publicKey);
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

/** What is signed, and by which of the keys. */
interface Asked {
  readonly digest: Hex;
  readonly publicKey: Hex | undefined;
}

interface MadeSignature {
  readonly ok: true;
  readonly encodings: SignatureEncodings;
}
