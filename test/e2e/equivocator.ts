import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import {
  type Claim,
  claimDigest,
  type Domain,
  type Hex,
  peerBindingDigest,
  toHex,
  type WireAttestation,
} from "@mach/core";
import "../../packages/node/src/polyfill.ts";
import { createGossip, type Gossip } from "@mach/node";

/** An operator that breaks the rules: it joins the gossip and signs whatever it is told to. */
export interface Equivocator {
  attest(claims: readonly Claim[]): void;
  /** How many peers took it for the operator that it speaks for. */
  peers(): number;
  stop(): Promise<void>;
}

export async function startEquivocator(options: {
  readonly domain: Domain;
  readonly operator: Hex;
  readonly secretKey: Uint8Array;
  readonly bootNodes: readonly string[];
}): Promise<Equivocator> {
  const { domain, operator, bootNodes } = options;
  const bls = createNativeBls();
  const secretKey = bls.secretKeyFromBytes(options.secretKey);
  if (secretKey === null) throw new Error("no secret key");
  const dataDir = mkdtempSync(join(tmpdir(), "mach-equivocator-"));
  const ignore = async (): Promise<{ accept: true }> => ({ accept: true });
  const silent = (): void => undefined;
  const gossip: Gossip = createGossip(
    {
      dataDir,
      domain,
      host: "127.0.0.1",
      port: 0,
      bootNodes,
      now: () => Date.now(),
      logger: { debug: silent, info: silent, warn: silent, error: silent },
      bindingSigner: {
        async signPeerBinding(asked) {
          // Above what this operator has shown before, from whatever peer.
          const binding = { ...asked, operator, sequence: BigInt(Date.now()) };
          const { compressed } = bls.sign(secretKey, peerBindingDigest(domain, binding));
          return { ...binding, signature: compressed };
        },
      },
    },
    {
      encodeEvidence: () => new Uint8Array(),
      decodeEvidence: () => null,
      onAttestations: ignore,
      onCertificate: ignore,
      onEvidence: ignore,
      onSetUpdate: ignore,
      verifyBinding: () => false,
      serveCertificates: () => [],
      serveAttestations: () => [],
      serveEvidence: () => [],
      serveSetUpdates: () => [],
      serveHeads: () => [],
      onPeerReady: silent,
    },
  );
  await gossip.start();
  return {
    attest(claims) {
      for (const claim of claims) {
        const { uncompressed } = bls.sign(secretKey, claimDigest(domain, claim));
        const attestation: WireAttestation = { claim, operator, signature: uncompressed };
        gossip.publishAttestation(attestation);
      }
    },
    peers: () => gossip.peers().length,
    async stop() {
      await gossip.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The same claim but for its block: what no honest operator signs beside the first. */
export function contradict(claim: Claim): Claim {
  return { ...claim, blockHash: toHex(randomBytes(32)), stateRoot: toHex(randomBytes(32)) };
}
