import { fromHex, peerBindingDigest, type SignedPeerBinding, uintWord } from "@mach/core";
import { expect, it } from "vitest";
import { createGossipHandlers } from "../../src/engine/gossip-handlers.ts";
import {
  bls,
  createEngineNode,
  DOMAIN,
  memoryStore,
  operatorAt,
  operatorSetOf,
  PARAMETERS,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();

/** The fifth operator's key in these tests. */
function bindingOfFifth(): SignedPeerBinding {
  const key = bls.secretKeyFromBytes(fromHex(uintWord(5)));
  if (key === null) throw new Error("no key");
  const binding = { operator: operatorAt(4), peerId: "0x00aa", sequence: 1n, expiry: 9n } as const;
  const { compressed } = bls.sign(key, peerBindingDigest(DOMAIN, binding));
  return { ...binding, signature: compressed };
}

it("a binding is an operator's by the next, the current and the previous set, not an older one", () => {
  const node = createEngineNode({ verifier: verifier() });
  const { shell } = node;
  const handlers = createGossipHandlers({
    ...{ engine: shell, store: memoryStore(), bls, domain: DOMAIN },
    onPeerReady: () => undefined,
  });
  const binding = bindingOfFifth();
  const withFifth = operatorSetOf(0n, [22n, 24n, 26n, 28n, 1n]);
  expect(handlers.verifyBinding(binding)).toBe(false);
  shell.input({ type: "set-known", operatorSet: withFifth, rollups: [PARAMETERS] });
  expect(handlers.verifyBinding(binding)).toBe(true);
  expect(handlers.verifyBinding({ ...binding, sequence: 2n })).toBe(false);
  node.learn(1n, 2n);
  expect(handlers.verifyBinding(binding)).toBe(true);
  node.learn(3n);
  expect(handlers.verifyBinding(binding)).toBe(false);
});
