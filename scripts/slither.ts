import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { readCommand } from "./checks/run-command.ts";
import { foundryBinary } from "./foundry-binary.ts";

/** The release that these findings were judged with; another one may find more. */
const RELEASE = "slither-analyzer==0.11.6";

interface Accepted {
  readonly check: string;
  /** The contracts and functions or variables that it is about: there is none for whatever comes. */
  readonly where: readonly string[];
  readonly why: string;
}

/** What was found, looked at and left as it is. Anything else fails, and so does what is gone. */
const ACCEPTED: readonly Accepted[] = [
  {
    check: "timestamp",
    where: [
      "Registry.constructor",
      "Registry._readySnapshotTime",
      "StakeVault.completeWithdrawal",
      "StakePools.slashableShares",
      "EigenLayerSource._poke",
      "Slasher.proveCharge",
      "Slasher.convict",
      "Slasher._open",
      "Slasher._restart",
      "Slasher._requireInTime",
      "Slasher._challengeable",
    ],
    why: "L1's time is that of its slot, which a proposer can leave empty and not choose",
  },
  {
    check: "timestamp",
    where: ["FinalityLightClient._trust", "FinalityLightClient._requireUnexpired"],
    why: "it has no clock but its chain's; contracts/README.md says what one that lags means",
  },
  {
    check: "timestamp",
    where: [
      "Convictions.isCollected",
      "Registry.registerOperator",
      "Slasher.reportConflict",
      "Slasher._requireSigner",
      "Slasher._deadlineOf",
      "Slasher._isExcused",
      "StakePools.slash",
      "StakeVault.withdrawal",
    ],
    why: "marks, numbers and amounts that were read beside a time: no two times are compared",
  },
  {
    check: "calls-loop",
    where: ["Registry._operatorAt", "WeightedSources.weightAt"],
    why: "a source of weights that fails makes the epoch fail: no weight is ever guessed",
  },
  {
    check: "calls-loop",
    where: ["EigenLayerSource._slashableWeight"],
    why: "whoever pokes says whom, and can leave out an operator of whom AllocationManager reverts",
  },
  {
    check: "calls-loop",
    where: ["EvidenceVerifier.checkMembership", "Slasher._requireSigner"],
    why: "views of the registry and of the slasher's own verifier, for those whom a reporter names",
  },
  {
    check: "unused-return",
    where: [
      "EigenLayerSource._poke",
      "Registry._addKey",
      "Registry._setRollup",
      "Registry.retireRollup",
      "StakePools._push",
      "StakeVault._checkpoint",
      "WeightedSources.setSource",
    ],
    why: "Checkpoints.push says what stood there before; where it cannot write it reverts",
  },
  {
    check: "unused-return",
    where: ["EigenLayerSource.slash"],
    why: "the shares that were slashed stay in EigenLayer: what is left of them is poked",
  },
  {
    check: "unused-return",
    where: ["EvidenceVerifier._requireSigned"],
    why: "what was not answered was not signed either: both revert, and nothing follows from a no",
  },
  {
    check: "unused-return",
    where: ["HyperlaneFinalityModule.verify", "FastPayments.release"],
    why: "the block's hash says which header to read; nothing asks for its number",
  },
  {
    check: "unused-return",
    where: ["Slasher.excuseBySettlement"],
    why: "another block at the lower height excuses, whatever its output root",
  },
  {
    check: "unused-return",
    where: ["Slasher.reportSettlementLie"],
    why: "one certificate is compared with L1, and with no other digest",
  },
  {
    check: "incorrect-shift",
    where: ["Certificates._removeNonSigners"],
    why: "Yul's shl takes the shift first: 1 << (index & 7) is meant and tested",
  },
  {
    check: "divide-before-multiply",
    where: ["OperatorSets.root"],
    why: "the width of a tree is a power of two: halving it loses nothing",
  },
  {
    check: "uninitialized-local",
    where: ["OperatorSets.hash.aggregate"],
    why: "all zeros is the point at infinity, with which a sum begins",
  },
  {
    check: "uninitialized-local",
    where: ["EvidenceVerifier.checkSetUpdateBy.input", "EvidenceVerifier._requireSigned.input"],
    why: "startSum, the signature's words and tryVerify write all that the pairing reads",
  },
  {
    check: "incorrect-equality",
    where: ["Registry.registerOperator"],
    why: "no weight at all is refused, whatever the least weight has been set to",
  },
  {
    check: "incorrect-equality",
    where: ["StakeVault.deposit"],
    why: "a transfer that brought nothing is refused; one that brought more counts as it is",
  },
  {
    check: "incorrect-equality",
    where: ["StakeVault.withdrawal"],
    why: "zero is a withdrawal that was paid or never made",
  },
  {
    check: "incorrect-equality",
    where: ["StakePools.slash"],
    why: "without a share there is nothing to take, and nothing to divide by",
  },
  {
    check: "incorrect-equality",
    where: ["EigenLayerSource._poke"],
    why: "only an unchanged weight may be left out of the history",
  },
  {
    check: "incorrect-equality",
    where: ["Slasher.reportConflict"],
    why: "zero is a charge without a proof, which has a time: none was proved in 1970",
  },
  {
    check: "incorrect-equality",
    where: ["Slasher._isExcused"],
    why: "two claims are of one height or of two: heights are compared as they were signed",
  },
  {
    check: "incorrect-equality",
    where: ["Slasher._requireSigner"],
    why: "one bit of a bitfield is set or not",
  },
  {
    check: "incorrect-equality",
    where: ["Convictions.isCollected"],
    why: "what was taken is the conviction's own fraction, which only rises: never more than it",
  },
  {
    check: "reentrancy-benign",
    where: ["Convictions.collect"],
    why: "the source is marked as taken before it is called; whatever pays out is nonReentrant too",
  },
  {
    check: "reentrancy-events",
    where: ["EigenLayerSource.slash"],
    why: "what AllocationManager slashed is known once it has; it is the only contract called",
  },
  {
    check: "reentrancy-events",
    where: ["Slasher.proveCharge"],
    why: "the walk is a contract of the slasher's own, which calls nobody",
  },
  {
    check: "shadowing-local",
    where: ["IRegistry.operatorsAt.operators"],
    why: "the name of a returned list in an interface, which has no code",
  },
  {
    check: "locked-ether",
    where: ["PaymentSource"],
    why: "the example keeps what is paid out elsewhere",
  },
  {
    check: "missing-zero-check",
    where: ["FastPayments.constructor.source_"],
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
  const accepted = new Set(ACCEPTED.flatMap(({ check, where }) => where.map(nameIn(check))));
  const gone = new Set(accepted);
  let isClean = true;
  for (const { check, impact, description, elements } of findings) {
    const name = nameIn(check)(placeOf(elements[0]));
    gone.delete(name);
    if (accepted.has(name)) continue;
    isClean = false;
    console.log(`${impact} ${name}\n${description}`);
  }
  for (const name of gone) {
    isClean = false;
    console.log(`no longer found: ${name}`);
  }
  console.log(`${findings.length} findings; ${isClean ? "all accepted" : "not all accepted"}`);
  return isClean;
}

function nameIn(check: string): (where: string) => string {
  return (where) => `${check} ${where}`;
}

/** Contract, function and variable, as far as the finding is about one of them. */
function placeOf(element: Element | undefined): string {
  const names: string[] = [];
  for (let each = element; each; each = each.type_specific_fields?.parent) names.unshift(each.name);
  return names.join(".");
}

await main();
