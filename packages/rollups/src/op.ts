import { concatHex, type Hex, keccak256, ZERO_HASH } from "@mach/core";
import { toCheckedBlock } from "./checked-header.ts";
import { checkHeader } from "./header.ts";
import { provenAccount } from "./merkle-proof.ts";
import { readDisputeGames } from "./op-games.ts";
import { isObject, parseHash, parseInteger } from "./rpc-values.ts";
import type {
  BlockCheck,
  CheckedBlock,
  Completed,
  HeadAnswer,
  HeadName,
  NodeCall,
  StackAdapter,
  StackNodes,
} from "./stack.ts";

/** sha256 of nothing: OP blocks carry no execution requests (Isthmus execution engine). */
const EMPTY_REQUESTS_HASH: Hex =
  "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** L2ToL1MessagePasser, whose storage root is the third part of an output root. */
const MESSAGE_PASSER: Hex = "0x4200000000000000000000000000000000000016";

/**
 * The OP Stack. From Isthmus on the header alone gives the output root; before, a proof of the
 * message passer's account does.
 */
export const opStack: StackAdapter = {
  stack: "op",
  followsBlocks: true,
  checkBlock: checkOpBlock,
  completion: {
    evidence: "proof",
    connect: (call) => (block) => askForProof(call, block),
  },
  readHead: readOpHead,
  readSettled: readDisputeGames,
};

/** keccak256(bytes32(0) || stateRoot || storageRoot || blockHash): OP proposals, version 0. */
export function opOutputRoot(parts: {
  readonly stateRoot: Hex;
  /** The storage root of L2ToL1MessagePasser, 0x4200…0016. */
  readonly messagePasserStorageRoot: Hex;
  readonly blockHash: Hex;
}): Hex {
  return keccak256(
    concatHex(ZERO_HASH, parts.stateRoot, parts.messagePasserStorageRoot, parts.blockHash),
  );
}

/**
 * Completes a block from before Isthmus with the answer of `eth_getProof` for the message passer.
 * `invalid-proof` unless the proof leads from the block's own state root to that account.
 */
function completeOpBlock(block: CheckedBlock, proof: unknown): Completed {
  const { stateRoot, blockHash } = block;
  const account = provenAccount(proof, { address: MESSAGE_PASSER, stateRoot });
  if (account === null) return { ok: false, code: "invalid-proof" };
  const messagePasserStorageRoot = account.storageRoot;
  const outputRoot = opOutputRoot({ stateRoot, messagePasserStorageRoot, blockHash });
  return { ok: true, block: { ...block, outputRoot, unverifiable: null } };
}

function checkOpBlock(rawBlock: unknown): BlockCheck {
  const checked = checkHeader(rawBlock);
  if (!checked.ok) return checked;
  const { header, blockHash } = checked;
  const { stateRoot, withdrawalsRoot, requestsHash } = header;
  if (requestsHash !== null && requestsHash !== EMPTY_REQUESTS_HASH) {
    return {
      ok: false,
      code: "invalid-field",
      field: "requestsHash",
      expected: EMPTY_REQUESTS_HASH,
      got: requestsHash,
    };
  }
  // Before Isthmus, which added requestsHash, withdrawalsRoot is absent or the root of an empty
  // list: the storage root then takes an account proof.
  const outputRoot =
    requestsHash === null || withdrawalsRoot === null
      ? null
      : opOutputRoot({ stateRoot, messagePasserStorageRoot: withdrawalsRoot, blockHash });
  const unverifiable = outputRoot === null ? "needs-proof" : null;
  return { ok: true, block: toCheckedBlock(checked, { outputRoot, unverifiable }) };
}

async function askForProof(call: NodeCall, block: CheckedBlock): Promise<Completed> {
  // By hash (EIP-1898), so that the proof is of this block even while the chain is replaced.
  const at = { blockHash: block.blockHash };
  const answer = await call("eth_getProof", [MESSAGE_PASSER, [], at]);
  if (!answer.ok) return answer;
  if (answer.value === null) return { ok: false, code: "missing" };
  return completeOpBlock(block, answer.value);
}

const SYNC_FIELD = { safe: "safe_l2", finalized: "finalized_l2" } as const;

/** Safe and finalized as the op-node derives them from L1, or the block tags without an op-node. */
async function readOpHead(head: HeadName, { call, opNode }: StackNodes): Promise<HeadAnswer> {
  if (head === "latest" || opNode === undefined) {
    return call("eth_getBlockByNumber", [head, false]);
  }
  const status = await opNode("optimism_syncStatus", []);
  if (!status.ok) return status;
  const reference = isObject(status.value) ? status.value[SYNC_FIELD[head]] : undefined;
  if (!isObject(reference)) return { ok: false, code: "malformed" };
  const blockHash = parseHash(reference["hash"]);
  const blockNumber = parseInteger(reference["number"]);
  if (blockHash === null || blockNumber === null) return { ok: false, code: "malformed" };
  // An op-node that has not derived one yet names the zero hash.
  if (blockHash === ZERO_HASH) return { ok: false, code: "missing" };
  const answer = await call("eth_getBlockByHash", [blockHash, false]);
  return answer.ok ? { ...answer, blockHash } : answer;
}
