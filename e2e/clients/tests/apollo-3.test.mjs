// Apollo Client 3: build.mjs replaces @apollo/client in this file and its snippet.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accounts, base, behaves, sent, start } from "./support.mjs";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { createPersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { sha256 } from "./sha256.mjs";
import { client } from "../docs/apollo-3.ts";

test("this is version 3", () => assert.match(client.version, /^3\./));

const result = async (promise) => {
  try {
    const { data, errors } = await promise;
    return { data, errors: errors ?? [] };
  } catch (error) {
    return { data: null, errors: error.graphQLErrors };
  }
};
behaves(
  "apollo3",
  (query, variables) => result(client.query({ query: gql(query), variables, fetchPolicy: "network-only", errorPolicy: "all" })),
  { mutate: (mutation, variables) => result(client.mutate({ mutation: gql(mutation), variables })) },
);

test("edges are merged by fetchMore", async () => {
  start(null);
  const query = gql`query Profiles($first: Int, $after: String) { profiles(first: $first, after: $after) { edges { node { id } } pageInfo { endCursor hasNextPage } } }`;
  const list = client.watchQuery({ query, variables: { first: 5 } });
  const { data } = await list.result();
  await list.fetchMore({ variables: { after: data.profiles.pageInfo.endCursor } });
  assert.equal(list.getCurrentResult().data.profiles.edges.length, 10);
});

test("persisted queries", async () => {
  start(accounts.valid);
  const link = createPersistedQueryLink({ sha256 }).concat(new HttpLink({ uri: `${base}/graphql` }));
  const query = gql(`query Persisted3x${process.pid} { settings { verifiedEmailRequired } }`);
  assert.equal((await new ApolloClient({ link, cache: new InMemoryCache() }).query({ query })).data.settings.verifiedEmailRequired, false);
  assert.deepEqual(sent.map(({ body }) => body.includes("verifiedEmailRequired")), [false, true]);
});
