import { gunzipSync } from "node:zlib";
import { fromHex, type Hex, isHex } from "@mach/core";
import { parseHeader } from "@mach/rollups/header";
import { z } from "zod";
import type { BlockAttributes, ExecutionInput } from "./block-input.ts";
import { isKeptBlock, parseKeptBlock } from "./kept-block.ts";
import type { ExecutionRules, ForkTime } from "./rules.ts";
import { type UnverifiableVerdict, unverifiable } from "./verdict.ts";
import { parseWitness } from "./witness.ts";

export type BlockFileParse =
  | { readonly ok: true; readonly input: ExecutionInput }
  | { readonly ok: false; readonly verdict: UnverifiableVerdict };

/** What a block file may hold when it is decompressed, in bytes. */
export const MAX_BLOCK_FILE_BYTES: number = 384 * 1024 * 1024;
const MAX_TRANSACTIONS = 100_000;
/** More brackets, colons and commas than the largest witness, body and ghosts take together. */
const MAX_JSON_PARTS = 8_000_000;
const GZIP_MAGIC = [0x1f, 0x8b];
/** Times of the rollup configuration that change nothing in how a block is executed. */
const NO_EXECUTION_FORKS = new Set(["regolith", "canyon", "delta", "pectra_blob_schedule"]);
const NO_FORKS = new Set(["block_time"]);

const quantity = z
  .union([z.string().regex(/^0x[0-9a-fA-F]{1,64}$/), z.number().int().nonnegative()])
  .transform((value) => BigInt(value));
const bytes = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2})*$/)
  .transform((value) => value.toLowerCase() as Hex);
const bytes32 = bytes.refine((value) => isHex(value, 32));
const address = bytes.refine((value) => isHex(value, 20));

const rollupConfig = z.looseObject({
  l2_chain_id: z.number().int().positive(),
  chain_op_config: z
    .looseObject({
      eip1559Elasticity: quantity,
      eip1559Denominator: quantity,
      eip1559DenominatorCanyon: quantity.nullish(),
    })
    .nullish(),
});

const payload = z.looseObject({
  timestamp: quantity,
  prevRandao: bytes32,
  suggestedFeeRecipient: address,
  parentBeaconBlockRoot: bytes32.nullish(),
  transactions: z.array(bytes).max(MAX_TRANSACTIONS),
  gasLimit: quantity,
  eip1559Params: bytes.refine((value) => isHex(value, 8)).nullish(),
  minBaseFee: z.unknown().optional(),
  withdrawals: z.array(z.unknown()).max(0).nullish(),
});

const blockFile = z.looseObject({
  rollup_config: rollupConfig,
  parent_header: z.unknown(),
  executing_payload: payload,
  expected_block_hash: bytes32,
  witness: z.unknown(),
});

/**
 * Reads a block as kona's test fixtures have it: JSON, gzipped or not, with the rollup's
 * configuration, the parent's header, the payload attributes, the witness and the expected hash;
 * or as a node keeps one that it found invalid.
 */
export function parseBlockFile(file: Uint8Array): BlockFileParse {
  let unzipped: Uint8Array;
  try {
    unzipped = unzip(file);
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    return isTooLarge
      ? refuse("too-large", "the file is larger than is accepted when it is decompressed")
      : refuse("malformed", "the file cannot be decompressed");
  }
  if (hasTooManyParts(unzipped)) {
    return refuse("too-large", "the file holds more values than a block and its witness have");
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(unzipped));
  } catch {
    // Cut short, or another format: nothing of it is used.
    return refuse("malformed", "the file holds no JSON");
  }
  return parseBlockJson(json);
}

/** The same from its JSON value. */
export function parseBlockJson(json: unknown): BlockFileParse {
  if (isKeptBlock(json)) return parseKeptBlock(json);
  const parsed = blockFile.safeParse(json);
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join(".") ?? "";
    return refuse("malformed", `the field at fault is ${path === "" ? "the file" : path}`);
  }
  const { rollup_config, parent_header, executing_payload, expected_block_hash } = parsed.data;
  const parent = parseHeader(parent_header);
  if (!parent.ok) return refuse("malformed", `the field at fault is parent_header.${parent.field}`);
  const witness = parseWitness(parsed.data.witness);
  if (!witness.ok) return witness;
  const rules = opRules(rollup_config);
  const attributes = attributesOf(executing_payload, rules);
  if (attributes === null) {
    return refuse("unsupported-fork", "the attributes are of a fork after those that are known");
  }
  const transactions = executing_payload.transactions.map(fromHex);
  return {
    ok: true,
    input: {
      rules,
      parent: parent.header,
      witness: witness.witness,
      block: {
        kind: "attributes",
        attributes,
        blockHash: expected_block_hash,
        transactions,
        withdrawals: [],
      },
    },
  };
}

/**
 * The rules of an OP chain by its rollup configuration: every `*_time` in it is a fork, so that one
 * with an unknown name ends what can be verified rather than being passed over.
 */
function opRules(config: z.infer<typeof rollupConfig>): ExecutionRules {
  const forks: ForkTime[] = [];
  for (const [key, value] of Object.entries(config)) {
    if (!key.endsWith("_time") || NO_FORKS.has(key) || typeof value !== "number") continue;
    const name = key.slice(0, -"_time".length);
    if (!NO_EXECUTION_FORKS.has(name)) forks.push({ name, timestamp: BigInt(value) });
  }
  const constants = config.chain_op_config;
  return {
    profile: "op",
    chainId: BigInt(config.l2_chain_id),
    forks,
    baseFee: {
      denominator: constants?.eip1559DenominatorCanyon ?? constants?.eip1559Denominator ?? 250n,
      elasticity: constants?.eip1559Elasticity ?? 6n,
    },
  };
}

/** Null for attributes that only a later fork has. */
function attributesOf(
  attributes: z.infer<typeof payload>,
  rules: ExecutionRules,
): BlockAttributes | null {
  if (attributes.minBaseFee !== undefined && attributes.minBaseFee !== null) return null;
  return {
    timestamp: attributes.timestamp,
    prevRandao: attributes.prevRandao,
    feeRecipient: attributes.suggestedFeeRecipient,
    parentBeaconBlockRoot: attributes.parentBeaconBlockRoot ?? null,
    gasLimit: attributes.gasLimit,
    extraData: extraDataOf(attributes.eip1559Params ?? null, rules),
  };
}

/** Version 0 and the parameters; parameters of zero stand for the chain's (specs, Holocene). */
function extraDataOf(parameters: Hex | null, { baseFee }: ExecutionRules): Hex {
  if (parameters === null) return "0x";
  if (parameters !== "0x0000000000000000") return `0x00${parameters.slice(2)}`;
  const denominator = baseFee.denominator.toString(16).padStart(8, "0");
  return `0x00${denominator}${baseFee.elasticity.toString(16).padStart(8, "0")}`;
}

function unzip(file: Uint8Array): Uint8Array {
  const isGzip = GZIP_MAGIC.every((byte, index) => file[index] === byte);
  if (isGzip) return gunzipSync(file, { maxOutputLength: MAX_BLOCK_FILE_BYTES });
  if (file.length <= MAX_BLOCK_FILE_BYTES) return file;
  throw Object.assign(new Error("too large"), { code: "ERR_BUFFER_TOO_LARGE" });
}

/**
 * Parsed, three bytes of empty lists take many times their size: what fits the limit of bytes could
 * take all memory. Nothing in a block's own values is written with these characters.
 */
function hasTooManyParts(json: Uint8Array): boolean {
  let parts = 0;
  for (const byte of json) {
    // [ and {, colon, comma.
    if (byte === 0x5b || byte === 0x7b || byte === 0x3a || byte === 0x2c) parts++;
  }
  return parts > MAX_JSON_PARTS;
}

function refuse(
  code: UnverifiableVerdict["code"],
  detail: string,
): { readonly ok: false; readonly verdict: UnverifiableVerdict } {
  return { ok: false, verdict: unverifiable(code, detail) };
}
