import {
  type Bls,
  buildOperatorSet,
  type Domain,
  type EpochSchedule,
  type Hex,
  type Operator,
  type OperatorSet,
  type OperatorSetFailure,
  type RollupParameters,
  ZERO_HASH,
} from "@mach/core";
import type { PinnedL1 } from "./l1-view.ts";
import { createL1View, type L1Block, type L1ViewFailure, type L1ViewOptions } from "./l1-view.ts";
import {
  decodeHash,
  decodeRollups,
  decodeSchedule,
  decodeSnapshot,
  encodeCall,
  type SnapshotEntry,
  type UnsupportedRollup,
} from "./registry-codec.ts";

export interface RegistryReaderOptions extends L1ViewOptions {
  /** The registry's address on the L1. */
  readonly registry: Hex;
}

/** What identifies a network, read from its registry. */
export interface RegistryNetwork {
  readonly domain: Domain;
  readonly schedule: EpochSchedule;
}

/** An epoch as the registry fixed it. */
export interface RegistryEpoch {
  readonly operatorSet: OperatorSet;
  readonly rollups: readonly RollupParameters[];
  /** Rollups of stacks that this version cannot check. */
  readonly unsupportedRollups: readonly UnsupportedRollup[];
  /** The finalized block at which all of it was read. */
  readonly block: L1Block;
}

export type RegistryReadFailure =
  | L1ViewFailure
  /** No contract at the registry's address in finalized state, or not yet. */
  | { readonly ok: false; readonly code: "registry-not-found" }
  /** The contract's answer is not one that a registry gives. */
  | { readonly ok: false; readonly code: "malformed-answer" };

export type ReadNetworkResult =
  | { readonly ok: true; readonly network: RegistryNetwork; readonly block: L1Block }
  | RegistryReadFailure;

export type RegistrySetFailure =
  /** The operators that the registry lists do not make the hash that it fixed. */
  | {
      readonly ok: false;
      readonly code: "hash-mismatch";
      readonly registryHash: Hex;
      readonly rebuiltHash: Hex;
    }
  /** The list is no operator set: see OperatorSetFailure of core. */
  | { readonly ok: false; readonly code: OperatorSetFailure };

export type ReadOperatorSetResult =
  | ({ readonly ok: true } & RegistryEpoch)
  | RegistryReadFailure
  | RegistrySetFailure
  /** Finalized state holds no set of this epoch: not fixed, or fixed too recently. */
  | { readonly ok: false; readonly code: "not-fixed"; readonly block: L1Block };

export interface RegistryReader {
  readNetwork(): Promise<ReadNetworkResult>;
  readOperatorSet(epoch: bigint): Promise<ReadOperatorSetResult>;
  /** Closes the connections. What is under way, and every later read, is `l1-unavailable`. */
  close(): Promise<void>;
}

type ReaderBls = Pick<Bls, "publicKeyToPoint" | "publicKeyFromPoint" | "aggregatePublicKeys">;

/**
 * Reads the registry from L1-finalized state only. Every set is rebuilt here and compared with the
 * hash that the registry fixed; on any doubt there is a code and no set. Never rejects. It keeps
 * connections until it is closed.
 */
export function createRegistryReader(
  { bls }: { readonly bls: ReaderBls },
  options: RegistryReaderOptions,
): RegistryReader {
  const view = createL1View(options);
  const { registry } = options;

  async function readNetwork(): Promise<ReadNetworkResult> {
    const pinned = await view.pinFinalized();
    if (!pinned.ok) return pinned;
    const [genesisTime, epochSeconds] = await Promise.all([
      query(pinned.l1, encodeCall("genesisTime")),
      query(pinned.l1, encodeCall("epochSeconds")),
    ]);
    if (!genesisTime.ok) return genesisTime;
    if (!epochSeconds.ok) return epochSeconds;
    const schedule = decodeSchedule(genesisTime.data, epochSeconds.data);
    if (schedule === null) return { ok: false, code: "malformed-answer" };
    const domain = { chainId: options.chainId, verifyingContract: registry };
    return { ok: true, network: { domain, schedule }, block: pinned.l1.block };
  }

  async function readOperatorSet(epoch: bigint): Promise<ReadOperatorSetResult> {
    const pinned = await view.pinFinalized();
    if (!pinned.ok) return pinned;
    const { l1 } = pinned;
    const hash = await query(l1, encodeCall("operatorSetHash", epoch));
    if (!hash.ok) return hash;
    const registryHash = decodeHash(hash.data);
    if (registryHash === null) return { ok: false, code: "malformed-answer" };
    if (registryHash === ZERO_HASH) return { ok: false, code: "not-fixed", block: l1.block };

    const [snapshotAnswer, rollupsAnswer] = await Promise.all([
      query(l1, encodeCall("operatorsAt", epoch)),
      query(l1, encodeCall("rollupsAt", epoch)),
    ]);
    if (!snapshotAnswer.ok) return snapshotAnswer;
    if (!rollupsAnswer.ok) return rollupsAnswer;
    const snapshot = decodeSnapshot(snapshotAnswer.data);
    const rollups = decodeRollups(rollupsAnswer.data);
    if (snapshot === null || rollups === null) return { ok: false, code: "malformed-answer" };

    const rebuilt = rebuild({ epoch, registryHash, snapshot });
    return rebuilt.ok ? { ...rebuilt, ...rollups, block: l1.block } : rebuilt;
  }

  function rebuild(registered: {
    readonly epoch: bigint;
    readonly registryHash: Hex;
    readonly snapshot: readonly SnapshotEntry[];
  }): { readonly ok: true; readonly operatorSet: OperatorSet } | RegistrySetFailure {
    const { epoch, registryHash, snapshot } = registered;
    const operators: Omit<Operator, "index">[] = [];
    for (const { operator, publicKeyPoint, weight } of snapshot) {
      const publicKey = bls.publicKeyFromPoint(publicKeyPoint);
      if (publicKey === null) return { ok: false, code: "bad-public-key" };
      operators.push({ operator, publicKey, weight });
    }
    const built = buildOperatorSet(bls, { epoch, operators });
    if (!built.ok) return built;
    const { operatorSet } = built;
    if (operatorSet.operatorSetHash !== registryHash) {
      const rebuiltHash = operatorSet.operatorSetHash;
      return { ok: false, code: "hash-mismatch", registryHash, rebuiltHash };
    }
    return { ok: true, operatorSet };
  }

  async function query(
    l1: PinnedL1,
    data: string,
  ): Promise<{ readonly ok: true; readonly data: Hex } | RegistryReadFailure> {
    const answer = await l1.call({ to: registry, data });
    if (answer.ok && answer.data === "0x") return { ok: false, code: "registry-not-found" };
    return answer;
  }

  return { readNetwork, readOperatorSet, close: view.close };
}
