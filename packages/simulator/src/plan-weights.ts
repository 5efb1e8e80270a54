import type { Random } from "./random.ts";

export interface WeightOptions {
  readonly operators: number;
  readonly byzantine: readonly number[];
  readonly epochs: number;
  /** Whether the Byzantine operators get a third of the weight or more. */
  readonly isBreach: boolean;
  /** Whether weight moves from epoch to epoch. */
  readonly isMoving: boolean;
}

/** Weights by epoch and operator: in each epoch the Byzantine ones are on their side of a third. */
export function planWeights(
  random: Random,
  options: WeightOptions,
): readonly (readonly bigint[])[] {
  const { operators, byzantine, epochs, isBreach, isMoving } = options;
  const draw = drawOf(random);
  let honest = Array.from({ length: operators }, (_, index) =>
    byzantine.includes(index) ? 0n : draw(),
  );
  let isAtEdge = random.chance(0.6);
  const first = withByzantine(random, { honest, byzantine, isBreach, isAtEdge });
  const weights: (readonly bigint[])[] = [first];
  for (let epoch = 1; epoch < epochs; epoch++) {
    const before = honest;
    const moved = before.map((weight, index) => {
      const fate = random.next();
      const next = draw();
      if (byzantine.includes(index)) return 0n;
      if (fate < 0.08) return 0n;
      return fate < 0.3 || weight === 0n ? next : weight;
    });
    isAtEdge = random.chance(0.6);
    const isEmpty = moved.every((weight) => weight === 0n);
    if (isMoving && !isEmpty) honest = moved;
    const set = withByzantine(random, { honest, byzantine, isBreach, isAtEdge });
    weights.push(isMoving ? set : first);
  }
  return weights;
}

/** Small weights meet the threshold exactly; large ones show what a number would have rounded. */
function drawOf(random: Random): () => bigint {
  const scale = random.pick(["equal", "small", "medium", "huge"] as const);
  switch (scale) {
    case "equal":
      return () => 1n;
    case "small":
      return () => BigInt(random.between(1, 4));
    case "medium":
      return () => BigInt(random.between(1, 100));
    case "huge":
      return () => BigInt(random.between(1, 1_000_000)) * 10n ** 18n + BigInt(random.between(0, 9));
  }
}

function withByzantine(
  random: Random,
  options: {
    readonly honest: readonly bigint[];
    readonly byzantine: readonly number[];
    readonly isBreach: boolean;
    readonly isAtEdge: boolean;
  },
): readonly bigint[] {
  const { honest, byzantine, isBreach, isAtEdge } = options;
  const weights = [...honest];
  const honestWeight = honest.reduce((sum, weight) => sum + weight, 0n);
  // Below a third of all is below half of what the honest have.
  const edge = (honestWeight - 1n) / 2n;
  const share = BigInt(random.between(1, 1_000));
  let left = isAtEdge ? edge : (edge * share) / 1_000n;
  if (isBreach) left = honestWeight / 2n + 1n + (honestWeight * share) / 4_000n;
  for (const [i, index] of byzantine.entries()) {
    const weight = left / BigInt(byzantine.length - i);
    weights[index] = weight;
    left -= weight;
  }
  return weights;
}
