import type { RollupParameters } from "@mach/core";
import { readClaim } from "@mach/rollups";
import type { RollupConfig } from "../config.ts";
import { createBlockExecutors } from "../engine/block-executors.ts";
import { countHosts, type EndpointFacts, readBlockAt, readEndpoint } from "./endpoints.ts";
import { fail, notLookedAt, ok, type Verdict, warn } from "./finding.ts";
import { ageOf, judgeEndpoint, newestTime, OLD_HEAD_SECONDS } from "./l1.ts";
import type { Check, Patient } from "./patient.ts";

/** Each rollup: its place in the registry, its endpoints, what they agree on, and its execution. */
export const rollupsCheck: Check = {
  name: "rollup",
  async run(patient) {
    const each = patient.config.rollups.map((rollup) => examine(rollup, patient));
    return (await Promise.all(each)).flat();
  },
};

async function examine(rollup: RollupConfig, patient: Patient): Promise<readonly Verdict[]> {
  const { rollupId, rpcUrls, timeoutMs } = rollup;
  const endpoints = await Promise.all(rpcUrls.map((url) => readEndpoint(url, { timeoutMs })));
  const sound = endpoints.filter(
    (endpoint) => endpoint.failure === null && endpoint.chainId === rollupId,
  );
  const enough = countHosts(sound) >= rollup.agree;
  const best = newestTime(sound);
  const registered = await findParameters(rollupId, patient);
  const verdicts = [
    judgeRegistered(registered),
    ...endpoints.map((each) => judgeEndpoint(each, { chainId: rollupId, best, enough })),
    await judgeAgreement({ rollup, sound, registered, patient }),
    ...(await judgeExecution({ rollup, sound, registered, patient })),
  ];
  return verdicts.map((verdict) => ({
    ...verdict,
    about: verdict.about === null ? `${rollupId}` : `${rollupId} ${verdict.about}`,
  }));
}

type Registered =
  | { readonly state: "listed"; readonly parameters: RollupParameters; readonly epoch: bigint }
  | { readonly state: "unsupported"; readonly stack: string }
  | { readonly state: "absent"; readonly epoch: bigint }
  | { readonly state: "not-known" };

async function findParameters(rollupId: bigint, patient: Patient): Promise<Registered> {
  const { epochSet } = await patient.l1();
  if (epochSet === null || !epochSet.ok) return { state: "not-known" };
  const { rollups, unsupportedRollups, operatorSet } = epochSet;
  const { epoch } = operatorSet;
  const parameters = rollups.find((each) => each.rollupId === rollupId);
  if (parameters !== undefined) return { state: "listed", parameters, epoch };
  const other = unsupportedRollups.find((each) => each.rollupId === rollupId);
  if (other !== undefined) return { state: "unsupported", stack: other.stack };
  return { state: "absent", epoch };
}

function judgeRegistered(registered: Registered): Verdict {
  switch (registered.state) {
    case "listed": {
      const { stack, attestationInterval, thresholdBps, verification } = registered.parameters;
      const level = verification === 1 ? "header" : "executed";
      return ok(
        `registered in epoch ${registered.epoch}: stack ${stack}, every ` +
          `${attestationInterval} block(s), threshold ${thresholdBps}, level ${level}`,
      );
    }
    case "unsupported":
      return fail({
        code: "unsupported-stack",
        found: `its stack, ${registered.stack}, is none that this version can check`,
        next: "take a newer version of this node, or the rollup out of the configuration",
      });
    case "absent":
      return fail({
        code: "unknown-rollup",
        found: `the registry does not list it in epoch ${registered.epoch}: nothing is signed`,
        next: "compare rollupId with the registry; one that was added counts from a later epoch",
      });
    case "not-known":
      return notLookedAt("the registry's list of this epoch is not known");
  }
}

interface Question {
  readonly rollup: RollupConfig;
  readonly sound: readonly EndpointFacts[];
  readonly registered: Registered;
  readonly patient: Patient;
}

async function judgeAgreement(question: Question): Promise<Verdict> {
  const { rollup, sound, patient } = question;
  const about = "agreement";
  const { agree } = rollup;
  const hosts = countHosts(sound);
  if (hosts < agree) return notLookedAt(`${hosts} host(s) serve, and agree is ${agree}`, about);
  const heights = sound.flatMap(({ latest }) => (latest === null ? [] : [latest.number]));
  const height = heights.reduce((least, each) => (each < least ? each : least), heights[0] ?? 0n);
  const read = await readHeight(question, height);
  if (!read.ok) {
    const next = "`mach watch` with the same endpoints says more of each";
    return fail({ about, code: read.code, found: read.found, next });
  }
  const age = ageOf(newestTime(sound) ?? 0n, patient);
  const found = `${agree} of ${hosts} host(s) have block ${height} as ${read.hash.slice(0, 10)}...`;
  const others = await otherHosts(question, { height, hash: read.hash });
  if (others.length > 0) {
    const next = "whose chain is the right one? compare both with the rollup's explorer";
    const told = `${found}; not ${others.join(", ")}`;
    return warn({ about, code: "disagrees", found: told, next });
  }
  if (age <= OLD_HEAD_SECONDS) return ok(`${found}; the newest is ${age} s old`, about);
  const next = "compare with the rollup's explorer: either it stands still, or every endpoint does";
  return warn({ about, code: "head-old", found: `${found}; the newest is ${age} s old`, next });
}

/** The hosts beyond those that are enough which have another block there, or none. */
async function otherHosts(
  { rollup, sound }: Question,
  { height, hash }: { readonly height: bigint; readonly hash: string },
): Promise<readonly string[]> {
  const { timeoutMs } = rollup;
  const told = await Promise.all(
    sound.map(async ({ url, host }) => ({
      host,
      block: await readBlockAt(url, height, { timeoutMs }),
    })),
  );
  return told.filter(({ block }) => block?.hash !== hash).map(({ host }) => host);
}

type Reading =
  | { readonly ok: true; readonly hash: string }
  | { readonly ok: false; readonly code: string; readonly found: string };

/** As the node reads it where its stack is known, or as the endpoints tell it by themselves. */
async function readHeight(
  { rollup, sound, registered }: Question,
  blockNumber: bigint,
): Promise<Reading> {
  const { agree, timeoutMs } = rollup;
  const stack = registered.state === "listed" ? registered.parameters.stack : null;
  // On zk it is batches that are agreed on, and the newest block is within none.
  if (stack !== null && stack !== "zk") {
    const urls = sound.map(({ url }) => url);
    const read = await readClaim({ stack, urls, agree, blockNumber, timeoutMs });
    if (read.ok) return { ok: true, hash: read.block.blockHash };
    const each = read.sources.map(({ host, code }) => `${host} ${code}`).join(", ");
    return { ok: false, code: read.code, found: `block ${blockNumber} is not agreed on: ${each}` };
  }
  const told = await Promise.all(
    sound.map(async ({ url, host }) => ({
      host,
      hash: (await readBlockAt(url, blockNumber, { timeoutMs }))?.hash ?? null,
    })),
  );
  const [first] = told.flatMap(({ hash }) => (hash === null ? [] : [hash]));
  if (first !== undefined && told.every(({ hash }) => hash === first)) {
    return { ok: true, hash: first };
  }
  const each = told.map(({ host, hash }) => `${host} ${hash?.slice(0, 10) ?? "missing"}`);
  const found = `block ${blockNumber} is not agreed on: ${each.join(", ")}`;
  return { ok: false, code: "sources-disagree", found };
}

async function judgeExecution(question: Question): Promise<readonly Verdict[]> {
  const { rollup, sound, registered } = question;
  const about = "execution";
  const isAsked = registered.state === "listed" && registered.parameters.verification === 2;
  if (rollup.execution === undefined) {
    if (!isAsked) return [];
    const found = "the registry asks for the level executed, and no execution is configured";
    const next = "give the rollup an `execution`: without it nothing of it is signed";
    return [fail({ about, code: "no-execution", found, next })];
  }
  const { latest } = sound[0] ?? {};
  if (latest === undefined || latest === null) return [notLookedAt("no endpoint serves", about)];
  const executors = createBlockExecutors([rollup], { onInvalid: async () => {} });
  try {
    const executor = executors.of(rollup.rollupId);
    const verdict = await executor?.execute(latest.hash);
    if (verdict?.outcome === "valid") {
      const found = `block ${latest.number} executes to its hash, by ${rollup.execution.by}`;
      return [ok(found, about)];
    }
    const level = isAsked ? fail : warn;
    const why = verdict?.outcome === "unverifiable" ? verdict.detail : "the block is invalid";
    const code = verdict?.outcome === "unverifiable" ? verdict.code : "block-invalid";
    const found = `block ${latest.number} was not executed (${code}): ${why}`;
    const next = "a node with `debug_executionWitness` and every fork in `forks`; or by: external";
    return [level({ about, code, found, next })];
  } finally {
    await executors.stop();
  }
}
