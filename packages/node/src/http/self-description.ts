import { buildOpenApi, renderDocsPage } from "@mach/api";
import { type Body, toBody, toJsonBody } from "./answer.ts";

/** What a server says of itself. */
export interface SelfDescription {
  readonly openApi: Body;
  readonly docs: Body;
}

const described = new Map<string, SelfDescription>();

/**
 * Both descriptions for a version. Made once in a process, and when the server is made: it takes
 * long enough to be felt by a node that is at work.
 */
export function describeSelf(software: string): SelfDescription {
  const known = described.get(software);
  if (known !== undefined) return known;
  const openApi = toJsonBody(buildOpenApi({ software }));
  const made = { openApi, docs: toBody(renderDocsPage({ software })) };
  described.set(software, made);
  return made;
}
