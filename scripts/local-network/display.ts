import { type Client, createClient } from "@mach/api";
import { bitfieldIndices } from "@mach/core";
import type { LocalNetwork } from "./local-network.ts";

/** One rollup as the observer's API tells it. */
export interface RollupRow {
  readonly rollupId: string;
  readonly stack: string;
  readonly head: string;
  readonly fastFinal: string;
  /** Milliseconds from the observer's first sight of the block to its certificate. */
  readonly afterBlock: string;
  readonly weight: string;
  readonly signers: string;
  /** Why the newest height is not fast-final; empty where it is. */
  readonly note: string;
}

/** What is shown: on a terminal the last one is drawn over, elsewhere what changed is a line. */
export interface Picture {
  readonly rows: readonly RollupRow[];
  readonly nodes: string;
  readonly lightClients: string;
  readonly apiUrl: string;
}

const HEADINGS = ["rollup", "head", "fast-final", "after block", "weight", "signers", ""];

/** Takes a picture of a network through its observer's API. */
export async function takePicture(network: LocalNetwork): Promise<Picture> {
  const client = createClient({ baseUrl: network.apiUrl, timeoutMs: 2_000 });
  const rows = await Promise.all(
    network.rollups.map(({ rollupId, stack }) => readRow(client, { rollupId, stack })),
  );
  const { operators, observer, lightClients } = network.describe();
  const nodes = [
    ...operators.map(({ weight, running }) => `${weight} ${running ? "up" : "down"}`),
    `observer ${observer.running ? "up" : "down"}`,
  ];
  const standing = lightClients.map(({ rollupId }) => `on ${rollupId}`).join(", ");
  return {
    rows,
    nodes: nodes.join(", "),
    lightClients: standing === "" ? "none yet" : standing,
    apiUrl: network.apiUrl,
  };
}

/** The picture as a table of whole lines. */
export function formatTable(picture: Picture): string {
  const lines = [HEADINGS, ...picture.rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const table = lines.map((cells) =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   "),
  );
  return [
    ...table.map((line) => `  ${line.trimEnd()}`),
    "",
    `  operators by weight: ${picture.nodes}`,
    `  light clients: ${picture.lightClients}`,
    `  explorer ${picture.apiUrl}/   API ${picture.apiUrl}/docs   Ctrl-C ends everything`,
  ].join("\n");
}

/** One line for each row that differs from the picture before. */
export function formatChanges(picture: Picture, before: Picture | null): readonly string[] {
  const lines: string[] = [];
  for (const [index, row] of picture.rows.entries()) {
    const previous = before?.rows[index];
    if (previous?.fastFinal === row.fastFinal && previous.note === row.note) continue;
    const note = row.note === "" ? "" : `, ${row.note}`;
    lines.push(
      `rollup ${row.rollupId} (${row.stack}): head ${row.head}, fast-final ${row.fastFinal}, ` +
        `after block ${row.afterBlock}, weight ${row.weight}, signers ${row.signers}${note}`,
    );
  }
  if (before?.nodes !== picture.nodes) lines.push(`operators by weight: ${picture.nodes}`);
  if (before?.lightClients !== picture.lightClients) {
    lines.push(`light clients: ${picture.lightClients}`);
  }
  return lines;
}

function cellsOf(row: RollupRow): readonly string[] {
  const { rollupId, stack, head, fastFinal, afterBlock, weight, signers, note } = row;
  return [`${rollupId} ${stack}`, head, fastFinal, afterBlock, weight, signers, note];
}

async function readRow(
  client: Client,
  rollup: { readonly rollupId: bigint; readonly stack: string },
): Promise<RollupRow> {
  const { rollupId, stack } = rollup;
  const empty = { head: "-", fastFinal: "-", afterBlock: "-", weight: "-", signers: "-" };
  const result = await client.get("finality", { rollupId });
  if (!result.ok) return { rollupId: String(rollupId), stack, ...empty, note: result.code };
  const { observed, fastFinal, certificate, rule, reason, latencyMs } = result.answer.data;
  return {
    rollupId: String(rollupId),
    stack,
    head: observed?.blockNumber.toString() ?? "-",
    fastFinal: fastFinal?.blockNumber.toString() ?? "-",
    afterBlock: latencyMs === null ? "-" : `${latencyMs} ms`,
    weight: rule === null ? "-" : `${rule.signedWeight ?? "?"} of ${rule.totalWeight ?? "?"}`,
    signers: certificate === null ? "-" : String(bitfieldIndices(certificate.signers).length),
    note: reason === null ? "" : describeReason(reason),
  };
}

function describeReason(reason: {
  readonly code: string;
  readonly presentWeight: bigint | null;
  readonly requiredWeight: bigint | null;
}): string {
  const { code, presentWeight, requiredWeight } = reason;
  if (presentWeight === null || !requiredWeight) return code;
  return `${code}: ${presentWeight} of ${requiredWeight}`;
}
