import type { CombinedError } from "urql";

// Failed takes the place of what could not be loaded. What is merely unreachable is asked for again, and the banner says so.
export function Failed({ error }: { error: CombinedError }) {
  return (
    <p className="alert" role="alert">
      {error.graphQLErrors[0]?.message ?? "This could not be loaded."}
    </p>
  );
}
