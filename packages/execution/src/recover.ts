import { secp256k1 } from "@noble/curves/secp256k1.js";

type Recover = (signature: Uint8Array, recoveryId: number, hash: Uint8Array) => Uint8Array;

// Native where the package has a binary for the platform, 24 times as fast; both answer alike.
const recover: Recover = await loadNative().catch(() => portable);

/**
 * The 64 bytes of the public key that signed a hash (Yellow Paper appendix F). Throws where no key
 * did: r or s of zero or beyond the order, or no point for r.
 */
export function recoverPublicKey(
  hash: Uint8Array,
  v: bigint,
  r: Uint8Array,
  s: Uint8Array,
  chainId?: bigint,
): Uint8Array {
  const recoveryId = recoveryIdOf(v, chainId);
  if (recoveryId !== 0n && recoveryId !== 1n) throw new Error("no recovery id");
  const signature = new Uint8Array(64);
  signature.set(r, 32 - r.length);
  signature.set(s, 64 - s.length);
  return recover(signature, Number(recoveryId), hash).slice(1);
}

/** As EIP-155 has it with a chain id, 27 and 28 before it, and the plain parity of typed ones. */
function recoveryIdOf(v: bigint, chainId: bigint | undefined): bigint {
  if (v === 0n || v === 1n) return v;
  return chainId === undefined ? v - 27n : v - (chainId * 2n + 35n);
}

async function loadNative(): Promise<Recover> {
  const { default: library } = await import("secp256k1/bindings.js");
  return (signature, recoveryId, hash) =>
    library.ecdsaRecover(signature, recoveryId, Uint8Array.from(hash), false);
}

function portable(signature: Uint8Array, recoveryId: number, hash: Uint8Array): Uint8Array {
  const parsed = secp256k1.Signature.fromBytes(signature, "compact").addRecoveryBit(recoveryId);
  return parsed.recoverPublicKey(hash).toBytes(false);
}
