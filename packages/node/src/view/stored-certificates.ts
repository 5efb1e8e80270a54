import { setImmediate as nextTurn } from "node:timers/promises";
import type { Bls, Certificate, Domain, Hex, VerifiedCertificate } from "@mach/core";
import { verifyStored } from "../engine/certificate-check.ts";
import type { Store } from "../store/store.ts";

/** Certificates from the store, checked again: what a disk gives back is not trusted. */
export interface StoredCertificates {
  /** The certificate as it was found valid now or not long ago; null where it is not. */
  verify(certificate: Certificate): Promise<VerifiedCertificate | null>;
  /** Whether a claim is contradicted, for ever: memory goes back to the kept heights only. */
  isContradicted(rollupId: bigint, digest: Hex): Promise<boolean>;
}

/** Remembers what it found valid, so that readers of old pages do not use up the node's CPU. */
export function createStoredCertificates(
  ports: {
    readonly store: Pick<Store, "epochRecord" | "contradictions">;
    readonly bls: Pick<Bls, "verifyAggregate">;
    readonly domain: () => Domain;
  },
  options: { readonly maxRemembered: number },
): StoredCertificates {
  const { store, bls } = ports;
  const remembered = new Map<string, VerifiedCertificate>();

  return {
    async verify(certificate) {
      // The id stands for everything but the signature.
      const key = `${certificate.certificateId}/${certificate.signature}`;
      const known = remembered.get(key);
      if (known !== undefined) return known;
      const record = await store.epochRecord(certificate.claim.epoch);
      if (record === null) return null;
      const verified = verifyStored(bls, certificate, { record, domain: ports.domain() });
      if (verified === null) return null;
      const oldest = remembered.keys().next();
      if (remembered.size >= options.maxRemembered && !oldest.done) remembered.delete(oldest.value);
      remembered.set(key, verified);
      // A page of them must not keep the node from its own work.
      await nextTurn();
      return verified;
    },
    async isContradicted(rollupId, digest) {
      const all = await store.contradictions(rollupId);
      return all.some(({ claims }) => claims.some((claim) => claim.digest === digest));
    },
  };
}
