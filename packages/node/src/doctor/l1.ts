import { countHosts, type EndpointFacts, readBlockAt } from "./endpoints.ts";
import { fail, notLookedAt, ok, type Verdict, warn } from "./finding.ts";
import type { Check, Patient } from "./patient.ts";

/** An endpoint that follows its chain is never so far behind another. */
const MAX_LAG_SECONDS = 120n;
/** Of a chain that makes blocks all the time, as an L1 and a rollup do. */
export const OLD_HEAD_SECONDS = 300n;
const OLD_FINALITY_SECONDS = 1_800n;

/** Each endpoint of the L1 by itself. */
export const l1EndpointsCheck: Check = {
  name: "L1 endpoint",
  async run(patient) {
    const endpoints = await patient.l1Endpoints();
    const { chainId } = patient.config.network;
    const enough = countHosts(usable(endpoints, chainId)) >= patient.config.l1.agree;
    const best = newestTime(usable(endpoints, chainId));
    return endpoints.map((endpoint) => judgeEndpoint(endpoint, { chainId, best, enough }));
  },
};

/** What is judged alike of the L1's endpoints and a rollup's. */
export function judgeEndpoint(
  endpoint: EndpointFacts,
  expected: {
    readonly chainId: bigint;
    /** The newest time that any of them knows. */
    readonly best: bigint | null;
    /** Whether the others are enough without it. */
    readonly enough: boolean;
  },
): Verdict {
  const { host: about, failure, latest, finalized } = endpoint;
  const level = expected.enough ? warn : fail;
  const spare = expected.enough ? "enough others answer" : "too few others answer";
  if (endpoint.chainId !== null && endpoint.chainId !== expected.chainId) {
    const found = `it is of chain ${endpoint.chainId}, not of ${expected.chainId}`;
    return fail({ about, code: "wrong-chain", found, next: "take it out of the configuration" });
  }
  if (failure !== null || latest === null) {
    const found = `it does not serve (${failure ?? "malformed"}); ${spare}`;
    const next = "look at the host, the URL's path and key, and the provider's limits";
    return level({ about, code: failure ?? "malformed", found, next });
  }
  const behind = expected.best === null ? 0n : expected.best - latest.timestamp;
  const told = `chain ${expected.chainId}, block ${latest.number}`;
  if (behind > MAX_LAG_SECONDS) {
    const found = `${told}, ${behind} s behind the newest of the others`;
    return level({ about, code: "lagging", found, next: "let it sync, or take another" });
  }
  if (finalized === null) {
    const found = `${told}, and no block that is finalized; ${spare}`;
    const next = "use a node that knows the tag `finalized`: nothing else counts";
    return level({ about, code: "no-finalized-block", found, next });
  }
  return ok(`${told}, finalized ${finalized.number}`, about);
}

/** Those of the right chain that have a head and know what is final. */
export function usable(
  endpoints: readonly EndpointFacts[],
  chainId: bigint,
): readonly EndpointFacts[] {
  return endpoints.filter(
    (each) => each.failure === null && each.chainId === chainId && each.finalized !== null,
  );
}

/** The newest time that any of them tells, in seconds. */
export function newestTime(endpoints: readonly EndpointFacts[]): bigint | null {
  return endpoints.reduce<bigint | null>(
    (best, { latest }) =>
      latest !== null && (best === null || latest.timestamp > best) ? latest.timestamp : best,
    null,
  );
}

/** Whether the endpoints of the L1 have one finalized chain. */
export const l1AgreementCheck: Check = {
  name: "L1 agreement",
  async run({ config, l1Endpoints }) {
    const { agree, timeoutMs } = config.l1;
    const sound = usable(await l1Endpoints(), config.network.chainId);
    const hosts = countHosts(sound);
    if (hosts < agree) return [notLookedAt(`${hosts} host(s) serve, and l1.agree is ${agree}`)];
    const height = sound.reduce<bigint | null>(
      (least, { finalized }) =>
        finalized !== null && (least === null || finalized.number < least)
          ? finalized.number
          : least,
      null,
    );
    if (height === null) return [notLookedAt("no endpoint tells what is finalized")];
    const blocks = await Promise.all(
      sound.map(async ({ url, host }) => ({
        host,
        block: await readBlockAt(url, height, { timeoutMs }),
      })),
    );
    const told = blocks.flatMap(({ host, block }) => (block === null ? [] : [{ host, ...block }]));
    const [first] = told;
    if (first === undefined || countHosts(told) < agree) {
      return [notLookedAt(`too few endpoints give the finalized block ${height}`)];
    }
    if (told.every(({ hash }) => hash === first.hash)) {
      const hash = `${first.hash.slice(0, 10)}...`;
      return [
        ok(`${countHosts(told)} host(s), ${agree} asked for, have block ${height} as ${hash}`),
      ];
    }
    const versions = told.map(({ host, hash }) => `${host} ${hash.slice(0, 10)}...`).join(", ");
    return [
      fail({
        code: "sources-disagree",
        found: `the finalized block ${height} is not one: ${versions}`,
        next: "one of them is wrong or lies: ask a node that you trust, and take the other out",
      }),
    ];
  },
};

/** How old what the L1 calls final is: operator sets are read there alone. */
export const l1FinalityCheck: Check = {
  name: "L1 finality",
  run: async (patient) => [await judgeFinality(patient)],
};

async function judgeFinality(patient: Patient): Promise<Verdict> {
  const { network } = await patient.l1();
  const head = newestTime(usable(await patient.l1Endpoints(), patient.config.network.chainId));
  if (!network.ok || head === null) return notLookedAt("finalized state of the L1 is not read");
  const { number, timestamp } = network.block;
  const [headAge, age] = [ageOf(head, patient), ageOf(timestamp, patient)];
  const found = `block ${number} is final, ${age} s old; the newest block is ${headAge} s old`;
  const next = "compare with an explorer of the L1: either it stands still, or every endpoint does";
  if (await isFinalityOld(patient)) {
    const why = `older than an epoch of ${network.network.schedule.epochSeconds} s`;
    const then = "the set of an epoch is not known when it begins";
    return fail({ code: "finality-old", found: `${found}: ${why}, ${then}`, next });
  }
  if (headAge > OLD_HEAD_SECONDS) return warn({ code: "head-old", found, next });
  if (age > OLD_FINALITY_SECONDS) return warn({ code: "finality-old", found, next });
  return ok(found);
}

/** Whether what the L1 calls final is older than an epoch; false where neither is known. */
export async function isFinalityOld(patient: Patient): Promise<boolean> {
  const { network } = await patient.l1();
  if (!network.ok) return false;
  return ageOf(network.block.timestamp, patient) > network.network.schedule.epochSeconds;
}

/** How old a block of this time is by this clock, in seconds; 0 for one of the future. */
export function ageOf(timestamp: bigint, { surroundings }: Pick<Patient, "surroundings">): bigint {
  const age = BigInt(Math.floor(surroundings.now() / 1_000)) - timestamp;
  return age < 0n ? 0n : age;
}
