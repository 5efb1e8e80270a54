import {
  admitSetUpdate,
  asVerifiedSetUpdate,
  bitfieldFromIndices,
  createEngineState,
  type Effect,
  type EngineState,
  fromHex,
  type Hex,
  type Input,
  type OperatorSet,
  type SetUpdate,
  setUpdateDigest,
  signersOf,
  step,
  toHex,
  toSetUpdate,
} from "../../src/index.ts";
import { xorBls, xorSign, xorSum } from "../xor-bls.ts";
import { domain, operatorSetOf, schedule } from "./harness.ts";

export const WRONG: Hex = `0x${"ee".repeat(32)}`;
export const OTHER: Hex = `0x${"dd".repeat(32)}`;
/** The second in which epoch 1 begins, in milliseconds. */
const IN_EPOCH_1 = 1_060_000;

interface Options {
  readonly operator?: Hex | null;
  readonly refuses?: boolean;
}

/** A node that knows of sets alone: sums are made at once, by the twin of BLS. */
export function createSetNode({ operator = null, refuses = false }: Options = {}) {
  let state = createEngineState({
    domain,
    schedule,
    operator,
    rollups: [],
    improvementWindowMs: 2_000,
    openHeights: 16,
    earlyAttestations: 64,
    chainDepth: 32,
    graceMs: 1_000,
  });
  const effects: Effect[] = [];
  const node = {
    state: (): EngineState => state,
    effects,
    now: IN_EPOCH_1,
    input(input: Input): void {
      const result = step(state, input, node.now);
      state = result.state;
      for (const effect of result.effects) {
        effects.push(effect);
        if (effect.type === "sum-set-update") {
          const { epoch, operatorSetHash, signers, signatures } = effect;
          const signature = toHex(xorSum(signatures.map(fromHex)));
          node.input({ type: "set-update-summed", epoch, operatorSetHash, signers, signature });
        }
        if (effect.type === "sign-set-update" && operator !== null && !refuses) {
          const { epoch, operatorSetHash } = effect;
          const { publicKey } = member(operatorSetOf(epoch - 1n), operator);
          const digest = setUpdateDigest(domain, { epoch, operatorSetHash });
          const signature = toHex(xorSign(publicKey, digest));
          node.input({ type: "set-update-signed", epoch, operatorSetHash, signature });
        }
      }
    },
    knows(...sets: readonly OperatorSet[]): void {
      for (const operatorSet of sets) node.input({ type: "set-known", operatorSet, rollups: [] });
    },
    isFinal({ epoch, operatorSetHash }: OperatorSet): void {
      node.input({ type: "set-final", epoch, operatorSetHash });
    },
    /** The whole path of an update from the wire; the code where it was not admitted. */
    receive(update: SetUpdate): string {
      const admission = admitSetUpdate(state, update);
      if (!admission.ok) return admission.code;
      const { publicKeys, digest: message, signature } = admission.update;
      if (!xorBls.verifyAggregate({ publicKeys, message, signature })) return "bad-signature";
      node.input({ type: "set-update-verified", update: asVerifiedSetUpdate(admission.update) });
      return "accepted";
    },
    of: <T extends Effect["type"]>(type: T): Extract<Effect, { type: T }>[] =>
      effects.filter((each): each is Extract<Effect, { type: T }> => each.type === type),
    held: (epoch: bigint): SetUpdate | null => {
      const held = state.setUpdates.get(epoch)?.held ?? null;
      return held && toSetUpdate(held);
    },
  };
  return node;
}

function member(operatorSet: OperatorSet, operator: Hex): OperatorSet["operators"][number] {
  const found = operatorSet.operators.find((each) => each.operator === operator);
  if (found === undefined) throw new Error("no such operator");
  return found;
}

/** An update as these operators of the set of the epoch before would sign it. */
export function signedBy(
  indices: readonly number[],
  epoch = 1n,
  operatorSetHash: Hex = operatorSetOf(epoch).operatorSetHash,
): SetUpdate {
  const signing = operatorSetOf(epoch - 1n);
  const signers = bitfieldFromIndices(indices, signing.operators.length);
  const digest = setUpdateDigest(domain, { epoch, operatorSetHash });
  const signatures = signersOf({ signers }, signing).map((each) => xorSign(each.publicKey, digest));
  return {
    version: 1,
    domain,
    epoch,
    operatorSetHash,
    signedBy: signing.operatorSetHash,
    signers,
    signature: toHex(xorSum(signatures)),
  };
}
