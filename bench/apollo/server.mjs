// Apollo Server with graphql-shield and SQL written by hand. It trusts a token for two hours, without a session.
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { makeExecutableSchema } from "@graphql-tools/schema";
import { hash, verify } from "@node-rs/argon2";
import { GraphQLError } from "graphql";
import { applyMiddleware } from "graphql-middleware";
import { allow, rule, shield } from "graphql-shield";
import jwt from "jsonwebtoken";
import pg from "pg";

const { DATABASE_URL, JWT_SECRET, PORT } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 20 });
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);

const typeDefs = `#graphql
  type Query {
    me: User
    profiles(first: Int = 20): ProfileConnection
  }
  type Mutation {
    signUp(input: SignUpInput!): Payload
    signIn(input: SignInInput!): Payload
    updateProfile(input: UpdateProfileInput!): UpdateProfilePayload
  }
  type User { id: ID! email: String profile: Profile }
  type Profile {
    id: ID! username: String! displayName: String bio: String visibility: ProfileVisibility birthday: String phoneNumber: String
  }
  type ProfileConnection { nodes: [Profile]! }
  type Tokens { accessToken: String! }
  type Payload { user: User tokens: Tokens }
  type UpdateProfilePayload { profile: Profile }
  enum ProfileVisibility { PRIVATE MEMBERS PUBLIC }
  input SignUpInput { email: String! password: String! username: String! }
  input SignInInput { email: String! password: String! }
  input UpdateProfileInput { id: ID displayName: String bio: String visibility: ProfileVisibility }
`;

const columns = `p.id, p.user_id AS "userId", p.username, p.display_name AS "displayName", p.bio, p.visibility, p.birthday::text,
  p.phone_number AS "phoneNumber"`;

// Each statement has a name, so that a connection prepares it once.
const query = (name, text) => async (...values) => (await pool.query({ name, text, values })).rows;
const findMe = query("me", `SELECT ${columns}, u.email FROM users u JOIN profiles p ON p.user_id = u.id WHERE u.id = $1`);
const findOwner = query("owner", `SELECT user_id AS "userId" FROM profiles WHERE id = $1
  AND (visibility = 'PUBLIC' OR user_id = $2 OR (visibility = 'MEMBERS' AND $2::uuid IS NOT NULL))`);
const listProfiles = query("list", `SELECT ${columns} FROM profiles p
  WHERE visibility = 'PUBLIC' OR user_id = $1 OR (visibility = 'MEMBERS' AND $1::uuid IS NOT NULL)
  ORDER BY created_at DESC LIMIT $2`);
const update = query("update", `UPDATE profiles p SET
    display_name = CASE WHEN $2 THEN $3 ELSE display_name END, bio = CASE WHEN $4 THEN $5 ELSE bio END,
    visibility = COALESCE($6, visibility), updated_at = now()
  WHERE user_id = $1 RETURNING ${columns}`);
const findCredentials = query("credentials", `SELECT ${columns}, u.email, u.password_hash AS "passwordHash"
  FROM users u JOIN profiles p ON p.user_id = u.id WHERE u.email = $1`);
const create = query("create", `WITH u AS (INSERT INTO users (email, password_hash) VALUES ($1, $2) RETURNING id, email),
  p AS (INSERT INTO profiles (user_id, username) SELECT id, $3 FROM u RETURNING *) SELECT ${columns}, u.email FROM u, p`);

const refusal = (code, message) => new GraphQLError(message, { extensions: { code } });
const userOf = ({ email, ...profile }) => ({ id: profile.userId, email, profile });
// The cost of argon2id is freehold's.
const cost = { memoryCost: 19456, timeCost: 2, parallelism: 1 };

// payloadOf signs a user in, also for the rest of this request.
function payloadOf(row, context) {
  context.viewer = row.userId;
  const accessToken = jwt.sign({ sub: row.userId }, JWT_SECRET, { algorithm: "HS256", expiresIn: "2h" });
  return { user: userOf(row), tokens: { accessToken } };
}

const resolvers = {
  Query: {
    me: async (_, __, { viewer }) => (viewer ? userOf((await findMe(viewer))[0]) : null),
    profiles: async (_, { first }, { viewer }) => {
      if (first < 1 || first > 100) {
        throw refusal("BAD_USER_INPUT", "A page must have 1 to 100 entries.");
      }
      return { nodes: await listProfiles(viewer, first) };
    },
  },
  Mutation: {
    signUp: async (_, { input }, context) => {
      const rows = await create(input.email.toLowerCase(), await hash(input.password, cost), input.username);
      return payloadOf(rows[0], context);
    },
    signIn: async (_, { input }, context) => {
      const [row] = await findCredentials(input.email.toLowerCase());
      if (!row || !(await verify(row.passwordHash, input.password))) {
        throw refusal("INVALID_CREDENTIALS", "The email address or password is incorrect.");
      }
      return payloadOf(row, context);
    },
    updateProfile: async (_, { input }, { viewer }) => {
      const [profile] = await update(viewer, input.displayName !== undefined, input.displayName, input.bio !== undefined, input.bio,
        input.visibility);
      return { profile };
    },
  },
};

const isOwnRow = rule()((profile, _, { viewer }) => profile.userId === viewer);
const isOwnAccount = rule()((user, _, { viewer }) => user.id === viewer);
const mayUpdate = rule()(async (_, { input }, { viewer }) => {
  if (!viewer) {
    return refusal("UNAUTHENTICATED", "Sign in first.");
  }
  if (!input.id) {
    return true;
  }
  const [profile] = await findOwner(input.id, viewer);
  if (!profile) {
    return refusal("NOT_FOUND", "Not found.");
  }
  return profile.userId === viewer;
});
const permissions = shield(
  {
    Mutation: { updateProfile: mayUpdate },
    User: { email: isOwnAccount },
    Profile: { birthday: isOwnRow, phoneNumber: isOwnRow },
  },
  { fallbackRule: allow, fallbackError: refusal("FORBIDDEN", "You are not the owner of this object."), allowExternalErrors: true },
);

// Verified tokens are remembered until they expire.
const remembered = new Map();

function viewerOf(authorization) {
  if (!authorization?.startsWith("Bearer ")) {
    return undefined;
  }
  const known = remembered.get(authorization);
  if (known && known.exp * 1000 > Date.now()) {
    return known.sub;
  }
  const claims = jwt.verify(authorization.slice("Bearer ".length), JWT_SECRET, { algorithms: ["HS256"] });
  if (remembered.size >= 10_000) {
    remembered.clear();
  }
  remembered.set(authorization, claims);
  return claims.sub;
}

const server = new ApolloServer({
  schema: applyMiddleware(makeExecutableSchema({ typeDefs, resolvers }), permissions),
  introspection: false,
});
await startStandaloneServer(server, {
  listen: { port: Number(PORT), host: "127.0.0.1" },
  context: async ({ req }) => ({ viewer: viewerOf(req.headers.authorization) }),
});
