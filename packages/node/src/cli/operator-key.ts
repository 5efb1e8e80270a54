import { createNativeBls } from "@mach/bls";
import type { OperatorState } from "@mach/settlement";
import { type Possession, parsePossession } from "../keys/possession.ts";
import { type CommandContext, UsageError } from "./command.ts";
import { readJsonInput } from "./json-file.ts";
import { proveUnlocked, unlockKeystore } from "./keys-keystores.ts";
import type { Step } from "./keys-secrets.ts";
import type { RegistryPlace } from "./operator-place.ts";
import { refusedAction } from "./operator-words.ts";

/** The options by which a command is told a key that is registered. */
export const KEY_OPTIONS = {
  keystore: { type: "string" },
  "keystore-password-file": { type: "string" },
  proof: { type: "string" },
} as const;

/** How they are told in a command's usage. */
export const KEY_USAGE = `  --keystore FILE                  the key's EIP-2335 keystore, and
  --keystore-password-file FILE    its password, mode 0600; asked for at the terminal without it
  --proof FILE                     what \`mach keys prove\` printed, where the key is on another
                                   machine; - is stdin`;

/** What `parseArgs` makes of them. */
export interface KeyValues {
  readonly keystore?: string | undefined;
  readonly "keystore-password-file"?: string | undefined;
  readonly proof?: string | undefined;
}

/** A key with a proof that stands for this operator on this network. */
export async function readPossession(
  values: KeyValues,
  { state, context }: { readonly state: OperatorState; readonly context: CommandContext },
): Promise<Step<Possession>> {
  const { keystore, proof } = values;
  if (keystore !== undefined && proof === undefined) {
    const passwordFile = values["keystore-password-file"];
    return await prove({ file: keystore, passwordFile, state, context });
  }
  if (proof !== undefined && keystore === undefined) return await readProof(proof, state);
  throw new UsageError("one of --keystore and --proof is expected");
}

/** The options, with the configuration's own keystore where they name none. */
export function withOwnKey(values: KeyValues, place: RegistryPlace): KeyValues {
  const { keystoreFile, passwordFile } = place;
  if (values.keystore !== undefined || values.proof !== undefined || keystoreFile === null) {
    return values;
  }
  const password = values["keystore-password-file"] ?? passwordFile ?? undefined;
  return { keystore: keystoreFile, "keystore-password-file": password };
}

async function prove(request: {
  readonly file: string;
  readonly passwordFile: string | undefined;
  readonly state: OperatorState;
  readonly context: CommandContext;
}): Promise<Step<Possession>> {
  const { file, passwordFile, state, context } = request;
  const option = "keystore-password-file";
  const unlocked = await unlockKeystore(createNativeBls(), { file, passwordFile, option }, context);
  if (!unlocked.ok) return unlocked;
  const { domain, operator, keyCount: nonce } = state;
  const { secretKey } = unlocked.value;
  return { ok: true, value: proveUnlocked(secretKey, { domain, operator, nonce }) };
}

async function readProof(file: string, state: OperatorState): Promise<Step<Possession>> {
  const read = await readJsonInput(file);
  const possession = read.ok ? parsePossession(read.value) : null;
  if (possession === null) {
    return { ok: false, answer: refusedAction({ code: "malformed-proof", file }) };
  }
  const { domain, operator } = possession;
  const isOurs =
    operator === state.operator &&
    domain.chainId === state.domain.chainId &&
    domain.verifyingContract === state.domain.verifyingContract;
  if (isOurs) return { ok: true, value: possession };
  return { ok: false, answer: refusedAction({ code: "foreign-proof", file }) };
}
