import { parseArgs } from "node:util";
import { examine } from "../doctor/doctor.ts";
import type { Finding } from "../doctor/finding.ts";
import { SURROUNDINGS } from "../doctor/surroundings.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { CONFIG_OPTIONS, requireConfig } from "./config-options.ts";

/** `mach doctor`: what keeps a node from its work, or may. */
export const command: Command = {
  usage: `mach doctor [--config FILE] [--set PATH=VALUE ...] [--no-env] [--json]

Looks at what a node with this configuration needs: clock, disk, files, signing record, ports,
peers, each endpoint of the L1 and the rollups, the registry, the operator's key, registration and
weight. Each line says ok, warn or fail, and what to do. It can be run before the first start and
beside a node that runs; it signs nothing and sends nothing that changes anything. While no node
runs it holds the data folder for a moment, and opens the signing record as a node does.

  --config FILE      the configuration file, as for mach run
  --set PATH=VALUE   one field, such as api.port=4501; may be repeated
  --no-env           read no MACH_* variables
  --json             one JSON object instead of lines

Exit code: 0 nothing fails, though something may be warned of; 1 something fails; 2 wrong
configuration or usage.`,
  run: doctor,
};

async function doctor(args: readonly string[], context: CommandContext): Promise<Answer> {
  const options = { ...CONFIG_OPTIONS, json: { type: "boolean" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const subject = { config: requireConfig(values, context), configFile: values.config ?? null };
  return describeFindings(await examine(subject, SURROUNDINGS));
}

/** The answer that findings make. */
export function describeFindings(findings: readonly Finding[]): Answer {
  const count = (level: Finding["level"]): number =>
    findings.filter((finding) => finding.level === level).length;
  const [failed, warned] = [count("fail"), count("warn")];
  const width = Math.max(...findings.map((finding) => nameOf(finding).length));
  const lines = findings.flatMap((finding) => {
    const indent = " ".repeat(6 + width + 2);
    const line = `${finding.level.padEnd(6)}${nameOf(finding).padEnd(width)}  ${finding.found}`;
    // What another line tells first is said once.
    const isSaid = finding.next === null || finding.code === "not-looked-at";
    return isSaid ? [line] : [line, `${indent}-> ${finding.next}`];
  });
  const summary = `${findings.length} lines: ${failed} fail, ${warned} warn`;
  return {
    exitCode: failed > 0 ? 1 : 0,
    json: { ok: failed === 0, failed, warned, findings },
    sentence: [...lines, summary].join("\n"),
  };
}

function nameOf({ check, about }: Finding): string {
  return about === null ? check : `${check} ${about}`;
}
