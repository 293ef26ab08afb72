// A small part of an app with graphql-codegen's client preset. tsc checks it against the generated types, and nothing
// runs it.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { type FragmentType, graphql, useFragment } from "./gql";

declare function execute<Result, Variables>(document: TypedDocumentNode<Result, Variables>, variables: Variables): Promise<Result>;

const ProfileCard = graphql(`
  fragment ProfileCard on Profile {
    username
    displayName
    avatarUrl
    birthday
    visibility
    updatedAt
  }
`);

const Home = graphql(`
  query Home($first: Int) {
    me {
      id
      profile {
        ...ProfileCard
      }
      sessions(first: $first) {
        nodes {
          id
          lastUsedAt
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`);

const Node = graphql(`
  query Node($id: ID!) {
    node(id: $id) {
      __typename
      ... on User {
        createdAt
      }
      ... on Profile {
        ...ProfileCard
      }
    }
  }
`);

const Update = graphql(`
  mutation Update($input: UpdateProfileInput!) {
    updateProfile(input: $input) {
      profile {
        ...ProfileCard
      }
    }
  }
`);

function card(fragment: FragmentType<typeof ProfileCard>): string[] {
  const profile = useFragment(ProfileCard, fragment);
  const changed: string = profile.updatedAt;
  const birthday: string | null | undefined = profile.birthday;
  // @ts-expect-error: a date may be null
  const certain: string = profile.birthday;
  return [profile.username, profile.displayName ?? "", birthday ?? "", certain, new URL(profile.avatarUrl ?? "").host, changed];
}

export async function run(): Promise<string[]> {
  const home = await execute(Home, { first: 10 });
  const lastUsed: string[] = (home.me?.sessions?.nodes ?? []).flatMap((session) => session?.lastUsedAt ?? []);
  const found = await execute(Node, { id: home.me?.id ?? "" });
  const shown = found.node?.__typename === "Profile" ? card(found.node) : [];
  await execute(Update, { input: { displayName: null, birthday: "1990-12-31", visibility: "MEMBERS" } });
  // @ts-expect-error: unknown visibility
  await execute(Update, { input: { visibility: "NOBODY" } });
  // @ts-expect-error: a date is text
  await execute(Update, { input: { birthday: 19901231 } });
  // @ts-expect-error: the id is required
  await execute(Node, {});
  return [...lastUsed, ...shown];
}
