import { addressWord, type Hex } from "@mach/core";
import {
  callData,
  eventTopic,
  type L1Log,
  readLogs,
  readView,
  type SettledAnswer,
  type SettledRoot,
  type SettlementQuery,
  wordToUint,
} from "./settlement.ts";
import type { NodeCall, NodeFailure } from "./stack.ts";

const DISPUTE_GAME_CREATED = eventTopic("DisputeGameCreated(address,uint32,bytes32)");
/** How nodes number a call that the contract itself refused. */
const REVERTED = 3;
/** Each game takes two calls. */
const MAX_GAMES = 256;

/**
 * The output roots of the dispute games that were created in the range and whose claim the anchor
 * registry calls valid: registered, respected, not blacklisted or retired, resolved for the
 * defender, and past the air gap. Anyone can post a game: no other one says anything.
 */
export async function readDisputeGames(
  l1: NodeCall,
  query: SettlementQuery,
): Promise<SettledAnswer> {
  const { contracts } = query;
  if (contracts.stack !== "op") throw new RangeError("the contracts are of another stack");
  const address = contracts.disputeGameFactory;
  const read = await readLogs(l1, query, { address, events: [DISPUTE_GAME_CREATED] });
  if (!read.ok) return read;
  if (read.logs.length > MAX_GAMES) return { ok: false, code: "too-many" };
  const roots: SettledRoot[] = [];
  for (const log of read.logs) {
    const game = await readGame(l1, query, { log, registry: contracts.anchorStateRegistry });
    if (!game.ok) return game;
    if (game.root !== null) roots.push(game.root);
  }
  return { ok: true, roots, revertedTo: null };
}

async function readGame(
  l1: NodeCall,
  query: SettlementQuery,
  found: { readonly log: L1Log; readonly registry: Hex },
): Promise<{ readonly ok: true; readonly root: SettledRoot | null } | NodeFailure> {
  const { topics, l1BlockNumber, transactionHash } = found.log;
  const [, proxy, , rootClaim] = topics;
  const address = wordToUint(proxy, 160);
  if (address === null || rootClaim === undefined) return { ok: false, code: "malformed" };
  const game: Hex = `0x${address.toString(16).padStart(40, "0")}`;
  const data = callData("isGameClaimValid(address)", addressWord(game));
  const valid = await readView(l1, query, { to: found.registry, data });
  if (!valid.ok) return valid;
  const isValid = wordToUint(valid.words[0], 1);
  if (valid.words.length !== 1 || isValid === null) return { ok: false, code: "malformed" };
  if (isValid === 0n) return { ok: true, root: null };
  const claimed = await readView(l1, query, { to: game, data: callData("l2BlockNumber()") });
  // A game about super roots has no block number: it settles nothing that a claim is about.
  if (!claimed.ok) return claimed.number === REVERTED ? { ok: true, root: null } : claimed;
  const blockNumber = wordToUint(claimed.words[0]);
  if (blockNumber === null) return { ok: true, root: null };
  return {
    ok: true,
    root: {
      standing: "confirmed",
      subject: { by: "number", blockNumber },
      root: rootClaim,
      l1BlockNumber,
      transactionHash,
    },
  };
}
