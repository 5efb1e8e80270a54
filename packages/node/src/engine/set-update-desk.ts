import {
  type AdmittedSetUpdate,
  admitSetUpdate,
  asVerifiedSetUpdate,
  type Effect,
  type EngineState,
  fromHex,
  type Input,
  isFalseSetUpdate,
  isSetUpdateToBlame,
  type SetUpdate,
  setUpdateDeadline,
  singleSigner,
} from "@mach/core";
import { NodeError } from "../node-error.ts";
import { keyInSet } from "./key-in-set.ts";
import type { ClaimSigner, EnginePorts } from "./ports.ts";
import { OWN, type Sender } from "./sender-standing.ts";
import type { SignatureDesk } from "./signature-desk.ts";
import { ACCEPT, ignore, reject, type Verdict } from "./verdict.ts";

export interface SetUpdateDeskPorts
  extends Pick<EnginePorts, "bls" | "signer" | "store" | "gossip" | "announce" | "now"> {
  readonly desk: Pick<SignatureDesk, "withRoom" | "verify">;
  readonly state: () => EngineState;
  readonly input: (input: Input) => void;
}

type SetUpdateEffect = Extract<
  Effect,
  { type: "sign-set-update" | "publish-set-update" | "sum-set-update" | "store-set-update" }
>;

/** Brings set updates from peers to the engine, and performs what it asks for about them. */
export interface SetUpdateDesk {
  /** The cheap checks, then the signature; what is accepted may be forwarded. */
  receive(update: SetUpdate, sender?: Sender): Promise<Verdict>;
  /** Rejects where the store fails. */
  perform(effect: SetUpdateEffect): Promise<void>;
}

/** One desk for an engine. */
export function createSetUpdateDesk(ports: SetUpdateDeskPorts): SetUpdateDesk {
  const { bls, desk, signer, store, gossip, announce, state, input } = ports;

  async function sign(
    by: ClaimSigner,
    { epoch, operatorSetHash }: Extract<Effect, { type: "sign-set-update" }>,
  ): Promise<void> {
    const publicKey = keyInSet(state(), epoch - 1n);
    if (publicKey === null || !(await by.holds(publicKey))) {
      // What it signs is counted unchecked: with another key it would make bad updates.
      announce({ type: "set-update-refused", epoch, code: "key-not-in-set" });
      return;
    }
    const deadline = Number(setUpdateDeadline(state().options.schedule, epoch)) * 1_000;
    const isStillWanted = (): boolean => ports.now() < deadline;
    const result = await by.signSetUpdate({ epoch, publicKey, operatorSetHash, isStillWanted });
    if (!result.ok) {
      announce({ type: "set-update-refused", epoch, code: result.code });
      return;
    }
    const { signature } = result;
    input({ type: "set-update-signed", epoch, operatorSetHash, signature });
  }

  async function keep({ update }: Extract<Effect, { type: "store-set-update" }>): Promise<void> {
    const stored = await store.putSetUpdate(update);
    if (!stored.ok) {
      throw new NodeError("data-folder-unusable", "The store is of another network.");
    }
    announce({ type: "set-update", update });
  }

  /** One operator's is checked off the main thread: at an epoch's begin they come all at once. */
  async function check(update: AdmittedSetUpdate, sender: Sender): Promise<Verdict> {
    const { digest: message, publicKeys, signature } = update;
    const [publicKey] = publicKeys;
    if (singleSigner(update) === null || publicKey === undefined) {
      const isValid = bls.verifyAggregate({ publicKeys, message, signature });
      return isValid ? ACCEPT : reject("bad-signature");
    }
    const signed = { message, publicKey, signature: fromHex(signature) };
    const verdict = await desk.withRoom(sender, {
      count: 1,
      check: () => desk.verify(sender, signed),
    });
    if (verdict === null) return ignore("overloaded");
    if (verdict.ok) return ACCEPT;
    return verdict.code === "bad-signature" ? reject(verdict.code) : ignore(verdict.code);
  }

  return {
    async receive(update, sender = OWN) {
      const admission = admitSetUpdate(state(), update);
      if (!admission.ok) {
        const { code } = admission;
        return isSetUpdateToBlame(code) ? reject(code) : ignore(code);
      }
      const verdict = await check(admission.update, sender);
      if (!verdict.accept) return verdict;
      // The same one may have come from another peer while this one was checked.
      const again = admitSetUpdate(state(), update);
      if (!again.ok) return ignore(again.code);
      input({ type: "set-update-verified", update: asVerifiedSetUpdate(again.update) });
      // Who handed it on may not have known the registry's hash; its signers are told of as evidence.
      return isFalseSetUpdate(state(), update) ? ignore("false-set-update") : ACCEPT;
    },
    async perform(effect) {
      switch (effect.type) {
        case "sign-set-update":
          if (signer !== null) await sign(signer, effect);
          return;
        case "publish-set-update":
          gossip.publishSetUpdate(effect.update);
          return;
        case "sum-set-update": {
          const { epoch, operatorSetHash, signers } = effect;
          const signature = bls.aggregateSignatures(effect.signatures.map(fromHex));
          input({ type: "set-update-summed", epoch, operatorSetHash, signers, signature });
          return;
        }
        case "store-set-update":
          await keep(effect);
          return;
      }
    },
  };
}
