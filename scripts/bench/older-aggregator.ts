import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeCertificate, parseAttestation } from "@mach/api";
import { createNativeBls } from "@mach/bls";
import {
  type Attestation,
  bitfieldFromIndices,
  buildCertificate,
  buildOperatorSet,
  type Claim,
  claimDigest,
  type Domain,
  fromHex,
  hasQuorum,
  type Operator,
  type OperatorSet,
  toCertificate,
} from "@mach/core";
import { cpuMicros } from "./rounds.ts";

/**
 * A model of the way of older services, no more than it has to be: one aggregator that operators
 * post to over HTTP. It checks each signature by itself, adds up what is good, and answers whoever
 * waits for the certificate.
 */
export type OlderAggregator = {
  start(options: {
    readonly epoch: bigint;
    readonly operators: readonly Omit<Operator, "index">[];
  }): Promise<{ readonly url: string }>;
  cpuMicros(): number;
};

export const OLDER_DOMAIN: Domain = {
  chainId: 31_337n,
  verifyingContract: `0x${"0d".repeat(20)}`,
};
const THRESHOLD_BPS = 6667;

interface Height {
  readonly claim: Claim;
  readonly signatures: Map<number, Uint8Array>;
  certificate: string | null;
}

/** The role of a child process. */
export function createRole(): OlderAggregator {
  const bls = createNativeBls();
  const heights = new Map<string, Height>();
  const waiting = new Map<string, ServerResponse[]>();
  let set: OperatorSet | null = null;

  function take(attestation: Attestation, operatorSet: OperatorSet): number {
    const { claim, operator, signature } = attestation;
    const member = operatorSet.operators.find((each) => each.operator === operator);
    if (member === undefined) return 403;
    const message = claimDigest(OLDER_DOMAIN, claim);
    const entries = [{ publicKey: member.publicKey, signature: fromHex(signature) }];
    const [verdict] = bls.verifyBatch({ message, entries });
    if (verdict?.ok !== true) return 400;
    const key = `${claim.blockNumber}`;
    const height = heights.get(key) ?? { claim, signatures: new Map(), certificate: null };
    heights.set(key, height);
    height.signatures.set(member.index, fromHex(signature));
    height.certificate ??= certify(height, operatorSet);
    if (height.certificate !== null) {
      for (const response of waiting.get(key) ?? []) response.end(height.certificate);
      waiting.delete(key);
    }
    return 200;
  }

  function certify({ claim, signatures }: Height, operatorSet: OperatorSet): string | null {
    const { operators, totalWeight } = operatorSet;
    const signedWeight = [...signatures.keys()].reduce(
      (sum, index) => sum + (operators[index]?.weight ?? 0n),
      0n,
    );
    if (!hasQuorum({ signedWeight, totalWeight, thresholdBps: THRESHOLD_BPS })) return null;
    const signature = bls.aggregateSignatures([...signatures.values()]);
    if (signature === null) return null;
    const signers = bitfieldFromIndices(signatures.keys(), operators.length);
    const context = { operatorSet, thresholdBps: THRESHOLD_BPS };
    const certificate = buildCertificate(
      { domain: OLDER_DOMAIN, claim, signers, signature },
      context,
    );
    return certificate && JSON.stringify(encodeCertificate(toCertificate(certificate)));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET") {
      const key = request.url?.slice(1) ?? "";
      const certificate = heights.get(key)?.certificate ?? null;
      if (certificate !== null) response.end(certificate);
      else waiting.set(key, [...(waiting.get(key) ?? []), response]);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const parsed = parseAttestation(JSON.parse(Buffer.concat(chunks).toString("utf8")));
    response.statusCode = set === null || !parsed.ok ? 400 : take(parsed.value, set);
    response.end();
  }

  return {
    async start({ epoch, operators }) {
      const built = buildOperatorSet(bls, { epoch, operators });
      if (!built.ok) throw new Error(built.code);
      set = built.operatorSet;
      const server = createServer((request, response) => {
        answer(request, response).catch(() => response.destroy());
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    },
    cpuMicros,
  };
}
