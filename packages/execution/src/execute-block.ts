import { type Block, createBlock } from "@ethereumjs/block";
import { Hardfork } from "@ethereumjs/common";
import { createEVM } from "@ethereumjs/evm";
import { RLP } from "@ethereumjs/rlp";
import { createAddressFromString } from "@ethereumjs/util";
import { createVM } from "@ethereumjs/vm";
import { buildIndexTrie, fromHex, type Hex, keccak256, toHex } from "@mach/core";
import { encodeHeader, type Header } from "@mach/rollups/header";
import { type Ancestors, createAncestors } from "./ancestors.ts";
import type { BlockAttributes, BlockBody, ExecutionInput, Withdrawal } from "./block-input.ts";
import {
  brokenRule,
  buildHeader,
  EMPTY_TRIE_ROOT,
  firstDifference,
  hasExtraDataOf,
  hasLayoutOf,
  maxBlobGas,
  nextBaseFee,
  nextExcessBlobGas,
} from "./header-rules.ts";
import { keccak } from "./keccak.ts";
import { precompilesOf } from "./precompiles.ts";
import { type ActiveRules, isFrom, rulesAt } from "./rules.ts";
import {
  EMPTY_REQUESTS_HASH,
  requestsHash,
  storeBeaconRoot,
  storeParentHash,
} from "./system-calls.ts";
import {
  type BlockRun,
  InvalidTransactionError,
  runTransaction,
  type TransactionResult,
} from "./transaction.ts";
import { MissingPreimageError } from "./trie.ts";
import { type Missing, type UnverifiableVerdict, unverifiable, type Verdict } from "./verdict.ts";
import { createPreimageStore, type PreimageStore } from "./witness.ts";
import { WitnessState } from "./witness-state.ts";

/** L2ToL1MessagePasser: since Isthmus a header's withdrawalsRoot is the root of its storage. */
const MESSAGE_PASSER = createAddressFromString("0x4200000000000000000000000000000000000016");
const GWEI = 1_000_000_000n;

/** Re-executes a block on its parent's state. Never throws; see Verdict for what each outcome means. */
export async function executeBlock(input: ExecutionInput): Promise<Verdict> {
  let prepared: Preparation;
  try {
    prepared = prepare(input);
  } catch (error) {
    return failed(error);
  }
  if (!prepared.ok) return prepared.verdict;
  const { store, state, ancestors } = prepared.sources;
  let verdict: Verdict;
  try {
    verdict = await executePrepared(input, prepared);
  } catch (error) {
    if (!(error instanceof MissingPreimageError)) verdict = failed(error);
    else verdict = lacking([error.missing]);
  }
  // Whatever came of it: once a read has missed something, nothing after it is to be believed.
  const missing = [...state.missing(), ...ancestors.missing()];
  if (missing.length > 0) return lacking(missing);
  return verdict.outcome === "valid" ? { ...verdict, surplus: store.surplus() } : verdict;
}

interface Sources {
  readonly store: PreimageStore;
  readonly state: WitnessState;
  readonly ancestors: Ancestors;
}

interface Prepared {
  readonly ok: true;
  readonly attributes: BlockAttributes;
  readonly rules: ActiveRules;
  readonly parentHash: Hex;
  readonly baseFee: bigint;
  readonly excessBlobGas: bigint;
  readonly transactionsRoot: Hex;
  readonly sources: Sources;
}

type Preparation = Prepared | { readonly ok: false; readonly verdict: UnverifiableVerdict };

/** What can be said before the witness is touched. */
function prepare({ rules: chain, block, parent, witness }: ExecutionInput): Preparation {
  const attributes = block.kind === "header" ? attributesOf(block.header) : block.attributes;
  const rules = rulesAt(chain, attributes.timestamp);
  if (rules === null || !hasExtraDataOf(attributes.extraData, rules)) {
    return refuse("unsupported-fork", "the rules of the block's fork are not known here");
  }
  const parentHash = keccak256(encodeHeader(parent));
  const transactionsRoot = transactionsRootOf(block);
  if (block.kind === "header") {
    const { header } = block;
    if (header.parentHash !== parentHash) return refuse("wrong-parent", "the parent is another");
    if (!hasLayoutOf(header, rules)) {
      return refuse("unsupported-fork", "the header has the fields of another fork");
    }
    if (header.transactionsRoot !== transactionsRoot || !hasWithdrawalsOf(header, block, rules)) {
      return refuse("wrong-body", "the body is not the one that the header commits to");
    }
  }
  if (rules.profile.startsWith("anvil") && parent.number === 0n) {
    return refuse("unsupported-fork", "the genesis of anvil does not commit to its state");
  }
  const baseFee = nextBaseFee(parent, rules);
  if (baseFee === null) return refuse("malformed", "no base fee follows from the parent");
  const excessBlobGas = nextExcessBlobGas(parent, rules);
  if (excessBlobGas === null) return refuse("unsupported-fork", "the blob fee is of EIP-7918");
  const store = createPreimageStore(witness);
  const ancestors = createAncestors(parent, parentHash, store.read);
  const state = new WitnessState(fromHex(parent.stateRoot), store.read);
  const sources = { store, state, ancestors };
  const fees = { baseFee, excessBlobGas };
  return { ok: true, attributes, rules, parentHash, ...fees, transactionsRoot, sources };
}

async function executePrepared(
  { block: claimed, parent, ghosts }: ExecutionInput,
  prepared: Prepared,
): Promise<Verdict> {
  const { attributes, rules, parentHash, baseFee, excessBlobGas, transactionsRoot } = prepared;
  const { state } = prepared.sources;
  const number = parent.number + 1n;
  // Only anvil makes several blocks in one second.
  const earliest = parent.timestamp + (rules.profile.startsWith("anvil") ? 0n : 1n);
  if (attributes.timestamp < earliest) {
    const expected = `at least ${earliest}`;
    return { outcome: "invalid", field: "timestamp", expected, got: `${attributes.timestamp}` };
  }
  const broken = brokenRule(attributes, parent, rules);
  if (broken !== null) return broken;
  const block = blockContext(attributes, { number, baseFee, excessBlobGas, rules });
  const run = await createRun(prepared, block);
  if (rules.hasBlobFields && attributes.parentBeaconBlockRoot !== null) {
    await storeBeaconRoot(state, attributes.timestamp, attributes.parentBeaconBlockRoot);
  }
  if (rules.hasHistory) await storeParentHash(state, number, parentHash);
  const executed = await runAll(run, claimed.transactions);
  if (!executed.ok) return executed.verdict;
  const { results, gasUsed, blobGasUsed } = executed;
  await creditWithdrawals(state, claimed.withdrawals);
  const requests = await requestsOf(run, state, results);
  if (requests === null) return unverifiable("unsupported-fork", "the block has deposit requests");
  if (ghosts !== undefined && rules.profile.startsWith("anvil")) state.addGhosts(ghosts);
  const header = buildHeader(
    {
      stateRoot: toHex(state.computeRoot()),
      transactionsRoot,
      receiptsRoot: rootOf(results.map((result) => result.receipt)),
      logsBloom: toHex(joinBlooms(results)),
      gasUsed,
      baseFeePerGas: baseFee,
      withdrawalsRoot: withdrawalsRootOf(claimed, rules, state),
      blobGasUsed,
      excessBlobGas,
      requestsHash: requests,
    },
    { attributes, parentHash, number, rules },
  );
  return compare(header, claimed);
}

type Executed =
  | {
      readonly ok: true;
      readonly results: readonly TransactionResult[];
      readonly gasUsed: bigint;
      readonly blobGasUsed: bigint;
    }
  | { readonly ok: false; readonly verdict: Verdict };

async function runAll(run: BlockRun, transactions: BlockBody["transactions"]): Promise<Executed> {
  const results: TransactionResult[] = [];
  let gasUsed = 0n;
  let blobGasUsed = 0n;
  for (const [index, bytes] of transactions.entries()) {
    try {
      const result = await runTransaction(run, bytes, gasUsed);
      gasUsed += result.gasUsed;
      blobGasUsed += result.blobGasUsed;
      results.push(result);
    } catch (error) {
      if (!(error instanceof InvalidTransactionError)) throw error;
      const [field, expected] = [`transactions[${index}]`, "a valid transaction"];
      return { ok: false, verdict: { outcome: "invalid", field, expected, got: error.message } };
    }
  }
  const most = maxBlobGas(run.rules);
  if (blobGasUsed <= most) return { ok: true, results, gasUsed, blobGasUsed };
  if (run.rules.common.hardfork() === Hardfork.Osaka) {
    return {
      ok: false,
      verdict: unverifiable("unsupported-fork", "more blobs than Osaka began with"),
    };
  }
  const [expected, got] = [`at most ${most}`, `${blobGasUsed}`];
  return { ok: false, verdict: { outcome: "invalid", field: "blobGasUsed", expected, got } };
}

function compare(rebuilt: Header, claimed: ExecutionInput["block"]): Verdict {
  const blockHash = keccak256(encodeHeader(rebuilt));
  const got =
    claimed.kind === "header" ? keccak256(encodeHeader(claimed.header)) : claimed.blockHash;
  if (blockHash === got) {
    const { gasUsed, parentHash } = rebuilt;
    return { outcome: "valid", blockHash, parentHash, gasUsed, surplus: 0 };
  }
  const difference = claimed.kind === "header" ? firstDifference(rebuilt, claimed.header) : null;
  return {
    outcome: "invalid",
    ...(difference ?? { field: "blockHash", expected: blockHash, got }),
  };
}

async function createRun({ rules, sources }: Prepared, block: Block): Promise<BlockRun> {
  const { state, ancestors } = sources;
  const { common } = rules;
  const customPrecompiles = precompilesOf(rules);
  const evm = await createEVM({
    common,
    stateManager: state,
    blockchain: ancestors,
    customPrecompiles,
  });
  const vm = await createVM({ common, stateManager: state, evm });
  return { vm, evm, state, rules, block };
}

/** The block that the EVM is told of: what opcodes can ask for. */
export function blockContext(
  attributes: BlockAttributes,
  from: {
    readonly number: bigint;
    readonly baseFee: bigint;
    readonly excessBlobGas: bigint;
    readonly rules: ActiveRules;
  },
): Block {
  const { hasBlobFields, hasRequests, common } = from.rules;
  const root = attributes.parentBeaconBlockRoot;
  return createBlock(
    {
      header: {
        number: from.number,
        timestamp: attributes.timestamp,
        coinbase: createAddressFromString(attributes.feeRecipient),
        gasLimit: attributes.gasLimit,
        baseFeePerGas: from.baseFee,
        mixHash: fromHex(attributes.prevRandao),
        ...(hasBlobFields ? { excessBlobGas: from.excessBlobGas, blobGasUsed: 0n } : {}),
        ...(hasBlobFields && root !== null ? { parentBeaconBlockRoot: fromHex(root) } : {}),
        ...(hasRequests ? { requestsHash: fromHex(EMPTY_REQUESTS_HASH) } : {}),
      },
    },
    { common, skipConsensusFormatValidation: true },
  );
}

function attributesOf(header: Header): BlockAttributes {
  const { timestamp, gasLimit, extraData, parentBeaconBlockRoot, mixHash, miner } = header;
  const rest = { timestamp, gasLimit, extraData, parentBeaconBlockRoot };
  return { ...rest, prevRandao: mixHash, feeRecipient: miner };
}

async function creditWithdrawals(
  state: WitnessState,
  withdrawals: readonly Withdrawal[],
): Promise<void> {
  for (const { address, amount } of withdrawals) {
    if (amount === 0n) continue;
    const to = createAddressFromString(address);
    const account = await state.getAccount(to);
    await state.modifyAccountFields(to, { balance: (account?.balance ?? 0n) + amount * GWEI });
  }
}

async function requestsOf(
  { evm, rules, block }: BlockRun,
  state: WitnessState,
  results: readonly TransactionResult[],
): Promise<Hex | null> {
  if (rules.opFork !== null || !rules.hasRequests) return EMPTY_REQUESTS_HASH;
  const logs = results.flatMap((result) => result.logs) as never;
  return await requestsHash(evm, state, { block, logs });
}

function withdrawalsRootOf(
  { withdrawals }: BlockBody,
  { profile, opFork }: ActiveRules,
  state: WitnessState,
): Hex {
  if (profile === "op" && isFrom(opFork, "isthmus")) {
    return toHex(state.computeStorageRoot(MESSAGE_PASSER));
  }
  return opFork === null ? rootOf(withdrawals.map(encodeWithdrawal)) : EMPTY_TRIE_ROOT;
}

function hasWithdrawalsOf(header: Header, body: BlockBody, rules: ActiveRules): boolean {
  if (rules.opFork !== null) return body.withdrawals.length === 0;
  return header.withdrawalsRoot === rootOf(body.withdrawals.map(encodeWithdrawal));
}

function encodeWithdrawal(withdrawal: Withdrawal): Uint8Array {
  const { index, validatorIndex, address, amount } = withdrawal;
  return RLP.encode([index, validatorIndex, fromHex(address), amount]);
}

function transactionsRootOf({ transactions }: BlockBody): Hex {
  return rootOf(transactions);
}

function rootOf(values: readonly Uint8Array[]): Hex {
  return toHex(buildIndexTrie(values, keccak).root);
}

function joinBlooms(results: readonly TransactionResult[]): Uint8Array {
  const joined = new Uint8Array(256);
  for (const { bloom } of results) {
    for (let index = 0; index < joined.length; index++) {
      joined[index] = (joined[index] ?? 0) | (bloom[index] ?? 0);
    }
  }
  return joined;
}

function lacking(missing: readonly Missing[]): UnverifiableVerdict {
  const [first] = missing;
  const detail = `the witness lacks ${missing.length}: first ${first?.kind} ${first?.hash}`;
  return { outcome: "unverifiable", code: "missing-preimage", detail, missing };
}

function failed(error: unknown): UnverifiableVerdict {
  const detail = error instanceof Error ? error.message : "no error was thrown";
  return unverifiable("execution-failed", detail.slice(0, 500));
}

function refuse(
  code: UnverifiableVerdict["code"],
  detail: string,
): { readonly ok: false; readonly verdict: UnverifiableVerdict } {
  return { ok: false, verdict: unverifiable(code, detail) };
}
