import {
  type Abstention,
  type ChainReading,
  createRollupFollower,
  type ObservedBlock,
  type RollupFollowerEvents,
  type RollupHeads,
  readChainId,
  type SourceDescription,
} from "@mach/rollups";
import type { CliOutput, ExitCode } from "./command.ts";
import type { WatchOptions } from "./watch.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Follows the rollup and prints until it is done, or told to stop. */
export async function watchRollup(options: WatchOptions, output: CliOutput): Promise<ExitCode> {
  const printer = createPrinter(options, output);
  const { urls, timeoutMs } = options;
  const read = await readChainId({ urls, timeoutMs });
  const rollupId = options.chainId ?? (read.ok ? read.rollupId : null);
  if (rollupId === null || rollupId === 0n) {
    printer.noChain(read);
    return 1;
  }
  printer.begin(rollupId, read);
  return await follow(rollupId, options, printer);
}

function follow(rollupId: bigint, options: WatchOptions, printer: Printer): Promise<ExitCode> {
  const { stack, urls, opNodeUrls, agree, timeoutMs, count, withinMs, fromBlockNumber } = options;
  const sources = urls.map((url, at) => ({ url, opNodeUrl: opNodeUrls[at] }));
  return new Promise((resolve) => {
    let heads: RollupHeads = { latest: null, safe: null, finalized: null };
    let claims = 0;
    let isDone = false;
    const finish = (exitCode: ExitCode): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      for (const source of follower.describeSources()) printer.summary(source);
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.stdout.off("error", onSignal);
      void follower.stop().then(() => resolve(exitCode));
    };
    const onSignal = (): void => finish(0);
    const events: RollupFollowerEvents = {
      onBlock(block) {
        // A batch's earlier blocks carry no claim.
        if (isDone || block.isWithinBatch) return;
        claims += 1;
        printer.claim(block, heads);
        if (claims === count) finish(0);
      },
      onHeads: (next) => {
        heads = next;
      },
      onAbstain: (abstention) => printer.abstention(abstention),
      onReorg: ({ commonAncestor: { blockNumber }, depth }) =>
        printer.note(
          { type: "reorg", commonAncestor: String(blockNumber), depth },
          `reorg: ${depth} blocks above ${blockNumber} were replaced`,
        ),
      onSkipped: ({ reason, fromBlockNumber: from, toBlockNumber: to }) =>
        printer.note(
          { type: "skipped", reason, fromBlockNumber: String(from), toBlockNumber: String(to) },
          `skipped: blocks ${from} to ${to} (${reason})`,
        ),
      onSourceState: ({ host, transport, status, code }) =>
        printer.note(
          { type: "source", label: host, transport, status, code },
          `${host} (${transport}): ${status}${code === null ? "" : `, ${code}${next(code)}`}`,
        ),
    };
    const follower = createRollupFollower({ rollupId, stack, sources, agree, timeoutMs }, events);
    const timer =
      withinMs === null
        ? undefined
        : setTimeout(() => {
            printer.tooLate(claims);
            finish(count === null && claims > 0 ? 0 : 1);
          }, withinMs);
    for (const signal of SIGNALS) process.once(signal, onSignal);
    // Whoever read the claims has left.
    process.stdout.on("error", onSignal);
    follower.start(fromBlockNumber === null ? {} : { fromBlockNumber });
  });
}

interface Printer {
  begin(rollupId: bigint, read: ChainReading): void;
  noChain(read: ChainReading): void;
  claim(block: ObservedBlock, heads: RollupHeads): void;
  abstention(abstention: Abstention): void;
  note(json: object, line: string): void;
  tooLate(claims: number): void;
  /** What is to be said of an endpoint at the end. */
  summary(source: SourceDescription): void;
}

function createPrinter({ isJson, urls, agree }: WatchOptions, output: CliOutput): Printer {
  const note = (json: object, line: string): void =>
    output.stderr(`${isJson ? JSON.stringify(json) : line}\n`);
  return {
    note,
    begin(rollupId, { endpoints }) {
      const chains = endpoints.map(({ host, chain }) => ({
        label: host,
        chainId: chain.ok ? String(chain.chainId) : null,
        code: chain.ok ? null : chain.code,
      }));
      const json = { type: "watching", rollupId: String(rollupId), agree, endpoints: chains };
      note(json, `chain ${rollupId}: ${agree} of ${urls.length} endpoints have to agree`);
    },
    noChain(read) {
      const endpoints = read.endpoints.map(({ host, chain }) =>
        chain.ok ? `  ${host}  is of chain ${chain.chainId}` : `  ${host}  ${chain.code}`,
      );
      const code = read.ok ? "wrong-chain" : read.code;
      const line = `mach: the endpoints do not name one chain (${code})${next(code)}`;
      const json = { type: "failed", code, endpoints: read.endpoints.map(toVerdict) };
      note(json, [line, ...endpoints].join("\n"));
    },
    claim(block, { safe, finalized }) {
      const { blockNumber, blockHash, stateRoot, outputRoot, timestamp, observedAtMs } = block;
      const delayMs = observedAtMs - Number(timestamp) * 1_000;
      const json = {
        type: "claim",
        blockNumber: String(blockNumber),
        blockHash,
        stateRoot,
        outputRoot,
        timestamp: String(timestamp),
        delayMs,
        safe: safe === null ? null : String(safe.blockNumber),
        finalized: finalized === null ? null : String(finalized.blockNumber),
      };
      const roots = `state ${short(stateRoot)}  output ${short(outputRoot ?? "?")}`;
      const l1 = `safe ${safe?.blockNumber ?? "-"}  finalized ${finalized?.blockNumber ?? "-"}`;
      const line = `${blockNumber}  ${blockHash}  ${roots}  after ${delayMs} ms  ${l1}`;
      output.stdout(`${isJson ? JSON.stringify(json) : line}\n`);
    },
    abstention({ code, blockNumber, subject, sources }) {
      const height = blockNumber === null ? null : String(blockNumber);
      const verdicts = sources.map((each) => `  ${each.host}  ${each.code}`);
      const what = subject === "block" ? `block ${height ?? "(none yet)"}` : `${subject} head`;
      const line = [`${what} is not claimed: ${code}${next(code)}`, ...verdicts].join("\n");
      note({ type: "abstained", code, blockNumber: height, subject, sources }, line);
    },
    summary(source) {
      const { host, transport, status, agreed, failed, headBlockNumber: head } = source;
      const { finalizedBlockNumber, finalizedCode } = source;
      const json = {
        type: "endpoint",
        label: host,
        transport,
        status,
        code: source.code,
        agreed,
        failed,
        headBlockNumber: head === null ? null : String(head),
        finalizedBlockNumber: finalizedBlockNumber === null ? null : String(finalizedBlockNumber),
        finalizedCode,
      };
      const final = finalizedBlockNumber ?? `none (${finalizedCode ?? "not asked yet"})`;
      const counts = `${agreed} blocks agreed, failed ${failed} times`;
      note(json, `${host} (${transport}): ${status}, ${counts}, finalized ${final}`);
    },
    tooLate(claims) {
      note({ type: "ended", code: "out-of-time", claims }, `out of time, after ${claims} claims`);
    },
  };
}

function toVerdict({ host, chain }: ChainReading["endpoints"][number]): object {
  return chain.ok
    ? { label: host, chainId: String(chain.chainId) }
    : { label: host, code: chain.code };
}

function short(hash: string): string {
  return hash.length > 14 ? `${hash.slice(0, 10)}..` : hash;
}

const NEXT_STEP: Readonly<Record<string, string>> = {
  "wrong-chain": "leave out what is of another chain",
  "hash-mismatch": "the fields do not hash to the block's hash; is --stack right?",
  "unknown-header-fields": "a fork, or a stack, that is not known here; is --stack right?",
  "invalid-field": "the stack forbids this value; is --stack right?",
  malformed: "no JSON-RPC answer, or no block of this stack; check the URL's path and key",
  "http-status": "the server refuses; check the URL's path, key and limits",
  timeout: "no answer in time; try a nearer endpoint, or a longer --timeout",
  unreachable: "no connection; check the host and the port",
  flood: "it sends far more than it is asked for; use another one",
  "too-large": "the answer is larger than a block may be",
  "sources-unavailable": "too few endpoints answer; check their URLs",
  "sources-disagree": "the endpoints have different blocks; add one, or find which one is wrong",
  "source-lagging": "too few endpoints have it yet; a node may be syncing",
  "needs-proof": "no endpoint serves eth_getProof for it; use one that does",
  "no-claim": "nothing that nodes tell says what L1 will confirm; no operator signs it",
};

/** What to do about a code, after a colon; empty where the code says it all. */
function next(code: string): string {
  const step = NEXT_STEP[code];
  return step === undefined ? "" : `: ${step}`;
}
