import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type BenchContext, type Chart, withContext } from "./bench/bench-context.ts";
import { benchCertificate, CERTIFICATE_COUNTS } from "./bench/certificate.ts";
import { writeChart } from "./bench/chart.ts";
import { benchCrypto, CRYPTO_COUNTS } from "./bench/crypto.ts";
import { benchExecution, EXECUTION_COUNTS } from "./bench/execution.ts";
import { benchGossip, GOSSIP_COUNTS } from "./bench/gossip.ts";
import { benchHttp, HTTP_COUNTS } from "./bench/http.ts";
import { NOT_YET } from "./bench/not-yet.ts";
import { benchPeers, PEERS_COUNTS } from "./bench/peers.ts";
import { GROUPS, type Group, ON_REQUEST, type Row } from "./bench/row.ts";
import { benchScale, SCALE_COUNTS } from "./bench/scale.ts";
import { benchSoak, SOAK_COUNTS } from "./bench/soak.ts";
import { benchStore, STORE_COUNTS } from "./bench/store.ts";
import { formatTable } from "./bench/table.ts";

type Length = "full" | "quick";

const BENCHES: {
  readonly [Name in Group]: (context: BenchContext, length: Length) => Promise<readonly Row[]>;
} = {
  certificate: (context, length) => benchCertificate(context, CERTIFICATE_COUNTS[length]),
  crypto: (context, length) => benchCrypto(context, CRYPTO_COUNTS[length]),
  execution: (context, length) => benchExecution(context, EXECUTION_COUNTS[length]),
  store: (context, length) => benchStore(context, STORE_COUNTS[length]),
  peers: (context, length) => benchPeers(context, PEERS_COUNTS[length]),
  soak: (context, length) => benchSoak(context, SOAK_COUNTS[length]),
  scale: (context, length) => benchScale(context, SCALE_COUNTS[length]),
  gossip: (context, length) => benchGossip(context, GOSSIP_COUNTS[length]),
  http: (context, length) => benchHttp(context, HTTP_COUNTS[length]),
};

const USAGE = `usage: npm run bench -- [${GROUPS.join("|")} ...] [--quick] [--json] [--charts FOLDER]`;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const INTERRUPTED = 130;

/**
 * Measures and prints each figure beside its bound; where no group is named, all that take minutes
 * and not tens of them. A goal that is
 * missed is shown and is no failure: the exit code is 1 only for a figure that could not be had.
 */
export async function main(args: readonly string[]): Promise<number> {
  const options = parseArguments(args);
  if (options === null) {
    console.error(USAGE);
    return 2;
  }
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error("stopped"));
  for (const name of SIGNALS) process.on(name, abort);
  const { signal } = controller;
  const rows: Row[] = [];
  try {
    for (const group of options.groups) {
      const progress = (step: string): void => console.error(`${group}: ${step}`);
      const bench = BENCHES[group];
      const chart = (drawn: Chart): void => {
        if (options.charts !== null) writeChart(options.charts, drawn);
      };
      rows.push(
        ...(await withContext({ signal, progress, chart }, (context) =>
          bench(context, options.length),
        )),
      );
    }
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    console.error(error);
    return 1;
  } finally {
    for (const name of SIGNALS) process.off(name, abort);
  }
  if (options.isJson) printJson(rows, options.length);
  else printTable(rows);
  return 0;
}

interface Options {
  readonly groups: readonly Group[];
  readonly length: Length;
  readonly isJson: boolean;
  /** The folder that charts are written to; null draws none. */
  readonly charts: string | null;
}

function parseArguments(args: readonly string[]): Options | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        charts: { type: "string" },
      },
    });
    if (positionals.some((name) => !GROUPS.some((group) => group === name))) return null;
    const groups = GROUPS.filter((group) =>
      positionals.length === 0 ? !ON_REQUEST.includes(group) : positionals.includes(group),
    );
    const length = values.quick ? "quick" : "full";
    return { groups, length, isJson: values.json, charts: values.charts ?? null };
  } catch {
    // No such option, or one without its value: the usage says what there is.
    return null;
  }
}

function printTable(rows: readonly Row[]): void {
  console.log(formatTable(rows));
  console.log("\nnot here:");
  for (const { name, goal, because } of NOT_YET) console.log(`  ${name} (${goal}): ${because}`);
  console.log(`\n${machine()}, ${new Date().toISOString()}; median (least-most) of the rounds`);
}

function printJson(rows: readonly Row[], length: Length): void {
  const at = new Date().toISOString();
  console.log(JSON.stringify({ at, machine: machine(), length, rows, notYet: NOT_YET }));
}

/** The class of machine that the figures are of. */
function machine(): string {
  const [first] = cpus();
  const { platform, arch, version } = process;
  return `${cpus().length} cores ${first?.model.trim()}, Node ${version} on ${platform} ${arch}`;
}
