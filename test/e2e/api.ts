import { createClient, type DocumentRouteId, type RouteShapes } from "@mach/api";

type Input<Id extends DocumentRouteId> = RouteShapes[Id]["params"] &
  Partial<RouteShapes[Id]["query"]>;

/** Reads one route of a node's API; throws where it gives no answer. */
export async function read<Id extends DocumentRouteId>(
  apiUrl: string,
  id: Id,
  input: Input<Id>,
): Promise<RouteShapes[Id]["answer"]> {
  const result = await createClient({ baseUrl: apiUrl }).get(id, input);
  if (!result.ok) throw new Error(`${id}: ${result.code}: ${result.message}`);
  return result.answer;
}

/** Waits until a question has an answer other than null; throws, with the last fault, if late. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let fault: unknown = null;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== null) return answer;
    } catch (error) {
      // A node that is starting or stopping does not answer: asked again until the deadline.
      fault = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not in ${timeoutMs} ms: ${what}`, { cause: fault });
}
