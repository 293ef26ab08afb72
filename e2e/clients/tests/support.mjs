// What the tests of clients share: a browser's storage and locks, a record of the requests, and what every client has to do.
import assert from "node:assert/strict";
import { test } from "node:test";

export const base = process.env.BASE;
export const { accounts, members, visible } = JSON.parse(process.env.SEEDS); // see seeds.go
export const password = process.env.PASSWORD;

const stored = new Map();
globalThis.localStorage = {
  getItem: (name) => stored.get(name) ?? null,
  setItem: (name, value) => void stored.set(name, value),
};
let held = Promise.resolve();
const locks = { request: (_, run) => (held = held.then(run, run)) };
Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });

/** The requests since the last call of start: {method, url, headers, body, status}. */
export let sent = [];
const send = globalThis.fetch;
globalThis.fetch = async (url, options = {}) => {
  const request = { method: options.method ?? "GET", url: String(url), headers: new Headers(options.headers), body: String(options.body ?? "") };
  sent.push(request);
  const response = await send(url, options);
  request.status = response.status;
  return response;
};
export const renewals = () => sent.filter(({ body }) => body.includes("refreshSession")).length;

/** Begins with the tokens of an account, or as a visitor. They look valid for an hour unless expiresIn says otherwise. */
export function start(account, expiresIn = 3600) {
  const expiresAt = new Date(Date.now() + expiresIn * 1000).toISOString();
  localStorage.setItem("tokens", JSON.stringify(account ? { accessToken: account.token, refreshToken: account.refresh, expiresAt } : null));
  sent = [];
}
const storedTokens = () => JSON.parse(localStorage.getItem("tokens"));

const ME = "query Me { me { id email } }";
const PROFILE = "query Profile($username: String!) { profile(username: $username) { id username birthday } }";
const VISIBLE = "query Visible($username: String!) { profile(username: $username) { id username } }";
const SIGN_IN = "mutation SignIn($input: SignInInput!) { signIn(input: $input) { tokens { accessToken } } }";
const SIGN_UP = "mutation SignUp($input: SignUpInput!) { signUp(input: $input) { user { id } } }";

/**
 * Tests what each client has to do. run sends an operation without a cache, and returns {data, errors} as the page of the client says.
 * expired names accounts whose access tokens have expired.
 */
export function behaves(name, run, { mutate = run, partial = true } = {}) {
  const expired = [1, 2, 3, 4, 5].map((n) => accounts[`${name}-${n}`]);

  test("an expired token is renewed, and the query is sent again", async () => {
    start(expired[0]);
    const { data, errors } = await run(ME);
    assert.deepEqual([data?.me?.email, errors], [expired[0].email, []]);
    assert.equal(renewals(), 1);
    assert.equal(sent.length, 3);
  });

  test("a token that expires soon is renewed before it is sent, so public fields are not those of a visitor", async () => {
    start(expired[1], 20);
    const { data } = await run(VISIBLE, { username: members });
    assert.equal(data.profile?.username, members);
    assert.equal(renewals(), 1);
    assert.equal(sent.length, 2);
  });

  test("parallel queries renew once", async () => {
    start(expired[2]);
    const results = await Promise.all(Array.from({ length: 5 }, (_, i) => run(`query Me${i} { me { id email } }`)));
    assert.deepEqual(results.map(({ data }) => data?.me?.email), Array(5).fill(expired[2].email));
    assert.equal(renewals(), 1);
  });

  test("a wrong password renews nothing", async () => {
    start(accounts.valid);
    const { errors } = await mutate(SIGN_IN, { input: { email: accounts.valid.email, password: "not the password" } });
    assert.equal(errors[0].extensions.code, "INVALID_CREDENTIALS");
    assert.equal(sent.length, 1);
    assert.equal(storedTokens().accessToken, accounts.valid.token);
  });

  test("a session that has ended leaves a visitor", async () => {
    start(accounts[`${name}-revoked`]);
    const { data, errors } = await run(ME);
    assert.deepEqual([data?.me, errors], [null, []]);
    assert.equal(storedTokens(), null);
    assert.equal(renewals(), 1);
  });

  test("a visitor reads a public profile whose birthday is the owner's, and nothing is renewed", async () => {
    start(null);
    const { data, errors } = await run(PROFILE, { username: visible });
    assert.deepEqual(errors.map(({ path, extensions: { code, reason } }) => [path.join("."), code, reason]), [["profile.birthday", "UNAUTHENTICATED", "missing"]]);
    if (partial) assert.deepEqual([data.profile.username, data.profile.birthday], [visible, null]);
    assert.equal(sent.length, 1);
  });

  test("a form gets the errors of all its fields", async () => {
    start(null);
    const taken = { email: accounts.valid.email, password: "short", username: accounts.valid.username };
    let { errors } = await mutate(SIGN_UP, { input: taken });
    assert.deepEqual(errors[0].extensions.fields.map(({ path, code }) => `${path} ${code}`), ["input.email TAKEN", "input.password TOO_SHORT", "input.username TAKEN"]);
    ({ errors } = await mutate(SIGN_UP, { input: { email: 5, password, username: "free", sesion: "COOKIE" } })); // variables that do not fit
    assert.deepEqual(errors[0].extensions.fields.map(({ path }) => path).sort(), ["input.email", "input.sesion"]);
  });
}
