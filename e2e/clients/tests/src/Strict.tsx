// What docs/frontends/relay.md warns of: a refused field without @catch.
import { graphql, useLazyLoadQuery } from "react-relay";
import type { StrictQuery } from "./__generated__/StrictQuery.graphql";

export function Strict({ username }: { username: string }) {
  const { profile } = useLazyLoadQuery<StrictQuery>(
    graphql`
      query StrictQuery($username: String!) @throwOnFieldError {
        profile(username: $username) { username birthday }
      }
    `,
    { username },
  );
  return <p>{profile?.username}: {profile?.birthday}</p>;
}
