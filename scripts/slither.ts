import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { readCommand } from "./checks/run-command.ts";
import { foundryBinary } from "./foundry-binary.ts";

/** The release that these findings were judged with; another one may find more. */
const RELEASE = "slither-analyzer==0.11.6";

interface Accepted {
  readonly check: string;
  /** The contract and function or variable that it is about; any where this is absent. */
  readonly where?: string;
  readonly why: string;
}

/** What was found, looked at and left as it is. Anything else fails, and so does what is gone. */
const ACCEPTED: readonly Accepted[] = [
  {
    check: "timestamp",
    why: "epochs, delays and windows are times, longer than what a proposer can move one by",
  },
  {
    check: "calls-loop",
    why: "a source of weights that fails makes the epoch fail: no weight is ever guessed",
  },
  {
    check: "unused-return",
    why: "of Checkpoints.push, which says what it wrote, and of the half of a tuple that is known",
  },
  {
    check: "incorrect-shift",
    where: "Certificates._removeNonSigners",
    why: "Yul's shl takes the shift first: 1 << (index & 7) is meant and tested",
  },
  {
    check: "divide-before-multiply",
    where: "OperatorSets.root",
    why: "the width of a tree is a power of two: halving it loses nothing",
  },
  {
    check: "uninitialized-local",
    where: "OperatorSets.hash.aggregate",
    why: "all zeros is the point at infinity, with which a sum begins",
  },
  {
    check: "incorrect-equality",
    where: "Registry.registerOperator",
    why: "no weight at all is refused, whatever the least weight has been set to",
  },
  {
    check: "incorrect-equality",
    where: "StakeVault.deposit",
    why: "a transfer that brought nothing is refused; one that brought more counts as it is",
  },
  {
    check: "incorrect-equality",
    where: "StakeVault.withdrawal",
    why: "zero is a withdrawal that was paid or never made",
  },
  {
    check: "incorrect-equality",
    where: "StakePools.slash",
    why: "without a share there is nothing to take, and nothing to divide by",
  },
  {
    check: "incorrect-equality",
    where: "EigenLayerSource._poke",
    why: "only an unchanged weight may be left out of the history",
  },
  {
    check: "reentrancy-events",
    where: "EigenLayerSource.slash",
    why: "what AllocationManager slashed is known once it has; it is the only contract called",
  },
  {
    check: "shadowing-local",
    where: "IRegistry.operatorsAt.operators",
    why: "the name of a returned list in an interface, which has no code",
  },
  {
    check: "locked-ether",
    where: "PaymentSource",
    why: "the example keeps what is paid out elsewhere",
  },
  {
    check: "missing-zero-check",
    where: "FastPayments.constructor.source_",
    why: "the example's deployer names its own source; nobody has the storage of address zero",
  },
];

interface Finding {
  readonly check: string;
  readonly impact: string;
  readonly description: string;
  readonly elements: readonly Element[];
}

interface Element {
  readonly name: string;
  readonly type_specific_fields?: { readonly parent?: Element };
}

/** Runs Slither over the contracts and compares what it finds with what was accepted. */
async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "mach-slither-"));
  try {
    await stage(folder);
    const findings = await analyse(folder);
    process.exitCode = findings && judge(findings) ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A copy with its dependencies inside. In the repository they are beside the project, where forge names
 * a file in two ways, and Slither then loses every contract that inherits from one.
 */
async function stage(folder: string): Promise<void> {
  await cp("contracts/src", join(folder, "src"), { recursive: true });
  await cp("contracts/solc.cjs", join(folder, "solc.cjs"));
  await mkdir(join(folder, "node_modules/@openzeppelin"), { recursive: true });
  const library = "node_modules/@openzeppelin/contracts";
  await cp(library, join(folder, library), { recursive: true, dereference: true });
  await symlink(await realpath("node_modules/solc"), join(folder, "node_modules/solc"));
  const config = await readFile("contracts/foundry.toml", "utf8");
  await writeFile(
    join(folder, "foundry.toml"),
    config.replaceAll("../node_modules", "node_modules"),
  );
}

async function analyse(folder: string): Promise<readonly Finding[] | null> {
  const forge = foundryBinary("forge");
  const build = [forge, "build", "--build-info", "--skip", "test"];
  if ((await readCommand(build, { cwd: folder })).exitCode !== 0) return null;
  // Slither asks forge for the configuration.
  process.env["PATH"] = `${dirname(forge)}${delimiter}${process.env["PATH"] ?? ""}`;
  const report = join(folder, "report.json");
  const slither = ["slither", ".", "--ignore-compile", "--filter-paths", "node_modules"];
  const options = ["--exclude-informational", "--exclude-optimization", "--json", report];
  // It exits with an error where it finds anything: what it wrote is what counts.
  await readCommand([...slither, ...options], { cwd: folder });
  const text = await readFile(report, "utf8").catch(() => null);
  if (text === null) {
    console.error(`no report; install it first: pip install ${RELEASE}`);
    return null;
  }
  const { success, results } = JSON.parse(text) as {
    readonly success: boolean;
    readonly results: { readonly detectors?: readonly Finding[] };
  };
  return success ? (results.detectors ?? []) : null;
}

function judge(findings: readonly Finding[]): boolean {
  const seen = new Set<Accepted>();
  let isClean = true;
  for (const finding of findings) {
    const where = placeOf(finding.elements[0]);
    const accepted = ACCEPTED.filter(({ check }) => check === finding.check).find(
      (each) => each.where === undefined || each.where === where,
    );
    if (accepted) {
      seen.add(accepted);
      continue;
    }
    isClean = false;
    console.log(`${finding.impact} ${finding.check} ${where}\n${finding.description}`);
  }
  for (const gone of ACCEPTED.filter((each) => !seen.has(each))) {
    isClean = false;
    console.log(`no longer found: ${gone.check} ${gone.where ?? ""}`);
  }
  console.log(`${findings.length} findings; ${isClean ? "all accepted" : "not all accepted"}`);
  return isClean;
}

/** Contract, function and variable, as far as the finding is about one of them. */
function placeOf(element: Element | undefined): string {
  const names: string[] = [];
  for (let each = element; each; each = each.type_specific_fields?.parent) names.unshift(each.name);
  return names.join(".");
}

await main();
