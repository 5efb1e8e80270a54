import { encodeEvidence, parseEvidence } from "@mach/api";
import type { NativeBls } from "@mach/bls";
import {
  type Domain,
  openAttestations,
  openSetUpdates,
  peerBindingDigest,
  type SignedPeerBinding,
} from "@mach/core";
import type { GossipHandlers } from "../gossip/handlers.ts";
import { canonicalJson, parseJsonBytes } from "../store/canonical-json.ts";
import type { Store } from "../store/store.ts";
import { certifiedHeads } from "./certified-heads.ts";
import type { EngineShell } from "./shell.ts";

export interface GossipHandlersPorts {
  readonly engine: Pick<
    EngineShell,
    "state" | "receiveAttestations" | "receiveCertificate" | "receiveEvidence" | "receiveSetUpdate"
  >;
  readonly store: Pick<Store, "listCertificates" | "listEvidence">;
  readonly bls: Pick<NativeBls, "verifyAggregate">;
  readonly domain: Domain;
  readonly onPeerReady: GossipHandlers["onPeerReady"];
}

/** What gossip hands on, and what a peer that asks is given. */
export function createGossipHandlers(ports: GossipHandlersPorts): GossipHandlers {
  const { engine, store, onPeerReady } = ports;
  return {
    encodeEvidence: (evidence) => Buffer.from(canonicalJson(encodeEvidence(evidence))),
    decodeEvidence: (document) => {
      const parsed = parseEvidence(parseJsonBytes(document));
      return parsed.ok ? parsed.value : null;
    },
    onAttestations: (attestations, from) => engine.receiveAttestations(attestations, from),
    onCertificate: (certificate, from) => engine.receiveCertificate(certificate, from),
    onEvidence: (evidence, from) => engine.receiveEvidence(evidence, from),
    onSetUpdate: (update, from) => engine.receiveSetUpdate(update, from),
    verifyBinding: (binding) => isOperatorsBinding(ports, binding),
    serveCertificates: (query) => store.listCertificates(query),
    serveAttestations: (query) => openAttestations(engine.state(), query),
    serveEvidence: (query) => store.listEvidence(query),
    serveSetUpdates: (query) => openSetUpdates(engine.state(), query),
    serveHeads: () => certifiedHeads(engine.state()),
    onPeerReady,
  };
}

/** Whether an operator of a set that is known here signed the binding. */
function isOperatorsBinding(
  { engine, bls, domain }: GossipHandlersPorts,
  binding: SignedPeerBinding,
): boolean {
  const message = peerBindingDigest(domain, binding);
  const { signature, operator } = binding;
  const keys = new Set(
    [...engine.state().epochs.values()].flatMap(({ operatorSet, byOperator }) => {
      const index = byOperator.get(operator);
      return index === undefined ? [] : (operatorSet.operators[index]?.publicKey ?? []);
    }),
  );
  return [...keys].some((key) => bls.verifyAggregate({ publicKeys: [key], message, signature }));
}
