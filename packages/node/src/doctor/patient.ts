import type { NativeBls } from "@mach/bls";
import type { Hex } from "@mach/core";
import type { OperatorState, ReadNetworkResult, ReadOperatorSetResult } from "@mach/settlement";
import type { NodeConfig } from "../config.ts";
import type { DataFolder } from "../data-folder.ts";
import type { EndpointFacts } from "./endpoints.ts";
import type { Verdict } from "./finding.ts";
import type { Surroundings } from "./surroundings.ts";

/** The data folder as the doctor finds it. It is never made, and let go of at the end. */
export type FolderState =
  /** The doctor holds it: no node runs on it. */
  | { readonly state: "free"; readonly folder: DataFolder }
  /** A process runs on it: its own node, most likely. */
  | { readonly state: "locked"; readonly pid: number }
  | { readonly state: "missing" }
  | { readonly state: "unusable"; readonly code: string };

/** What the L1 says of the network and its operator, as far as it could be asked. */
export interface L1Facts {
  readonly network: ReadNetworkResult;
  /** At the newest block of one endpoint, by its host; null where none could be asked. */
  readonly newest:
    | { readonly ok: true; readonly host: string; readonly state: OperatorState }
    | { readonly ok: false; readonly host: string; readonly code: "no-registry" | "l1-unavailable" }
    | null;
  /** Of the epoch that runs; null before genesisTime, and where the schedule is not known. */
  readonly epochSet: ReadOperatorSetResult | null;
}

export type OwnKey =
  | {
      readonly ok: true;
      readonly publicKey: Hex;
      /** Of the key that the operator's keys change to, where it is there. */
      readonly nextPublicKey: Hex | null;
      /** Of both, as the registry writes them. */
      readonly publicKeyPoints: readonly (Hex | null)[];
    }
  | { readonly ok: false; readonly code: string; readonly why: string };

/** What is examined, each fact read once, when it is first asked for. */
export interface Patient {
  readonly config: NodeConfig;
  /** The configuration's file; null where there is none. */
  readonly configFile: string | null;
  readonly surroundings: Surroundings;
  readonly bls: NativeBls;
  readonly folder: FolderState;
  readonly l1Endpoints: () => Promise<readonly EndpointFacts[]>;
  readonly l1: () => Promise<L1Facts>;
  /** Null for an observer. */
  readonly ownKey: () => Promise<OwnKey | null>;
}

/** Looks at one kind of thing. Whatever it throws is told as a failure of its line. */
export interface Check {
  readonly name: string;
  readonly run: (patient: Patient) => Promise<readonly Verdict[]>;
}
