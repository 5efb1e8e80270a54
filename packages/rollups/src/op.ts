import { concatHex, type Hex, keccak256, ZERO_HASH } from "@mach/core";
import { checkHeader } from "./header.ts";
import type { BlockCheck, StackRules } from "./stack.ts";

/** sha256 of nothing: OP blocks carry no execution requests (Isthmus execution engine). */
const EMPTY_REQUESTS_HASH: Hex =
  "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** The OP Stack. From Isthmus on the header alone gives the output root. */
export const opStack: StackRules = { stack: "op", checkBlock: checkOpBlock };

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

function checkOpBlock(rawBlock: unknown): BlockCheck {
  const checked = checkHeader(rawBlock);
  if (!checked.ok) return checked;
  const { header, blockHash, headerRlp } = checked;
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
  return {
    ok: true,
    block: {
      blockNumber: header.number,
      blockHash,
      parentHash: header.parentHash,
      stateRoot,
      outputRoot,
      unverifiable: outputRoot === null ? "needs-proof" : null,
      timestamp: header.timestamp,
      headerRlp,
    },
  };
}
