import { claimDigest, fromHex, type Hex } from "@mach/core";
import { loadNativeLibrary, type NativeLibrary } from "../../packages/bls/src/native-library.ts";
import { decodeAttestations } from "../../packages/node/src/gossip/wire.ts";
import { DOMAIN, type Traffic } from "./scale-traffic.ts";

type PublicKey = InstanceType<NativeLibrary["blst"]["PublicKey"]>;

/** The library's work alone for a second's messages. */
export interface BareChecks {
  /** Checks what each claim has by one randomised batch and signs each claim; throws if it fails. */
  check(messages: readonly Uint8Array[]): void;
}

/** As few batches as there can be: one of all signatures for each claim. */
export function createBareChecks(traffic: Traffic): BareChecks {
  const { blst } = loadNativeLibrary();
  const points = new Map<Hex, PublicKey>();
  const epochs = new Map<bigint, ReadonlyMap<Hex, Hex>>();

  function keyOf(epoch: bigint, operator: Hex): PublicKey {
    const known = points.get(operator);
    if (known !== undefined) return known;
    const members =
      epochs.get(epoch) ??
      new Map(traffic.operatorSet(epoch).operators.map((each) => [each.operator, each.publicKey]));
    epochs.set(epoch, members);
    const point = blst.PublicKey.fromBytes(fromHex(members.get(operator) ?? "0x"), true);
    points.set(operator, point);
    return point;
  }

  return {
    check(messages) {
      const byDigest = new Map<Hex, { pk: PublicKey; sig: Uint8Array }[]>();
      const digests = new Map<Hex, Hex>();
      for (const { claim, operator, signature } of messages.flatMap(decoded)) {
        const digest = digests.get(claim.blockHash) ?? claimDigest(DOMAIN, claim);
        digests.set(claim.blockHash, digest);
        const sets = byDigest.get(digest) ?? [];
        byDigest.set(digest, sets);
        sets.push({ pk: keyOf(claim.epoch, operator), sig: signature });
      }
      for (const [digest, sets] of byDigest) {
        const { pk, sig } = blst.aggregateWithRandomness(sets);
        const isValid = blst.verify(fromHex(digest), pk, sig, false, false);
        if (!isValid) throw new Error("a valid signature was refused");
        traffic.own.sign(digest);
      }
    },
  };
}

function decoded(message: Uint8Array): NonNullable<ReturnType<typeof decodeAttestations>> {
  return decodeAttestations(message) ?? [];
}
