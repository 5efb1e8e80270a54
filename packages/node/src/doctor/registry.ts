import { epochAt, type Hex } from "@mach/core";
import { effectAt, type Membership, type OperatorState } from "@mach/settlement";
import { hasUnusableFile } from "./files.ts";
import { fail, notLookedAt, ok, type Verdict, warn } from "./finding.ts";
import { isFinalityOld, l1AgreementCheck } from "./l1.ts";
import type { Check, L1Facts, OwnKey, Patient } from "./patient.ts";

const WRONG = "compare network.chainId and network.registry with what the network's people publish";

/** Whether the registry stands where the configuration says, and is this network's. */
export const registryCheck: Check = {
  name: "registry",
  async run(patient) {
    const { network, newest } = await patient.l1();
    const { chainId, registry } = patient.config.network;
    if (!network.ok) {
      if (network.code === "registry-not-found") {
        const found = `no contract stands at ${registry} in the finalized state of chain ${chainId}`;
        return [fail({ code: network.code, found, next: WRONG })];
      }
      if (network.code === "malformed-answer") {
        const found = `what stands at ${registry} does not answer as a registry`;
        return [fail({ code: network.code, found, next: WRONG })];
      }
      return [await judgeUnread(network.code, patient)];
    }
    if (newest === null) return [notLookedAt("no endpoint of the L1 tells its domain")];
    if (!newest.ok) {
      if (newest.code === "l1-unavailable") {
        return [notLookedAt(`${newest.host} does not tell its domain`)];
      }
      return [wrongDomain(patient)];
    }
    const { epochSeconds } = network.network.schedule;
    const { epoch } = newest.state;
    const when = epoch === null ? "epoch 0 is to come" : `epoch ${epoch}`;
    return [ok(`${registry} on chain ${chainId}: ${when}, of ${epochSeconds} s each`)];
  },
};

function wrongDomain({ config }: Patient): Verdict {
  const { chainId, registry } = config.network;
  const found = `what stands at ${registry} is no registry of the domain MACH, 1, ${chainId}`;
  return fail({ code: "wrong-domain", found, next: WRONG });
}

/** A contract that refuses the question looks like an L1 that cannot be read: the newest state tells. */
async function judgeUnread(code: string, patient: Patient): Promise<Verdict> {
  const { newest } = await patient.l1();
  if (newest?.ok === false && newest.code === "no-registry") return wrongDomain(patient);
  const [agreement] = await l1AgreementCheck.run(patient);
  if (code === "wrong-chain" || agreement?.level !== "ok") {
    return notLookedAt(`the L1 cannot be read (${code})`);
  }
  const found = `the L1 endpoints serve blocks, and not the registry at the finalized one (${code})`;
  const next = "use endpoints that answer eth_call by a block's hash (EIP-1898), and alike";
  return fail({ code, found, next });
}

/** Whether the set of the epoch that runs is known, as the node reads it. */
export const epochSetCheck: Check = {
  name: "operator set",
  async run(patient) {
    const { network, epochSet } = await patient.l1();
    if (!network.ok) return [notLookedAt("the registry is not read")];
    const epoch = currentEpoch(network.network.schedule, patient);
    if (epoch === null) return [ok("epoch 0 is to come")];
    if (epochSet === null) return [notLookedAt("the set of this epoch was not read")];
    if (!epochSet.ok && (await isFinalityOld(patient))) {
      return [notLookedAt("what the L1 calls final is older than an epoch")];
    }
    if (epochSet.ok) {
      const { operators, totalWeight } = epochSet.operatorSet;
      const found = `epoch ${epoch}: ${operators.length} operator(s), weight ${totalWeight}`;
      return [ok(`${found}, rebuilt to the registry's hash`)];
    }
    if (epochSet.code === "not-fixed") {
      const found = `nobody has fixed epoch ${epoch} on L1, or not in a block that is final yet`;
      const next = "somebody has to pay for it: give this node a payer with a balance";
      return [fail({ code: "epoch-not-fixed", found, next })];
    }
    const found = `the set of epoch ${epoch} cannot be read (${epochSet.code})`;
    return [fail({ code: epochSet.code, found, next: "look at the L1 endpoints first" })];
  },
};

/** The epoch that runs by this clock. */
export function currentEpoch(
  schedule: { readonly genesisTime: bigint; readonly epochSeconds: bigint },
  { surroundings }: Pick<Patient, "surroundings">,
): bigint | null {
  return epochAt(schedule, BigInt(Math.floor(surroundings.now() / 1_000)));
}

/** Whether the operator's key can be used. */
export const keyCheck: Check = {
  name: "operator key",
  async run(patient) {
    const key = await patient.ownKey();
    if (key === null) return [];
    if (!key.ok && (await hasUnusableFile(patient))) {
      return [notLookedAt("a file that it needs cannot be used")];
    }
    if (key.ok) {
      const next = key.nextPublicKey === null ? "" : `, and so does the next, ${key.nextPublicKey}`;
      return [ok(`${key.publicKey} opens${next}`)];
    }
    const next = "see docs/operating.md, Keys; a signer elsewhere has to run, with the same token";
    return [fail({ code: key.code, found: key.why, next })];
  },
};

/** Whether the operator is registered with that key, and what it weighs. */
export const registrationCheck: Check = {
  name: "registration",
  async run(patient) {
    const { operator } = patient.config;
    if (operator === undefined) return [ok("an observer: it signs nothing, and needs none")];
    const [{ newest }, key] = [await patient.l1(), await patient.ownKey()];
    if (newest === null || !newest.ok) return [notLookedAt("the registry is not read")];
    const { state } = newest;
    if (state.keyCount === 0n) {
      const found = `${operator.address} has no key in the registry, by ${newest.host}`;
      const next = "`mach operator deposit` and `mach operator register`: see docs/operating.md";
      return [fail({ code: "not-registered", found, next })];
    }
    return [judgeKey(state, key)];
  },
};

function judgeKey(state: OperatorState, key: OwnKey | null): Verdict {
  const found = `${state.operator} has registered ${state.keyCount} key(s)`;
  if (key === null || !key.ok) return notLookedAt("the operator's own key does not open");
  const members = state.memberships.filter(({ member }) => member !== null);
  const keyOf = ({ member }: Membership): Hex | null => member?.publicKeyPoint ?? null;
  const others = members.filter((each) => !key.publicKeyPoints.includes(keyOf(each)));
  const [other] = others;
  if (other === undefined) {
    const since = members.length === 0 ? "no set has one yet" : "each set has one that is here";
    return ok(`${found}; ${since}`);
  }
  const next =
    "put the keystore of the registered key where operator.nextKey says; `mach operator status` " +
    "lists the keys";
  if (others.length < members.length) {
    const epochs = `epoch ${other.epoch} has a key that the configuration has not`;
    return warn({ code: "key-changes", found: `${found}; ${epochs}`, next });
  }
  const code = "key-not-in-set";
  return fail({ code, found: `${found}; the sets have none of the configuration's`, next });
}

/** What the operator weighs in the epoch that runs and in the two after it. */
export const weightCheck: Check = {
  name: "weight",
  async run(patient) {
    if (patient.config.operator === undefined) return [];
    const { newest }: L1Facts = await patient.l1();
    if (newest === null || !newest.ok) return [notLookedAt("the registry is not read")];
    const { state } = newest;
    if (state.keyCount === 0n) return [notLookedAt("the operator is not registered")];
    return [judgeWeight(state)];
  },
};

function judgeWeight(state: OperatorState): Verdict {
  const { memberships, weight, schedule, time } = state;
  const later = effectAt(schedule, time + 1n);
  const known = memberships.map(
    ({ epoch, member }) => `epoch ${epoch}: ${member === null ? "none" : member.weight}`,
  );
  const outlook = weight === null ? "not known by its source" : `${weight} as things stand`;
  const found = [...known, `epoch ${later.epoch}: ${outlook}`].join("; ");
  const isIn = memberships.map(({ member }) => member !== null);
  const next = "put stake behind it: `mach operator deposit`, `delegate`, and `poke` on EigenLayer";
  if (isIn.every((each) => !each) && (weight === null || weight < state.minimumWeight)) {
    return fail({ code: "weight-too-low", found, next });
  }
  if (weight === null || weight < state.minimumWeight) {
    return warn({ code: "weight-ends", found, next });
  }
  if (isIn.length > 0 && isIn[0] === false) {
    const wait = "wait: the node abstains until its stake counts";
    return warn({ code: "weight-to-come", found, next: wait });
  }
  return ok(found);
}
