import type { SecretKey as NativeSecretKey } from "@chainsafe/bls/types";
import { attempt, type NativeLibrary } from "./native-library.ts";

/** The key at a path below a seed's master key (EIP-2333), or null where there is none. */
export function deriveKey(
  { bls, blst }: NativeLibrary,
  seed: Uint8Array,
  path: readonly number[],
): NativeSecretKey | null {
  // The library cuts an index to 32 bits, and so would give a key of another path.
  if (!path.every((index) => index >>> 0 === index)) return null;
  return attempt(() => {
    const master = blst.SecretKey.deriveMasterEip2333(seed);
    const key = path.reduce((parent, index) => parent.deriveChildEip2333(index), master);
    return bls.SecretKey.fromBytes(key.toBytes());
  });
}
