import { createHash } from "node:crypto";
import { type Domain, domainSeparator, type Hex } from "@mach/core";

/** The names that keep one network's messages and streams apart from every other's. */
export interface NetworkNames {
  /** The EIP-712 domain separator: what the hello compares. */
  readonly networkId: Hex;
  readonly attestations: string;
  readonly certificates: string;
  readonly evidence: string;
  readonly setUpdates: string;
  /** Protocol of the first exchange on a connection. */
  readonly hello: string;
  /** Protocol of the requests for what was missed. */
  readonly sync: string;
}

/** The topic and protocol names of a network. */
export function networkNames(domain: Domain): NetworkNames {
  const networkId = domainSeparator(domain);
  const network = networkId.slice(2, 18);
  return {
    networkId,
    attestations: `mach/1/${network}/attestations`,
    certificates: `mach/1/${network}/certificates`,
    evidence: `mach/1/${network}/evidence`,
    setUpdates: `mach/1/${network}/set-updates`,
    hello: `/mach/${network}/hello/1`,
    sync: `/mach/${network}/sync/1`,
  };
}

/** The topics of a network; no other is taken. */
export function topicsOf(names: NetworkNames): readonly string[] {
  return [names.attestations, names.certificates, names.evidence, names.setUpdates];
}

/** The first 20 bytes of sha256(topic || data). */
export function messageId(topic: string, data: Uint8Array): Uint8Array {
  return createHash("sha256").update(topic).update(data).digest().subarray(0, 20);
}
