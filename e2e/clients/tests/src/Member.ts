// Documents as an app with Relay has them; relay-compiler reads this file, and nothing runs it.
import { graphql } from "relay-runtime";

export const user = graphql`
  fragment Member_user on User @refetchable(queryName: "MemberUserRefetchQuery") {
    id
    email
    emailVerified
    createdAt
    profile {
      ...Member_profile
    }
  }
`;

export const profile = graphql`
  fragment Member_profile on Profile @refetchable(queryName: "MemberProfileRefetchQuery") {
    username
    displayName
    avatarUrl
    birthday
    visibility
    viewerCan {
      actions
      edit
    }
  }
`;

export const profiles = graphql`
  fragment Member_profiles on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "MemberProfilesPaginationQuery") {
    profiles(first: $count, after: $cursor) @connection(key: "Member_profiles") {
      edges {
        node {
          ...Member_profile
        }
      }
    }
  }
`;

export const sessions = graphql`
  fragment Member_sessions on User
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "MemberSessionsPaginationQuery") {
    sessions(first: $count, after: $cursor) @connection(key: "Member_sessions") {
      edges {
        node {
          id
          device
          current
          lastUsedAt
        }
      }
    }
  }
`;

export const page = graphql`
  query MemberQuery($username: String!) {
    me {
      ...Member_user
      ...Member_sessions
    }
    profile(username: $username) @required(action: NONE) {
      ...Member_profile
    }
    ...Member_profiles
  }
`;

export const update = graphql`
  mutation MemberUpdateMutation($input: UpdateProfileInput!) {
    updateProfile(input: $input) @catch {
      profile {
        ...Member_profile
      }
    }
  }
`;
