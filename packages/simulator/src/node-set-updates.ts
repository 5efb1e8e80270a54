import {
  admitSetUpdate,
  asVerifiedSetUpdate,
  type Effect,
  fromHex,
  type Hex,
  type SetUpdate,
  setUpdateDigest,
  toHex,
  toSetUpdate,
} from "@mach/core";
import type { SimNode } from "./sim-node.ts";

type SetUpdateEffect = Extract<
  Effect,
  { type: "sign-set-update" | "publish-set-update" | "sum-set-update" | "store-set-update" }
>;

/** Does what the engine asks for about set updates, as the node's shell does. */
export function performSetUpdate(node: SimNode, effect: SetUpdateEffect): void {
  const { random, broadcast, judge, setting } = node.ports;
  switch (effect.type) {
    case "sign-set-update":
      node.later(random.between(1, 5), () => sign(node, effect));
      return;
    case "publish-set-update":
      broadcast({ type: "set-update", update: toSetUpdate(effect.update) });
      return;
    case "sum-set-update": {
      const { epoch, operatorSetHash, signers, signatures } = effect;
      node.later(random.between(1, 4), () => {
        const signature = setting.bls.sum(signatures.map(fromHex));
        node.input({ type: "set-update-summed", epoch, operatorSetHash, signers, signature });
      });
      return;
    }
    case "store-set-update":
      judge.onSetUpdate(node.index, effect.update);
      return;
  }
}

/** A set update from outside: the cheap checks, then its signature. */
export function receiveSetUpdate(node: SimNode, update: SetUpdate): void {
  const admission = admitSetUpdate(node.state, update);
  if (!admission.ok) return;
  const admitted = admission.update;
  const { digest: message, publicKeys, signature } = admitted;
  if (!node.ports.setting.bls.verifyAggregate({ publicKeys, message, signature })) return;
  node.input({ type: "set-update-verified", update: asVerifiedSetUpdate(admitted) });
}

function sign(
  node: SimNode,
  { epoch, operatorSetHash }: { readonly epoch: bigint; readonly operatorSetHash: Hex },
): void {
  const { member } = node;
  const { setting, judge } = node.ports;
  if (member === null) return;
  const digest = setUpdateDigest(setting.domain, { epoch, operatorSetHash });
  judge.onSetUpdateSigned(node, { member, epoch, operatorSetHash, digest });
  const signature = toHex(setting.bls.sign(member.publicKey, digest));
  node.input({ type: "set-update-signed", epoch, operatorSetHash, signature });
}
