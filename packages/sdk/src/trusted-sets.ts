import { type Bls, epochAt, isHex, MIN_THRESHOLD_BPS, type OperatorSet } from "@mach/core";
import type { Endpoint } from "./endpoints.ts";
import { SdkError } from "./errors.ts";
import type { L1Registry } from "./l1-registry.ts";
import { type CheckedNetwork, isStaleEpoch } from "./network.ts";
import { createSetSource } from "./set-source.ts";
import type { EpochTrust, PinnedTrust, SetAnswer } from "./trust.ts";

/** The operator sets that this client has come to trust. */
export interface TrustedSets {
  /** What certificates of a rollup in an epoch are held to. Never rejects. */
  trustIn(rollupId: bigint, epoch: bigint): Promise<SetAnswer<EpochTrust>>;
  /** Takes the updates up to the current epoch, so that trust does not lapse in a quiet hour. */
  follow(): Promise<SetAnswer<OperatorSet>>;
}

export interface TrustedSetsOptions {
  readonly network: CheckedNetwork;
  readonly compareMs: number;
  readonly now: () => number;
}

interface Dependencies {
  readonly bls: Bls;
  readonly endpoints: readonly Endpoint[];
  readonly origin: PinnedTrust | L1Registry;
}

/** More sets than are ever valid at once. */
const MAX_SETS = 16;
/** More thresholds than one consumer's rollups have in those epochs. */
const MAX_THRESHOLDS = 1024;

/** Sets from a trusted hash by their updates, or from L1; the preimages come from any endpoint. */
export function createTrustedSets(
  { bls, endpoints, origin }: Dependencies,
  { network, compareMs, now }: TrustedSetsOptions,
): TrustedSets {
  const source = createSetSource({ bls, endpoints }, { network, compareMs });
  const sets = new Map<bigint, OperatorSet>();
  const thresholds = new Map<string, number>();
  const pending = new Map<bigint, Promise<SetAnswer<OperatorSet>>>();
  if (!("thresholdBps" in origin)) checkPin(origin);

  async function setFromL1(registry: L1Registry, epoch: bigint): Promise<SetAnswer<OperatorSet>> {
    const hash = await registry.operatorSetHash(epoch);
    return hash.ok ? await source.fetchSet(epoch, hash.value) : hash;
  }

  /** Recursive in the number of epochs, which the age of every set on the way bounds. */
  async function setFromPin(pin: PinnedTrust, epoch: bigint): Promise<SetAnswer<OperatorSet>> {
    if (epoch < pin.epoch) return { ok: false, code: "before-trust" };
    if (epoch === pin.epoch) return await source.fetchSet(epoch, pin.operatorSetHash);
    if (isStaleEpoch(network, epoch - 1n, now())) return { ok: false, code: "stale-set" };
    const before = await setOf(epoch - 1n);
    if (!before.ok) return before;
    const update = await source.fetchUpdate(before.value);
    return update.ok ? await source.fetchSet(epoch, update.value.operatorSetHash) : update;
  }

  function setOf(epoch: bigint): Promise<SetAnswer<OperatorSet>> {
    const known = sets.get(epoch);
    if (known !== undefined) return Promise.resolve({ ok: true, value: known });
    const under = pending.get(epoch);
    if (under !== undefined) return under;
    const reading = "thresholdBps" in origin ? setFromL1(origin, epoch) : setFromPin(origin, epoch);
    const kept = reading
      .then((answer) => {
        if (answer.ok) keep(sets, epoch, answer.value, MAX_SETS);
        return answer;
      })
      .finally(() => pending.delete(epoch));
    pending.set(epoch, kept);
    return kept;
  }

  async function validSet(epoch: bigint): Promise<SetAnswer<OperatorSet>> {
    // The next epoch's set is known ahead, and a rollup's clock may run ahead of this one.
    const current = epochAt(network.schedule, BigInt(Math.floor(now() / 1000))) ?? 0n;
    if (epoch > current + 1n) return { ok: false, code: "future-epoch" };
    if (isStaleEpoch(network, epoch, now())) return { ok: false, code: "stale-set" };
    return await setOf(epoch);
  }

  async function thresholdOf(rollupId: bigint, epoch: bigint): Promise<SetAnswer<number>> {
    if (!("thresholdBps" in origin)) return { ok: true, value: MIN_THRESHOLD_BPS };
    const key = `${rollupId}/${epoch}`;
    const known = thresholds.get(key);
    if (known !== undefined) return { ok: true, value: known };
    const read = await origin.thresholdBps(rollupId, epoch);
    if (read.ok) keep(thresholds, key, read.value, MAX_THRESHOLDS);
    return read;
  }

  return {
    async trustIn(rollupId, epoch) {
      const set = await validSet(epoch);
      if (!set.ok) return set;
      const threshold = await thresholdOf(rollupId, epoch);
      if (!threshold.ok) return threshold;
      return { ok: true, value: { operatorSet: set.value, thresholdBps: threshold.value } };
    },
    follow() {
      return validSet(epochAt(network.schedule, BigInt(Math.floor(now() / 1000))) ?? 0n);
    },
  };
}

function checkPin(pin: PinnedTrust): void {
  if (typeof pin.epoch !== "bigint" || pin.epoch < 0n || !isHex(pin.operatorSetHash, 32)) {
    throw new SdkError("bad-option", "trust must be { epoch, operatorSetHash } or { l1 }");
  }
}

function keep<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
