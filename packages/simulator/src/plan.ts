import type { Fault, FaultKind } from "./fault.ts";
import { planWeights } from "./plan-weights.ts";
import { createRandom, type Random } from "./random.ts";

/** Everything about a run that is decided before it: the same plan makes the same run. */
export interface Plan {
  readonly seed: number;
  readonly operators: number;
  readonly observers: number;
  /** Operators by index. */
  readonly byzantine: readonly number[];
  /** Whether they have a third or more: then certificates may conflict, and have to be proved. */
  readonly isBreach: boolean;
  readonly blockMs: number;
  /** How many times the sequencer makes a block while faults are on, and once they are off. */
  readonly stormBlocks: number;
  readonly calmBlocks: number;
  readonly attestationInterval: number;
  readonly epochSeconds: number;
  /** By epoch: 6667 to 10000. */
  readonly thresholds: readonly number[];
  /** By epoch and operator; zero for one that is not in the set. */
  readonly weights: readonly (readonly bigint[])[];
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** How far L1's finalised head is behind the tip while faults are on. */
  readonly finalityLag: number;
  readonly openHeights: number;
  readonly improvementWindowMs: number;
  readonly faults: readonly Fault[];
}

/** How far L1's finalised head is behind once faults are off. */
export const CALM_FINALITY_LAG = 4;

export interface PlanOptions {
  readonly without: readonly FaultKind[];
}

/** The plan of a seed; kinds that are left out change nothing else of it. */
export function createPlan(seed: number, options: PlanOptions): Plan {
  const isOn = (kind: FaultKind): boolean => !options.without.includes(kind);
  const random = createRandom(seed, "plan");
  const size = planSize(random);
  const { operators, stormBlocks } = size;
  const blockMs = random.pick([200, 500, 1_000, 2_000]);
  const calmBlocks = CALM_FINALITY_LAG + 16;
  const stormMs = stormBlocks * blockMs;
  const epochSeconds = Math.max(2, Math.ceil((stormMs + calmBlocks * blockMs) / 1_000 / 5));
  const isBreach = random.chance(0.12) && isOn("third-or-more");
  const byzantine = planByzantine(random, { operators, isBreach });
  const epochs = 12;
  const base: Omit<Plan, "faults"> = {
    seed,
    operators,
    observers: random.between(1, 2),
    byzantine,
    isBreach,
    blockMs,
    stormBlocks,
    calmBlocks,
    attestationInterval: random.pick([1, 1, 1, 2, 4]),
    epochSeconds,
    thresholds: planThresholds(random, epochs),
    weights: planWeights(createRandom(seed, "weights"), {
      operators,
      byzantine,
      epochs,
      isBreach,
      isMoving: isOn("weight-move"),
    }),
    minDelayMs: random.between(1, 10),
    maxDelayMs: random.between(20, 120),
    finalityLag: random.pick([6, 16, 40, 80]),
    openHeights: random.pick([8, 16, 64]),
    improvementWindowMs: random.pick([300, 1_000, 2_000]),
  };
  const faults = planFaults(createRandom(seed, "faults"), { ...base, faults: [] });
  return { ...base, faults: faults.filter(({ kind }) => isOn(kind)) };
}

function planSize(random: Random): { readonly operators: number; readonly stormBlocks: number } {
  const kind = random.next();
  if (kind < 0.72) {
    return { operators: random.between(4, 7), stormBlocks: random.between(30, 130) };
  }
  if (kind < 0.92) {
    return { operators: random.between(8, 14), stormBlocks: random.between(24, 48) };
  }
  if (kind < 0.985) {
    return { operators: random.between(15, 40), stormBlocks: random.between(8, 14) };
  }
  return { operators: random.between(41, 100), stormBlocks: random.between(4, 6) };
}

function planByzantine(
  random: Random,
  { operators, isBreach }: { readonly operators: number; readonly isBreach: boolean },
): readonly number[] {
  const most = Math.max(1, Math.floor(operators / 3));
  const count = random.chance(0.25) && !isBreach ? 0 : random.between(1, most);
  const indices = Array.from({ length: operators }, (_, index) => index);
  return random
    .shuffle(indices)
    .slice(0, count)
    .sort((a, b) => a - b);
}

function planThresholds(random: Random, epochs: number): readonly number[] {
  const isRaised = random.chance(0.15);
  return Array.from({ length: epochs }, () =>
    isRaised ? random.pick([6_667, 7_500, 8_400]) : 6_667,
  );
}

/** How often each kind comes, and how large: the chances are of a run having it at all. */
interface Recipe {
  readonly kind: FaultKind;
  readonly chance: number;
  readonly most: number;
  /** Shares of the storm. */
  readonly span: readonly [number, number];
  readonly size: (random: Random, plan: Plan) => number;
  readonly nodes?: (random: Random, plan: Plan) => readonly number[];
}

const RECIPES: readonly Recipe[] = [
  { kind: "loss", chance: 0.5, most: 2, span: [0.1, 0.6], size: (r) => r.between(20, 400) },
  { kind: "duplication", chance: 0.4, most: 1, span: [0.2, 0.8], size: (r) => r.between(50, 400) },
  {
    kind: "reordering",
    chance: 0.5,
    most: 2,
    span: [0.1, 0.5],
    size: (r) => r.between(100, 5_000),
  },
  { kind: "partition-halves", chance: 0.25, most: 2, span: [0.1, 0.3], size: one, nodes: half },
  { kind: "partition-ring", chance: 0.15, most: 1, span: [0.1, 0.3], size: one },
  { kind: "partition-third", chance: 0.25, most: 2, span: [0.1, 0.3], size: one, nodes: third },
  { kind: "partition-one-way", chance: 0.2, most: 2, span: [0.1, 0.3], size: one, nodes: third },
  {
    kind: "crash",
    chance: 0.7,
    most: 6,
    span: [0.02, 0.3],
    size: (r) => r.between(0, 40),
    nodes: single,
  },
  { kind: "clock-skew", chance: 0.3, most: 2, span: [0.2, 0.8], size: clock, nodes: some },
  { kind: "clock-jump", chance: 0.2, most: 2, span: [0.1, 0.5], size: clock, nodes: some },
  {
    kind: "slow-signer",
    chance: 0.3,
    most: 2,
    span: [0.1, 0.4],
    size: (r) => r.between(10, 4_000),
    nodes: some,
  },
  { kind: "reorg-before-attest", chance: 0.4, most: 3, span: [0, 0], size: depth },
  { kind: "reorg-after-attest", chance: 0.5, most: 3, span: [0, 0], size: depth },
  { kind: "split-view", chance: 0.25, most: 2, span: [0.05, 0.3], size: one, nodes: half },
  {
    kind: "timestamp-warp",
    chance: 0.15,
    most: 1,
    span: [0.1, 0.3],
    size: (r, p) => r.between(1, p.epochSeconds),
  },
  { kind: "l1-reorg", chance: 0.3, most: 2, span: [0.05, 0.3], size: depth },
  {
    kind: "set-late",
    chance: 0.3,
    most: 2,
    span: [0.5, 1],
    size: (r, p) => r.between(100, p.epochSeconds * 1_000),
    nodes: some,
  },
  { kind: "epoch-absent", chance: 0.08, most: 1, span: [1, 1], size: (r) => r.between(1, 3) },
  { kind: "equivocate", chance: 0.6, most: 2, span: [0.2, 1], size: one },
  { kind: "withhold", chance: 0.35, most: 2, span: [0.1, 0.6], size: one },
  { kind: "lie", chance: 0.4, most: 2, span: [0.1, 0.6], size: one },
  { kind: "garbage", chance: 0.4, most: 2, span: [0.1, 0.6], size: one },
  { kind: "hoard", chance: 0.4, most: 2, span: [0.2, 1], size: one },
];

/** Longer than any run. */
const FOR_EVER_MS = 1_000_000_000;

const BYZANTINE_KINDS: readonly FaultKind[] = ["equivocate", "withhold", "lie", "garbage", "hoard"];

function planFaults(random: Random, plan: Plan): readonly Fault[] {
  const stormMs = plan.stormBlocks * plan.blockMs;
  const faults: Fault[] = [];
  for (const { kind, chance, most, span, size, nodes } of RECIPES) {
    const count = random.chance(chance) ? random.between(1, most) : 0;
    for (let i = 0; i < count; i++) {
      const isOfByzantine = BYZANTINE_KINDS.includes(kind);
      // What a third cannot do it cannot do when all else is well, either.
      const isForEver = random.chance(0.4) && isOfByzantine;
      const lengthMs = Math.floor(stormMs * (span[0] + random.next() * (span[1] - span[0])));
      const fromMs = Math.floor(random.next() * Math.max(1, stormMs - lengthMs));
      const whom = isOfByzantine ? plan.byzantine : (nodes?.(random, plan) ?? []);
      const fault = {
        kind,
        fromMs,
        untilMs: isForEver ? FOR_EVER_MS : fromMs + lengthMs,
        nodes: whom,
        size: size(random, plan),
      };
      if (!isOfByzantine || plan.byzantine.length > 0) faults.push(fault);
    }
  }
  if (plan.isBreach) faults.push(...planBreach(random, plan));
  return faults.sort((a, b) => a.fromMs - b.fromMs);
}

/** What a third of the weight can do: show each half of the network a branch and sign both. */
function planBreach(random: Random, plan: Plan): readonly Fault[] {
  const stormMs = plan.stormBlocks * plan.blockMs;
  const fromMs = Math.floor(stormMs * 0.2);
  const untilMs = Math.floor(stormMs * 0.7);
  return [
    { kind: "third-or-more", fromMs: 0, untilMs: stormMs, nodes: plan.byzantine, size: 1 },
    { kind: "equivocate", fromMs: 0, untilMs: stormMs, nodes: plan.byzantine, size: 1 },
    { kind: "split-view", fromMs, untilMs, nodes: half(random, plan), size: 1 },
  ];
}

function one(): number {
  return 1;
}

function depth(random: Random): number {
  return random.chance(0.6) ? random.between(1, 4) : random.between(5, 64);
}

function clock(random: Random): number {
  const ms = random.pick([1_000, 10_000, 3_600_000, 86_400_000]);
  return random.chance(0.5) ? ms : -ms;
}

function everyone(plan: Plan): readonly number[] {
  return Array.from({ length: plan.operators + plan.observers }, (_, index) => index);
}

function half(random: Random, plan: Plan): readonly number[] {
  const all = random.shuffle(everyone(plan));
  return all.slice(0, Math.floor(all.length / 2));
}

function third(random: Random, plan: Plan): readonly number[] {
  const all = random.shuffle(everyone(plan));
  return all.slice(0, Math.max(1, Math.floor(all.length / 3)));
}

function some(random: Random, plan: Plan): readonly number[] {
  return everyone(plan).filter(() => random.chance(0.4));
}

function single(random: Random, plan: Plan): readonly number[] {
  return [random.pick(everyone(plan))];
}
