import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { Field } from "../forms/field";
import { graphql } from "../generated/gql";
import { useServiceSettings } from "./settings";

const UsernameAvailable = graphql(`
  query UsernameAvailable($username: String!) {
    usernameAvailable(username: $username)
  }
`);

// UsernameField says while the user types whether the name is free. Only the mutation decides.
export function UsernameField({ label, hint }: { label: string; hint?: string }) {
  const [typed, setTyped] = useState("");
  const [username, ask] = useState("");
  const length = useServiceSettings()?.usernameLength;
  useEffect(() => {
    const timer = setTimeout(() => ask(typed.trim()), 300);
    return () => clearTimeout(timer);
  }, [typed]);
  const askable = length !== undefined && username.length >= length.min && username.length <= length.max;
  const [{ data, stale }] = useQuery({ query: UsernameAvailable, variables: { username }, pause: !askable, requestPolicy: "network-only" });
  const answer = askable && !stale && username === typed.trim() ? data?.usernameAvailable : undefined;
  return (
    <Field
      name="username"
      label={label}
      autoComplete="username"
      autoCapitalize="none"
      spellCheck={false}
      onChange={(event) => setTyped(event.target.value)}
      hint={hint}
      badge={
        <span role="status" className={answer ? "badge good" : "badge bad"} hidden={answer == null}>
          {answer ? "Free" : "Not available"}
        </span>
      }
    />
  );
}
