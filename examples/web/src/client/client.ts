// The GraphQL client of one viewer. When the viewer changes, the page gets a new one, so no answer outlives the viewer who got it.
import { cacheExchange, Client, fetchExchange, mapExchange } from "urql";
import { retryExchange } from "@urql/exchange-retry";
import { reportReachable, reportUnreachable } from "./connection";
import { hasCode, isUnreachable } from "./errors";

export function createClient(onUnauthenticated: () => void): Client {
  return new Client({
    url: "/graphql",
    preferGetMethod: false,
    requestPolicy: "cache-and-network",
    exchanges: [
      cacheExchange,
      mapExchange({
        onResult(result) {
          if (result.operation.kind !== "teardown" && hasCode(result.error, "UNAUTHENTICATED")) onUnauthenticated();
        },
      }),
      // A query may be sent again. A mutation may not: its form says that it failed, and keeps its input.
      retryExchange({
        initialDelayMs: 400,
        maxDelayMs: 3000,
        maxNumberAttempts: Infinity,
        retryIf: (error, operation) => operation.kind === "query" && isUnreachable(error),
      }),
      mapExchange({
        onResult(result) {
          if (isUnreachable(result.error)) reportUnreachable();
          else reportReachable();
        },
      }),
      fetchExchange,
    ],
  });
}
