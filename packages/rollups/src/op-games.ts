import { addressWord } from "@mach/core";
import {
  callData,
  eventTopic,
  type L1Log,
  readLogs,
  readView,
  type SettledAnswer,
  type SettledRoot,
  type SettlementContracts,
  type SettlementQuery,
  wordToAddress,
  wordToUint,
} from "./settlement.ts";
import type { NodeCall, NodeFailure } from "./stack.ts";

const DISPUTE_GAME_CREATED = eventTopic("DisputeGameCreated(address,uint32,bytes32)");
type OpContracts = Extract<SettlementContracts, { stack: "op" }>;

/** How nodes number a call that the contract itself refused. */
const REVERTED = 3;
/** Each game takes up to three calls. */
const MAX_GAMES = 256;

/**
 * The output roots of the dispute games that were created in the range and whose claim the anchor
 * registry calls valid: registered, respected, not blacklisted or retired, resolved for the
 * defender, and past the air gap. Anyone can post a game: no other one says anything. One that is
 * not valid may become so for days: it counts as undecided.
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
  let undecided = 0;
  for (const log of read.logs) {
    const game = await readGame(l1, query, { log, contracts });
    if (!game.ok) return game;
    if (game.verdict === "undecided") undecided += 1;
    if (game.verdict === "settled") roots.push(game.root);
  }
  return { ok: true, roots, revertedTo: null, undecided };
}

type GameReading =
  | { readonly ok: true; readonly verdict: "settled"; readonly root: SettledRoot }
  | { readonly ok: true; readonly verdict: "undecided" | "elsewhere" }
  | NodeFailure;

const ELSEWHERE: GameReading = { ok: true, verdict: "elsewhere" };

async function readGame(
  l1: NodeCall,
  query: SettlementQuery,
  found: { readonly log: L1Log; readonly contracts: OpContracts },
): Promise<GameReading> {
  const { topics, l1BlockNumber, transactionHash } = found.log;
  const [, proxy, , rootClaim] = topics;
  const game = wordToAddress(proxy);
  if (game === null || rootClaim === undefined) return { ok: false, code: "malformed" };
  const { anchorStateRegistry, rollupId } = found.contracts;
  // First of all: a contract that is no game of the factory may answer whatever it likes.
  const data = callData("isGameClaimValid(address)", addressWord(game));
  const valid = await readView(l1, query, { to: anchorStateRegistry, data });
  if (!valid.ok) return valid;
  const isValid = wordToUint(valid.words[0], 1);
  if (valid.words.length !== 1 || isValid === null) return { ok: false, code: "malformed" };
  if (isValid === 0n) return { ok: true, verdict: "undecided" };
  // A game about super roots has no chain and no block number: it settles nothing of a claim.
  const chain = await readView(l1, query, { to: game, data: callData("l2ChainId()") });
  if (!chain.ok) return chain.number === REVERTED ? ELSEWHERE : chain;
  if (wordToUint(chain.words[0], 256) !== rollupId) return ELSEWHERE;
  const claimed = await readView(l1, query, { to: game, data: callData("l2BlockNumber()") });
  if (!claimed.ok) return claimed.number === REVERTED ? ELSEWHERE : claimed;
  const blockNumber = wordToUint(claimed.words[0]);
  if (blockNumber === null) return ELSEWHERE;
  return {
    ok: true,
    verdict: "settled",
    root: {
      standing: "confirmed",
      subject: { by: "number", blockNumber },
      root: rootClaim,
      l1BlockNumber,
      transactionHash,
    },
  };
}
