import { fromHex, type Hex, isHex, toHex } from "@mach/core";
import { type Header, parseHeader } from "@mach/rollups/header";
import { isObject } from "@mach/rpc";
import { z } from "zod";
import type { ExecutionInput } from "./block-input.ts";
import { EXECUTION_PROFILES } from "./rules.ts";
import { type UnverifiableVerdict, unverifiable } from "./verdict.ts";
import { parseWitness } from "./witness.ts";

export type KeptBlockParse =
  | { readonly ok: true; readonly input: ExecutionInput }
  | { readonly ok: false; readonly verdict: UnverifiableVerdict };

const FORMAT = "mach-block-1";
const MAX_TRANSACTIONS = 100_000;
const MAX_GHOSTS = 200_000;
const MAX_FORKS = 64;

const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,16}$/)
  .transform(BigInt);
const bytes = z.string().refine((value): value is Hex => isHex(value));
const address = z.string().refine((value): value is Hex => isHex(value, 20));
const slot = z.string().refine((value): value is Hex => isHex(value, 32));

const keptBlock = z.strictObject({
  format: z.literal(FORMAT),
  rules: z.strictObject({
    profile: z.enum(EXECUTION_PROFILES),
    chainId: quantity,
    forks: z
      .array(z.strictObject({ name: z.string().max(64), timestamp: quantity }))
      .max(MAX_FORKS),
    baseFee: z.strictObject({ denominator: quantity, elasticity: quantity }),
  }),
  header: z.unknown(),
  parent: z.unknown(),
  transactions: z.array(bytes).max(MAX_TRANSACTIONS),
  withdrawals: z
    .array(
      z.strictObject({
        index: quantity,
        validatorIndex: quantity,
        address,
        amount: quantity,
      }),
    )
    .max(MAX_TRANSACTIONS),
  ghosts: z.strictObject({
    accounts: z.array(address).max(MAX_GHOSTS),
    slots: z.array(z.strictObject({ account: address, slot })).max(MAX_GHOSTS),
  }),
  witness: z.unknown(),
});

/** Whether a JSON value says of itself that it is a block as a node keeps it. */
export function isKeptBlock(json: unknown): boolean {
  return isObject(json) && json["format"] === FORMAT;
}

/**
 * A block as JSON, with all that executing it again takes: its rules, its header and its parent's,
 * its transactions and the witness. Null for a block that is known by its attributes only.
 */
export function encodeKeptBlock(input: ExecutionInput): object | null {
  const { rules, block, parent, witness, ghosts } = input;
  if (block.kind !== "header") return null;
  const { profile, chainId, forks, baseFee } = rules;
  return {
    format: FORMAT,
    rules: {
      profile,
      chainId: toQuantity(chainId),
      forks: forks.map(({ name, timestamp }) => ({ name, timestamp: toQuantity(timestamp) })),
      baseFee: {
        denominator: toQuantity(baseFee.denominator),
        elasticity: toQuantity(baseFee.elasticity),
      },
    },
    header: encodeFields(block.header),
    parent: encodeFields(parent),
    transactions: block.transactions.map((each) => toHex(each)),
    withdrawals: block.withdrawals.map(({ index, validatorIndex, amount, ...rest }) => ({
      index: toQuantity(index),
      validatorIndex: toQuantity(validatorIndex),
      address: rest.address,
      amount: toQuantity(amount),
    })),
    ghosts: ghosts ?? { accounts: [], slots: [] },
    witness: witness.map((each) => toHex(each)),
  };
}

/** Reads what `encodeKeptBlock` made. */
export function parseKeptBlock(json: unknown): KeptBlockParse {
  const parsed = keptBlock.safeParse(json);
  if (!parsed.success) {
    return refuse(`the field at fault is ${parsed.error.issues[0]?.path.join(".") || "the file"}`);
  }
  const { rules, transactions, withdrawals, ghosts } = parsed.data;
  const header = parseHeader(parsed.data.header);
  if (!header.ok) return refuse(`the field at fault is header.${header.field}`);
  const parent = parseHeader(parsed.data.parent);
  if (!parent.ok) return refuse(`the field at fault is parent.${parent.field}`);
  const witness = parseWitness(parsed.data.witness);
  if (!witness.ok) return witness;
  const body = { transactions: transactions.map(fromHex), withdrawals };
  return {
    ok: true,
    input: {
      rules,
      block: { kind: "header", header: header.header, ...body },
      parent: parent.header,
      witness: witness.witness,
      ghosts,
    },
  };
}

/** As a node's RPC has a header, which ends before the first field that is null. */
function encodeFields(header: Header): object {
  const fields = Object.entries(header).filter(([, value]) => value !== null);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === "bigint" ? toQuantity(value) : value]),
  );
}

function toQuantity(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function refuse(detail: string): { readonly ok: false; readonly verdict: UnverifiableVerdict } {
  return { ok: false, verdict: unverifiable("malformed", detail) };
}
