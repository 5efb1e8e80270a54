import { setTimeout as sleep } from "node:timers/promises";
import type { CertificateCalldata } from "@mach/api";
import type { Hex, OperatorSet, VerifiedCertificate } from "@mach/core";
import { encodeCertificateCall, encodeLightClientCall, type PointEncoder } from "@mach/settlement";

/** Certificates as the contracts take them. */
export interface CalldataEncoder {
  /** Null where a key or the signature is no point, or too many wait for their turn. */
  encode(
    certificate: VerifiedCertificate,
    operatorSet: OperatorSet,
  ): Promise<CertificateCalldata | null>;
}

/** Sets whose keys and Merkle tree are kept. */
const MAX_REMEMBERED_SETS = 16;
const MAX_QUEUED = 64;
/**
 * How much longer than an encoding the pause after it is. A set of 1,024 with a third missing takes
 * some 200 ms, and anybody may ask: readers get a tenth of the node's time for it.
 */
const PAUSE_FACTOR = 9;

/** Encodes one certificate at a time, and none in the time that it leaves to others. */
export function createCalldataEncoder(bls: PointEncoder): CalldataEncoder {
  const remembered = new Map<Hex, OperatorSet>();
  let last: Promise<unknown> = Promise.resolve();
  let queued = 0;

  /** The same object for the same set: what is known of it is known by the object. */
  function remember(given: OperatorSet): OperatorSet {
    const known = remembered.get(given.operatorSetHash);
    if (known !== undefined) return known;
    const oldest = remembered.keys().next();
    if (remembered.size >= MAX_REMEMBERED_SETS && !oldest.done) remembered.delete(oldest.value);
    remembered.set(given.operatorSetHash, given);
    return given;
  }

  return {
    async encode(certificate, given) {
      if (queued >= MAX_QUEUED) return null;
      queued += 1;
      const before = last;
      const encoded = before.then(() => {
        const begun = performance.now();
        const value = encodeNow(bls, certificate, remember(given));
        return { value, tookMs: performance.now() - begun };
      });
      last = encoded.then(
        ({ tookMs }) => sleep(PAUSE_FACTOR * tookMs, undefined, { ref: false }),
        // The one that asked is told; those behind it go on.
        () => undefined,
      );
      try {
        return (await encoded).value;
      } finally {
        queued -= 1;
      }
    },
  };
}

function encodeNow(
  bls: PointEncoder,
  certificate: VerifiedCertificate,
  operatorSet: OperatorSet,
): CertificateCalldata | null {
  const { certificateId, domain, thresholdBps } = certificate;
  const { operatorSetHash } = operatorSet;
  const trust = { domain, operatorSetHash, thresholdBps };
  const verify = encodeCertificateCall(bls, certificate, { operatorSet, trust });
  const submit = encodeLightClientCall(bls, certificate, operatorSet);
  if (!verify.ok || !submit.ok) return null;
  return { certificateId, verify: verify.calldata, submitCertificate: submit.calldata };
}
