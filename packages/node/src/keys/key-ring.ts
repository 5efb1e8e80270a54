import type { NativeBls, SecretKey } from "@mach/bls";
import type { Hex } from "@mach/core";
import type { SigningKey } from "../signer/signer.ts";

/**
 * The keys that an operator signs with: its present one, and the next one beside it while keys
 * change. Which of them signs is decided by the operator set, so that both are ever one operator.
 */
export interface KeyRing extends SigningKey {
  /** Of the key that signs where none is named. */
  readonly publicKey: Hex;
  /** Whether it has this key; the next one is opened once its file is there. Never rejects. */
  holds(publicKey: Hex): Promise<boolean>;
  /** Of the next key, as far as it can be opened by now. Never rejects. */
  nextPublicKey(): Promise<Hex | null>;
}

export interface KeyRingDependencies {
  readonly bls: Pick<NativeBls, "sign" | "publicKeyOf">;
  /** The next key; null while its file is not there. Rejects where the file cannot be used. */
  readonly readNext: () => Promise<SecretKey | null>;
  /** Told what keeps the next key from being opened, whenever it was tried. */
  readonly onFault: (error: unknown) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Opening a keystore takes a second of work: a wrong password must not cost that all the time. */
const RETRY_MS = 5_000;

/**
 * The keys of an operator, the next one where it is there already. Rejects where the next one is
 * there and cannot be used: at the begin of its epoch it would be too late to learn that.
 */
export async function openKeyRing(
  present: SecretKey,
  { bls, readNext, onFault, now }: KeyRingDependencies,
): Promise<KeyRing> {
  const publicKey = bls.publicKeyOf(present);
  const held = new Map([[publicKey, present]]);
  let next: Hex | null = null;
  let triedAtMs = now();
  let underWay: Promise<void> | null = null;

  async function open(): Promise<void> {
    const secretKey = await readNext();
    if (secretKey === null) return;
    next = bls.publicKeyOf(secretKey);
    held.set(next, secretKey);
  }

  async function openIfDue(): Promise<void> {
    const sinceMs = now() - triedAtMs;
    // A clock that was set back says nothing of when it was tried.
    const isDue = sinceMs >= RETRY_MS || sinceMs < 0;
    if (next === null && underWay === null && isDue) {
      triedAtMs = now();
      underWay = open()
        .catch(onFault)
        .finally(() => {
          underWay = null;
        });
    }
    await underWay;
  }

  await open();
  return {
    publicKey,
    async holds(asked) {
      if (held.has(asked)) return true;
      await openIfDue();
      return held.has(asked);
    },
    async nextPublicKey() {
      await openIfDue();
      return next;
    },
    sign(message, asked = publicKey) {
      const secretKey = held.get(asked);
      if (secretKey === undefined) throw new Error("no such key is held");
      return bls.sign(secretKey, message);
    },
  };
}
