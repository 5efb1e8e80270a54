import { existsSync } from "node:fs";
import { createNativeBls, type NativeBls } from "@mach/bls";
import type { Hex } from "@mach/core";
import { connectL1, createRegistryReader, readOperatorState } from "@mach/settlement";
import type { NodeConfig } from "../config.ts";
import { openDataFolder } from "../data-folder.ts";
import { NodeError } from "../node-error.ts";
import { readNextKey, readSecretKey } from "../operator.ts";
import { readSecretFile } from "../secret-file.ts";
import { connectSigner } from "../signer/remote-signer.ts";
import { CHECKS } from "./checks.ts";
import { readEndpoint } from "./endpoints.ts";
import { type Finding, fail } from "./finding.ts";
import { usable } from "./l1.ts";
import type { Check, FolderState, L1Facts, OwnKey, Patient } from "./patient.ts";
import { currentEpoch } from "./registry.ts";
import type { Surroundings } from "./surroundings.ts";

/** An observer asks for the network alone. */
const NO_OPERATOR = `0x${"00".repeat(20)}` as const;

/**
 * Looks at everything that a node with this configuration needs. It signs nothing, sends nothing
 * that changes anything, and makes no data folder; while no node runs on the folder it holds its
 * lock, so that the record can be opened. Never rejects for what it finds.
 */
export async function examine(
  subject: { readonly config: NodeConfig; readonly configFile: string | null },
  surroundings: Surroundings,
): Promise<readonly Finding[]> {
  const folder = await openFolder(subject.config.dataDir);
  try {
    const patient = createPatient({ ...subject, surroundings, folder });
    const findings = await Promise.all(CHECKS.map((check) => runCheck(check, patient)));
    return findings.flat();
  } finally {
    if (folder.state === "free") await folder.folder.release();
  }
}

async function runCheck(check: Check, patient: Patient): Promise<readonly Finding[]> {
  const { name } = check;
  try {
    return (await check.run(patient)).map((verdict) => ({ check: name, ...verdict }));
  } catch (error) {
    // One check that cannot be made must not hide what the others find.
    // Of other errors the words may quote a key, or a URL.
    const why = error instanceof NodeError ? error.message.replace(/\.$/, "") : nameOf(error);
    const found = `it could not be looked at: ${why}`;
    return [{ check: name, ...fail({ code: "check-failed", found, next: "look at that first" }) }];
  }
}

function nameOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code ?? (error instanceof Error ? error.name : "no reason");
}

/** The folder is not made where it is missing: that is for who begins to use it. */
async function openFolder(dataDir: string): Promise<FolderState> {
  if (!existsSync(dataDir)) return { state: "missing" };
  const opened = await openDataFolder(dataDir);
  if (opened.ok) return { state: "free", folder: opened.folder };
  if (opened.code === "folder-locked") return { state: "locked", pid: opened.pid };
  const code = (opened.cause as NodeJS.ErrnoException | null)?.code ?? opened.code;
  return { state: "unusable", code };
}

function createPatient(
  given: Pick<Patient, "config" | "configFile" | "surroundings" | "folder">,
): Patient {
  const bls = createNativeBls();
  const { config } = given;
  const { rpcUrls, timeoutMs } = config.l1;
  const l1Endpoints = once(() =>
    Promise.all(rpcUrls.map((url) => readEndpoint(url, { timeoutMs }))),
  );
  return {
    ...given,
    bls,
    l1Endpoints,
    l1: once(() => readL1({ ...given, bls, l1Endpoints })),
    ownKey: once(() => readOwnKey(config, bls)),
  };
}

async function readL1(
  patient: Pick<Patient, "config" | "surroundings" | "bls" | "l1Endpoints">,
): Promise<L1Facts> {
  const { config, bls } = patient;
  const { chainId, registry } = config.network;
  const { rpcUrls, agree: requiredAgreement, timeoutMs } = config.l1;
  const options = { registry, chainId, rpcUrls, requiredAgreement, timeoutMs };
  const reader = createRegistryReader({ bls }, options);
  try {
    const network = await reader.readNetwork();
    const epoch = network.ok ? currentEpoch(network.network.schedule, patient) : null;
    const epochSet = epoch === null ? null : await reader.readOperatorSet(epoch);
    return { network, epochSet, newest: await readNewest(patient) };
  } finally {
    await reader.close();
  }
}

/** The newest state of the first endpoint that serves: finalized state says nothing of who joins. */
async function readNewest({
  config,
  l1Endpoints,
}: Pick<Patient, "config" | "l1Endpoints">): Promise<L1Facts["newest"]> {
  const { network, l1, operator } = config;
  const { chainId, registry } = network;
  const [endpoint] = usable(await l1Endpoints(), chainId);
  if (endpoint === undefined) return null;
  const { url: rpcUrl, host } = endpoint;
  const connection = await connectL1({ rpcUrl, timeoutMs: l1.timeoutMs });
  if (connection === null) return null;
  try {
    const account = operator?.address ?? NO_OPERATOR;
    const question = { chainId, registry, operator: account, account };
    const read = await readOperatorState({ provider: connection.provider, ...question });
    return { ...read, host };
  } finally {
    connection.close();
  }
}

interface KeysFound {
  readonly publicKey: Hex;
  readonly nextPublicKey: Hex | null;
}

async function readOwnKey(
  { operator, network }: NodeConfig,
  bls: NativeBls,
): Promise<OwnKey | null> {
  if (operator === undefined) return null;
  try {
    const { publicKey, nextPublicKey } =
      operator.signer === undefined ? await readKeys() : await askSigner(operator.signer);
    const publicKeyPoints = [publicKey, nextPublicKey].map(
      (key) => key && bls.publicKeyToPoint(key),
    );
    return { ok: true, publicKey, nextPublicKey, publicKeyPoints };
  } catch (error) {
    if (error instanceof NodeError) {
      return { ok: false, code: error.code, why: error.message.replace(/\.$/, "") };
    }
    throw error;
  }

  async function readKeys(): Promise<KeysFound> {
    if (operator === undefined) throw new TypeError("an observer has no key");
    const publicKey = bls.publicKeyOf(await readSecretKey(operator, bls));
    const next = await readNextKey(operator, bls);
    return { publicKey, nextPublicKey: next && bls.publicKeyOf(next) };
  }

  async function askSigner(
    signer: NonNullable<NonNullable<NodeConfig["operator"]>["signer"]>,
  ): Promise<KeysFound> {
    const { url, tokenFile, timeoutMs } = signer;
    const token = await readSecretFile(tokenFile, "signer's token");
    const domain = { chainId: network.chainId, verifyingContract: network.registry };
    const identity = { domain, operator: operator?.address ?? NO_OPERATOR };
    const { about } = await connectSigner({ bls, identity }, { url, token, timeoutMs });
    return { publicKey: about.publicKey, nextPublicKey: about.nextPublicKey ?? null };
  }
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= read();
    return reading;
  };
}
