import type { Hex } from "@mach/core";
import { z } from "zod";
import { ALWAYS, address, integer, text, url } from "./fields.ts";

/** A keystore with its password, or a bare key. */
interface KeyConfig {
  readonly keystoreFile?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly secretKeyFile?: string | undefined;
}

export interface OperatorConfig extends KeyConfig {
  readonly address: Hex;
  /** One of three: a keystore with its password, a bare key, or a signer in another process. */
  readonly signer?: RemoteSignerConfig | undefined;
  /** What the operator's keys change to; its files may be missing until then. */
  readonly nextKey?: KeyConfig | undefined;
}

interface RemoteSignerConfig {
  readonly url: string;
  readonly tokenFile: string;
  readonly timeoutMs: number;
}

const remoteSigner = z
  .strictObject({
    url: url("Where `mach signer run` listens.", {
      schemes: ["http:", "https:"],
      example: "http://127.0.0.1:4700",
    }),
    tokenFile: text("The file that holds the signer's token: 32 bytes of hex, mode 0600.", {
      example: "signer.token",
    }),
    timeoutMs: integer("How long one signature may take, in milliseconds.", {
      min: 100,
      max: 60_000,
    }).default(3_000),
  })
  .describe("The operator's signer in another process, in the place of keystoreFile.");

const ONE_KEY = {
  ...ALWAYS,
  path: ["keystoreFile"],
  error: "expected one of keystoreFile, secretKeyFile and signer",
};
const ONE_NEXT_KEY = {
  ...ALWAYS,
  path: ["keystoreFile"],
  error: "expected one of keystoreFile and secretKeyFile",
};
const ONE_PASSWORD = {
  ...ALWAYS,
  path: ["passwordFile"],
  error: "expected with keystoreFile, and with it alone",
};
const NEXT_KEY_HERE = {
  ...ALWAYS,
  path: ["nextKey"],
  error: "is the signer's, in the signer's own configuration",
};

type Given = { readonly [Field in keyof OperatorConfig]?: unknown };

function hasOneKey(value: Given): boolean {
  const given = [value?.keystoreFile, value?.secretKeyFile, value?.signer];
  return given.filter((each) => each !== undefined).length === 1;
}

function hasOnePassword(value: Given): boolean {
  return (value?.passwordFile === undefined) === (value?.keystoreFile === undefined);
}

function hasNextKeyHere(value: Given): boolean {
  return value?.nextKey === undefined || value?.signer === undefined;
}

const nextKey = z
  .strictObject({
    keystoreFile: text("The EIP-2335 keystore of the next BLS key, mode 0600.", {
      example: "keys/next.json",
    }).optional(),
    passwordFile: text("The file that holds that keystore's password, mode 0600.", {
      example: "password",
    }).optional(),
    secretKeyFile: text("The file that holds the next bare BLS secret key, mode 0600.", {
      example: "next.key",
    }).optional(),
  })
  .refine(hasOneKey, ONE_NEXT_KEY)
  .refine(hasOnePassword, ONE_PASSWORD)
  .describe(
    "The key that `mach operator rotate-key` changes to. The node signs with whichever of the two " +
      "the operator set of a block's epoch names. Its file may be missing until then, and is " +
      "opened when a set names a key that the node does not have.",
  );

/** Who attests with a node, and what signs for it. */
export const operator: z.ZodType<OperatorConfig, unknown> = z
  .strictObject({
    address: address("The operator's address, as it is registered on the L1."),
    keystoreFile: text("The EIP-2335 keystore of the BLS key, by `mach keys new`, mode 0600.", {
      example: "keys/operator.json",
    }).optional(),
    passwordFile: text("The file that holds the keystore's password, mode 0600.", {
      example: "password",
    }).optional(),
    secretKeyFile: text(
      "The file that holds the bare BLS secret key, 32 bytes of hex, mode 0600: for a store of " +
        "secrets that keeps it safe in its own way, and for local networks.",
      { example: "bls.key" },
    ).optional(),
    signer: remoteSigner.optional(),
    nextKey: nextKey.optional(),
  })
  .refine(hasOneKey, ONE_KEY)
  .refine(hasOnePassword, ONE_PASSWORD)
  .refine(hasNextKeyHere, NEXT_KEY_HERE)
  .describe("Who attests with this node. Without it the node observes, and signs nothing.");
