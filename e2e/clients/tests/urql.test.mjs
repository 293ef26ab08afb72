import assert from "node:assert/strict";
import { test } from "node:test";
import { behaves, sent, start, visible } from "./support.mjs";
import { client } from "../docs/urql.ts";
import { client as persisted } from "../docs/urql-persisted.ts";

const result = async (promise) => {
  const { data, error } = await promise;
  if (error?.networkError) throw error;
  return { data, errors: (error?.graphQLErrors ?? []).map(({ path, extensions }) => ({ path, extensions })) };
};
behaves("urql", (query, variables) => result(client.query(query, variables ?? {}, { requestPolicy: "network-only" }).toPromise()), {
  mutate: (mutation, variables) => result(client.mutation(mutation, variables).toPromise()),
});

test("queries are sent by GET, and mutations by POST", async () => {
  start(null);
  const { data } = await client.query("query ByGet($username: String!) { profile(username: $username) { username } }", { username: visible }).toPromise();
  assert.equal(data.profile.username, visible);
  await client.mutation("mutation { signOut { success } }", {}).toPromise();
  assert.deepEqual(sent.map(({ method, status }) => `${method} ${status}`), ["GET 200", "POST 200"]);
});

test("persistedExchange falls back to the document", async () => {
  start(null);
  const query = `query Persisted${process.pid} { settings { verifiedEmailRequired } }`;
  for (let i = 0; i < 2; i++) {
    const { data, error } = await persisted.query(query, {}, { requestPolicy: "network-only" }).toPromise();
    assert.deepEqual([data?.settings.verifiedEmailRequired, error], [false, undefined]);
  }
  assert.deepEqual(sent.map(({ body, url }) => (body + url).includes("verifiedEmailRequired")), [false, true, false]);
});
