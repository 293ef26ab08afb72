// Apollo Client 4.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accounts, base, behaves, sent, start, visible } from "./support.mjs";
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { sha256 } from "./sha256.mjs";
import { client } from "../docs/apollo.ts";
import { flawsOf } from "../docs/apollo-form.ts";
import { PROFILES } from "../docs/apollo-pages.ts";
import { loadProfile } from "../docs/apollo-partial.ts";
import page from "../docs/page.graphql";

const result = async (promise) => {
  try {
    const { data, error } = await promise;
    return { data, errors: error?.errors ?? [] };
  } catch (error) {
    if (!CombinedGraphQLErrors.is(error)) throw error;
    return { data: error.data, errors: error.errors };
  }
};
test("this is version 4", () => assert.match(client.version, /^4\./));

behaves(
  "apollo4",
  (query, variables) => result(client.query({ query: gql(query), variables, fetchPolicy: "network-only", errorPolicy: "all" })),
  { mutate: (mutation, variables) => result(client.mutate({ mutation: gql(mutation), variables })) },
);

test("the errors of a form", async () => {
  start(null);
  const mutation = gql`mutation SignUp($input: SignUpInput!) { signUp(input: $input) { user { id } } }`;
  const error = await client.mutate({ mutation, variables: { input: { email: "x", password: "short", username: "free" } } }).catch((e) => e);
  assert.deepEqual(flawsOf(error).map(({ path, code }) => `${path} ${code}`), ["input.email INVALID", "input.password TOO_SHORT"]);
  assert.deepEqual(flawsOf(new Error("another one")), []);
});

test("the default error policy discards a page with a refused field, and `all` keeps it", async () => {
  start(accounts.valid);
  const query = gql`query Refused($username: String!) { profile(username: $username) { id username birthday } }`;
  await assert.rejects(client.query({ query, variables: { username: visible }, fetchPolicy: "no-cache" }), CombinedGraphQLErrors);
  await client.clearStore();
  const { data, error } = await loadProfile(visible);
  assert.deepEqual([data.profile.username, data.profile.birthday, error.errors[0].extensions.code], [visible, null, "FORBIDDEN"]);
  assert.equal((await loadProfile(visible)).error, undefined); // from the cache
});

test("owner-only fields fail a list of others, unless they are not selected", async () => {
  start(accounts.valid);
  const list = gql`query List { profiles(first: 10) { nodes { id birthday phoneNumber user { id email } } } }`;
  const error = await client.query({ query: list, fetchPolicy: "no-cache" }).catch((e) => e);
  assert.equal(error.errors.length, 30);
  for (const [username, mine, birthday] of [[visible, false, undefined], [accounts.valid.username, true, null]]) {
    const { data } = await client.query({ query: gql(page), variables: { username, mine }, fetchPolicy: "no-cache" });
    assert.deepEqual([data.profile.username, data.profile.birthday], [username, birthday]);
  }
});

test("edges are merged by fetchMore, and nodes are not", async () => {
  start(null);
  const NODES = gql`query Nodes($first: Int, $after: String) { profiles(first: $first, after: $after) { nodes { id username } pageInfo { endCursor hasNextPage } } }`;
  const pages = async (query, count) => {
    await client.clearStore();
    const list = client.watchQuery({ query, variables: { first: 5 } });
    const subscription = list.subscribe({});
    const { data } = await client.query({ query, variables: { first: 5 } });
    await list.fetchMore({ variables: { after: data.profiles.pageInfo.endCursor } });
    const found = count(client.readQuery({ query, variables: { first: 5 } }).profiles);
    subscription.unsubscribe();
    return found;
  };
  assert.equal(await pages(PROFILES, ({ edges }) => new Set(edges.map(({ node }) => node.id)).size), 10);
  assert.equal(await pages(NODES, ({ nodes }) => nodes.length), 5);
});

test("persisted queries, by GET too", async () => {
  for (const useGETForHashedQueries of [false, true]) {
    start(null);
    const link = new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(new HttpLink({ uri: `${base}/graphql` }));
    const query = gql(`query Persisted${process.pid}${useGETForHashedQueries} { settings { verifiedEmailRequired } }`);
    const persisted = () => new ApolloClient({ link, cache: new InMemoryCache() }).query({ query });
    for (let i = 0; i < 2; i++) assert.equal((await persisted()).data.settings.verifiedEmailRequired, false);
    assert.deepEqual(sent.map(({ method, body, url }) => `${method} ${(body + url).includes("verifiedEmailRequired")}`), [
      useGETForHashedQueries ? "GET false" : "POST false", "POST true", useGETForHashedQueries ? "GET false" : "POST false",
    ]);
  }
});
