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

/** The next epoch's set, the current and the previous one: who left earlier is an operator no more. */
const SETS_OF_OPERATORS = 3n;

/** Whether an operator of one of the newest sets signed the binding. */
function isOperatorsBinding(
  { engine, bls, domain }: GossipHandlersPorts,
  binding: SignedPeerBinding,
): boolean {
  const message = peerBindingDigest(domain, binding);
  const { signature, operator } = binding;
  const sets = [...engine.state().epochs.values()];
  const newest = sets.reduce((most, each) => bigMax(most, each.operatorSet.epoch), 0n);
  const keys = new Set(
    sets.flatMap(({ operatorSet, byOperator }) => {
      const index = byOperator.get(operator);
      if (index === undefined || operatorSet.epoch + SETS_OF_OPERATORS <= newest) return [];
      return operatorSet.operators[index]?.publicKey ?? [];
    }),
  );
  return [...keys].some((key) => bls.verifyAggregate({ publicKeys: [key], message, signature }));
}

function bigMax(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
