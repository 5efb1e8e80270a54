import { createNativeBls } from "@mach/bls";
import { type Certificate, claimDigest, type WireAttestation } from "@mach/core";
import { encodeHello } from "../../packages/node/src/gossip/hello.ts";
import { encodeSyncRequest } from "../../packages/node/src/gossip/sync-wire.ts";
import { type NetworkNames, networkNames } from "../../packages/node/src/gossip/topics.ts";
import {
  encodeAttestations,
  encodeCertificate,
  encodeSetUpdate,
} from "../../packages/node/src/gossip/wire.ts";
import { read, until } from "../e2e/api.ts";
import type { Arena } from "./arena.ts";
import {
  control,
  graft,
  idontwant,
  ihave,
  iwant,
  join,
  prune,
  publication,
  subscription,
} from "./gossipsub-frames.ts";

/** What honest nodes send, by the stream that carries it; without the lengths before the frames. */
export interface Corpus {
  readonly gossip: readonly Uint8Array[];
  readonly hello: readonly Uint8Array[];
  readonly sync: readonly Uint8Array[];
}

/** Frames with what the network has really signed: a certificate, and a member's attestations. */
export async function realFrames(arena: Arena): Promise<Corpus> {
  const { domain, network, rollupId } = arena;
  const names = networkNames(domain);
  const certificate = await until("a certificate", async () => {
    return (await read(network.apiUrl, "finality", { rollupId })).data.certificate;
  });
  return {
    gossip: gossipFrames(arena, names, certificate),
    hello: [encodeHello({ networkId: names.networkId, binding: null }), boundHello(arena, names)],
    sync: [
      encodeSyncRequest({ kind: "heads" }),
      encodeSyncRequest({ kind: "certificates", rollupId, from: 0n, limit: 16 }),
      encodeSyncRequest({ kind: "attestations", rollupId, from: 0n, limit: 16 }),
      encodeSyncRequest({ kind: "evidence", from: 0n, limit: 16 }),
      encodeSyncRequest({ kind: "set-updates", epoch: 1n, from: 0, limit: 16 }),
    ],
  };
}

function gossipFrames(
  arena: Arena,
  names: NetworkNames,
  certificate: Certificate,
): readonly Uint8Array[] {
  const attested = encodeAttestations(
    [1n, 2n, 3n].map((ahead) => attestationOf(arena, certificate, ahead)),
  );
  const update = encodeSetUpdate({
    ...{ version: 1, domain: arena.domain, epoch: certificate.claim.epoch + 1n, signers: "0x01" },
    operatorSetHash: certificate.operatorSetHash,
    signedBy: certificate.operatorSetHash,
    signature: certificate.signature,
  });
  const ids = [1, 2, 3, 4].map((i) => new Uint8Array(20).fill(i));
  const topics = [names.attestations, names.certificates, names.evidence, names.setUpdates];
  return [
    join(...topics.map((topic) => subscription(topic))),
    publication(names.attestations, attested),
    publication(names.certificates, encodeCertificate(certificate)),
    publication(names.setUpdates, update),
    control(ihave(names.attestations, ids), iwant(ids), idontwant(ids)),
    control(...topics.map(graft)),
    control(...topics.map((topic) => prune(topic, 60))),
  ];
}

/** A member's attestation to a claim that nobody else makes, some blocks above a certified one. */
function attestationOf(arena: Arena, { claim }: Certificate, ahead: bigint): WireAttestation {
  const { operator, secretKey } = arena.member();
  const bls = createNativeBls();
  const key = bls.secretKeyFromBytes(secretKey);
  if (key === null) throw new Error("no secret key");
  const above = { ...claim, blockNumber: claim.blockNumber + ahead };
  const { uncompressed } = bls.sign(key, claimDigest(arena.domain, above));
  return { claim: above, operator, signature: uncompressed };
}

function boundHello(arena: Arena, { networkId }: NetworkNames): Uint8Array {
  const { operator } = arena.member();
  const peerId = `0x${"00".repeat(38)}` as const;
  const signature = `0x${"c0".repeat(96)}` as const;
  const binding = { operator, peerId, sequence: 1n, expiry: 4_000_000_000n, signature };
  return encodeHello({ networkId, binding });
}
