import { epochAt, type Hex } from "@mach/core";
import type { Alerts } from "../alerts.ts";
import type { BindingSigner } from "../gossip/own-binding.ts";
import type { OperatorSigner } from "../operator.ts";
import { keyInSet } from "./key-in-set.ts";
import type { ClaimSigner } from "./ports.ts";
import { guardRecord, type RecordGuardPorts } from "./rollback-guard.ts";

export interface DutiesPorts extends RecordGuardPorts {
  readonly alerts: Pick<Alerts, "raise" | "clear">;
}

/** What a node does for its operator, with whichever of the operator's keys a set names. */
export interface Duties {
  readonly claims: ClaimSigner;
  readonly bindings: BindingSigner;
  /** Has the keys of the sets that are known opened before they sign. To be called all the time. */
  onTick(): void;
}

/** The operator's signer, held against its record, against peers, and against the sets. */
export function createDuties(operator: OperatorSigner, ports: DutiesPorts): Duties {
  const { state, alerts, now } = ports;
  const claims = guardRecord(operator, ports);
  const lacking = new Map<bigint, "warning" | "critical">();
  /** Keys that the sets name and the node has not, as far as it was last found. */
  let missing: ReadonlySet<Hex> = new Set();
  let isChecking = false;

  const currentEpoch = (): bigint | null =>
    epochAt(state().options.schedule, BigInt(Math.floor(now() / 1_000)));

  async function check(current: bigint): Promise<void> {
    const notHeld = new Set<Hex>();
    for (const epoch of state().epochs.keys()) {
      if (epoch < current) continue;
      const publicKey = keyInSet(state(), epoch);
      if (publicKey === null || (await claims.holds(publicKey))) clear(epoch);
      else {
        notHeld.add(publicKey);
        lack(epoch, epoch === current ? "critical" : "warning");
      }
    }
    missing = notHeld;
    for (const epoch of [...lacking.keys()]) if (epoch < current) clear(epoch);
  }

  function lack(epoch: bigint, severity: "warning" | "critical"): void {
    if (lacking.get(epoch) === severity) return;
    clear(epoch);
    lacking.set(epoch, severity);
    const message =
      `The operator set of epoch ${epoch} has another key of this operator than those that the ` +
      "node has: nothing of that epoch is signed. Put its keystore where operator.nextKey says.";
    alerts.raise({ ...cause(epoch), severity, message });
  }

  function clear(epoch: bigint): void {
    if (lacking.delete(epoch)) alerts.clear(cause(epoch));
  }

  return {
    claims,
    bindings: {
      /** The newest that the operator set of the running epoch, or the one after it, tells peers. */
      publicKey() {
        const epoch = currentEpoch();
        if (epoch === null) return null;
        const publicKey = keyInSet(state(), epoch) ?? keyInSet(state(), epoch + 1n);
        // Peers take a binding by another key for none: once this one is opened, it signs anew.
        return publicKey === null || missing.has(publicKey) ? null : publicKey;
      },
      async signPeerBinding({ peerId, expiry, publicKey }) {
        const isHeld = publicKey !== undefined && (await claims.holds(publicKey));
        const asked = isHeld ? { peerId, expiry, publicKey } : { peerId, expiry };
        return await operator.bindings.signPeerBinding(asked);
      },
    },
    onTick() {
      const current = currentEpoch();
      if (isChecking || current === null) return;
      isChecking = true;
      void check(current).finally(() => {
        isChecking = false;
      });
    },
  };
}

function cause(epoch: bigint): {
  readonly code: "key-not-held";
  readonly rollupId: null;
  readonly subject: string;
} {
  return { code: "key-not-held", rollupId: null, subject: `${epoch}` };
}
