// An app without an origin: tokens in a store of the platform.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accounts, base, renewals, sent, start } from "./support.mjs";
import { GraphQLClient } from "graphql-request";
import { Session } from "../docs/mobile.ts";

class Store {
  values = new Map();
  async getItemAsync(name) { return this.values.get(name) ?? null; }
  async setItemAsync(name, value) { this.values.set(name, value); }
  async deleteItemAsync(name) { this.values.delete(name); }
}
const opened = async (account, expiresIn) => {
  start(null);
  const session = new Session(new Store());
  const expiresAt = new Date(Date.now() + expiresIn * 1000).toISOString();
  await session.keep({ accessToken: account.token, refreshToken: account.refresh, expiresAt });
  return session;
};
const me = async (session) => {
  const token = await session.accessToken();
  const client = new GraphQLClient(`${base}/graphql`, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  return (await client.request("{ me { email } }")).me?.email;
};

test("a token is renewed once before it expires", async () => {
  const session = await opened(accounts["mobile-1"], 20);
  assert.deepEqual(await Promise.all([me(session), me(session), me(session)]), Array(3).fill(accounts["mobile-1"].email));
  assert.equal(renewals(), 1);
  assert.equal(await me(session), accounts["mobile-1"].email);
  assert.equal(renewals(), 1);
  assert.ok(sent.every(({ headers, status }) => status === 200 && !headers.has("origin")));
});

test("a session that has ended leaves a visitor", async () => {
  const session = await opened(accounts["mobile-revoked"], 20);
  assert.equal(await me(session), undefined);
  assert.equal(await session.accessToken(), null);
  assert.equal(renewals(), 1);
});
