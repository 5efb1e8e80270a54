import { clockCheck } from "./clock.ts";
import { databaseCheck } from "./database.ts";
import { folderCheck, spaceCheck, syncCheck } from "./disk.ts";
import { filesCheck } from "./files.ts";
import { l1AgreementCheck, l1EndpointsCheck, l1FinalityCheck } from "./l1.ts";
import type { Check } from "./patient.ts";
import { payerCheck } from "./payer.ts";
import { peersCheck } from "./peers.ts";
import { portsCheck } from "./ports.ts";
import { protectionCheck } from "./protection.ts";
import {
  epochSetCheck,
  keyCheck,
  registrationCheck,
  registryCheck,
  weightCheck,
} from "./registry.ts";
import { rollupsCheck } from "./rollups.ts";
import { storeCheck } from "./store-size.ts";

/** All that `mach doctor` looks at, in the order in which it is told. */
export const CHECKS: readonly Check[] = [
  clockCheck,
  folderCheck,
  spaceCheck,
  syncCheck,
  filesCheck,
  protectionCheck,
  portsCheck,
  peersCheck,
  l1EndpointsCheck,
  l1AgreementCheck,
  l1FinalityCheck,
  registryCheck,
  epochSetCheck,
  keyCheck,
  registrationCheck,
  weightCheck,
  payerCheck,
  databaseCheck,
  rollupsCheck,
  storeCheck,
];
