import { createRequire } from "node:module";
import installedBls from "@chainsafe/bls";
import type { IBls } from "@chainsafe/bls/types";
import type * as Blst from "@chainsafe/blst";
import type { Hex } from "@mach/core";
import { createBoundedCache, PUBLIC_KEY_CACHE_ENTRIES } from "./bounded-cache.ts";
import { BlsError } from "./errors.ts";
import {
  isPublicKeyEncoding,
  isSignatureEncoding,
  PUBLIC_KEY_BYTES,
  parseHex,
} from "./point-encoding.ts";

/** Both native libraries, and the decoders that every path in goes through. */
export interface NativeLibrary {
  /** The face for keys and single operations. */
  readonly bls: IBls;
  /** Used directly where many signatures are checked at once. */
  readonly blst: typeof Blst;
  /** The point of a compressed key, checked once and remembered; null if it is not a legal key. */
  publicKey(publicKey: Hex): Blst.PublicKey | null;
}

/**
 * Loads the native libraries. Throws `native-unavailable` unless blst is behind both: without it
 * @chainsafe/bls stands in a WebAssembly library, five times slower, and says nothing.
 */
export function loadNativeLibrary(
  sources: { readonly bls: IBls; readonly loadBlst: () => typeof Blst } = {
    bls: installedBls,
    // Not a static import: a missing binary would end the process before it could be told why.
    loadBlst: () => createRequire(import.meta.url)("@chainsafe/blst"),
  },
): NativeLibrary {
  const { bls } = sources;
  if (bls.implementation !== "blst-native") {
    throw unavailable(`@chainsafe/bls runs on "${bls.implementation}" instead of blst-native`);
  }
  const blst = loadBlst(sources.loadBlst);
  const cache = createBoundedCache<Hex, Blst.PublicKey>(PUBLIC_KEY_CACHE_ENTRIES);
  return {
    bls,
    blst,
    publicKey(publicKey) {
      const cached = cache.get(publicKey);
      if (cached !== undefined) return cached;
      const bytes = parseHex(publicKey, PUBLIC_KEY_BYTES);
      if (bytes === null || !isPublicKeyEncoding(bytes)) return null;
      const point = attempt(() => blst.PublicKey.fromBytes(bytes, true));
      if (point !== null) cache.set(publicKey, point);
      return point;
    },
  };
}

/** A signature of 96 or 192 bytes, in the subgroup and not infinity, or null. */
export function decodeSignature(
  { blst }: Pick<NativeLibrary, "blst">,
  signature: Uint8Array,
): Blst.Signature | null {
  if (!isSignatureEncoding(signature)) return null;
  return attempt(() => blst.Signature.fromBytes(signature, true, true));
}

/** The sum of checked keys; null for no keys and for a sum at infinity. */
export function sumPublicKeys(
  { blst }: Pick<NativeLibrary, "blst">,
  publicKeys: readonly Blst.PublicKey[],
): Blst.PublicKey | null {
  if (publicKeys.length === 0) return null;
  const sum = blst.aggregatePublicKeys([...publicKeys], false);
  return isPublicKeyEncoding(sum.toBytes(true)) ? sum : null;
}

/** The result, or null where the library refuses its input: its one way to do so is to throw. */
export function attempt<Result>(operation: () => Result): Result | null {
  try {
    return operation();
  } catch {
    return null;
  }
}

function loadBlst(load: () => typeof Blst): typeof Blst {
  try {
    return load();
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw unavailable(`@chainsafe/blst cannot be loaded (${why})`, cause);
  }
}

function unavailable(problem: string, cause?: unknown): BlsError {
  const remedy =
    "If it is missing, install again with optional dependencies: it comes as the package " +
    `@chainsafe/blst-* for ${process.platform}-${process.arch}.`;
  return new BlsError("native-unavailable", `${problem}. ${remedy}`, { cause });
}
