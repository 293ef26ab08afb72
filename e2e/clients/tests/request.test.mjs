import assert from "node:assert/strict";
import { test } from "node:test";
import { accounts, base, behaves, start, visible } from "./support.mjs";
import { ClientError, GraphQLClient } from "graphql-request";
import { request } from "../docs/request.ts";

behaves("request", async (document, variables) => {
  try {
    return { data: await request(document, variables), errors: [] };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return { data: error.response.data, errors: error.response.errors };
  }
});

test("the error policy `all` keeps what is there", async () => {
  start(accounts.valid);
  const client = new GraphQLClient(`${base}/graphql`, { errorPolicy: "all", headers: { Authorization: `Bearer ${accounts.valid.token}` } });
  const query = "query ($username: String!) { profile(username: $username) { username birthday } }";
  assert.deepEqual(await client.request(query, { username: visible }), { profile: { username: visible, birthday: null } });
  const { errors } = await client.rawRequest(query, { username: visible });
  assert.equal(errors[0].extensions.code, "FORBIDDEN");
});
