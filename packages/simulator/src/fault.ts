/** What can go wrong, one word for each kind that is injected and counted. */
export const FAULT_KINDS = [
  /** Messages vanish: `size` in a thousand. */
  "loss",
  /** Messages come twice: `size` in a thousand. */
  "duplication",
  /** Messages take up to `size` ms longer, each its own time: they overtake each other. */
  "reordering",
  /** Two halves do not hear each other. */
  "partition-halves",
  /** Everyone hears the two neighbours alone. */
  "partition-ring",
  /** `nodes` are cut off from the rest. */
  "partition-third",
  /** `nodes` hear everyone, and nobody hears them. */
  "partition-one-way",
  /** The first of `nodes` dies after `size` more effects, with what was not durable. */
  "crash",
  /** The clock of `nodes` is `size` ms off. */
  "clock-skew",
  /** The clock of `nodes` jumps to and fro by `size` ms. */
  "clock-jump",
  /** The signer of `nodes` takes `size` ms longer. */
  "slow-signer",
  /** `size` blocks are left in the moment in which they were made. */
  "reorg-before-attest",
  /** The sequencer leaves `size` blocks that may be attested, certified too. */
  "reorg-after-attest",
  /** The sequencer shows `nodes` another branch. */
  "split-view",
  /** Blocks' timestamps run ahead by `size` seconds. */
  "timestamp-warp",
  /** L1's safe head falls back, and the finalised one cannot be read. */
  "l1-reorg",
  /** `nodes` learn the epochs' sets `size` ms late. */
  "set-late",
  /** L1 never fixes the epoch `size`. */
  "epoch-absent",
  /** Weight moves from epoch to epoch; operators leave and join. */
  "weight-move",
  /** Byzantine operators sign every branch, each half of the network shown one. */
  "equivocate",
  /** Byzantine operators sign nothing. */
  "withhold",
  /** Byzantine operators sign data that are not the block's. */
  "lie",
  /** Byzantine operators send bad signatures, made-up certificates and false evidence. */
  "garbage",
  /** Byzantine operators keep certificates back, and show each to a few. */
  "hoard",
  /** Byzantine operators have a third of the weight or more. */
  "third-or-more",
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** One fault: what, when, whom, and how much, the unit being its kind's. */
export interface Fault {
  readonly kind: FaultKind;
  /** Milliseconds after the start. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly nodes: readonly number[];
  readonly size: number;
}

/** Whether a word is a kind of fault. */
export function isFaultKind(word: string): word is FaultKind {
  return (FAULT_KINDS as readonly string[]).includes(word);
}

/** A fault in one line. */
export function describeFault({ kind, fromMs, untilMs, nodes, size }: Fault): string {
  const whom = nodes.length > 0 ? ` nodes ${nodes.join(",")}` : "";
  return `${fromMs} to ${untilMs} ms: ${kind}${whom}, size ${size}`;
}
