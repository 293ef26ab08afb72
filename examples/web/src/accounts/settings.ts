import { useQuery } from "urql";
import { graphql } from "../generated/gql";

const ServiceSettings = graphql(`
  query ServiceSettings {
    settings {
      passwordLength {
        min
      }
      usernameLength {
        min
        max
      }
      verifiedEmailRequired
      defaultVisibility
      passkeys
      totpAvailable
    }
  }
`);

// useServiceSettings returns what forms need to know before a user signs in, once it has arrived.
export function useServiceSettings() {
  const [{ data }] = useQuery({ query: ServiceSettings, requestPolicy: "cache-first" });
  return data?.settings;
}
