// A session that is refetched by its id, and leaves the list when it is revoked.
import { graphql } from "relay-runtime";

export const session = graphql`
  fragment SessionRow_session on Session @refetchable(queryName: "SessionRowRefetchQuery") {
    device
    ip
    lastUsedAt
    expiresAt
  }
`;

export const revoke = graphql`
  mutation SessionRowRevokeMutation($id: ID!, $connections: [ID!]!) {
    revokeSession(input: { id: $id }) {
      revokedSessionId @deleteRecord @deleteEdge(connections: $connections)
    }
  }
`;
