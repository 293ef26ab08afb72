// PostGraphile 5 as its documentation sets it up for production: the claims of a verified token become pgSettings, and row
// policies decide.
import { createServer } from "node:http";
import jwt from "jsonwebtoken";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { PgJWTPlugin } from "postgraphile/graphile-build-pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { DATABASE_URL, JWT_SECRET, PORT } = process.env;

// Verified tokens are remembered until they expire.
const remembered = new Map();

function settingsOf(authorization) {
  if (!authorization?.startsWith("Bearer ")) {
    return { role: "bench_visitor" };
  }
  const known = remembered.get(authorization);
  if (known && known.exp * 1000 > Date.now()) {
    return known.settings;
  }
  const claims = jwt.verify(authorization.slice("Bearer ".length), JWT_SECRET, { algorithms: ["HS256"], audience: "postgraphile" });
  const settings = { role: claims.role, "jwt.claims.user_id": claims.user_id };
  if (remembered.size >= 10_000) {
    remembered.clear();
  }
  remembered.set(authorization, { settings, exp: claims.exp });
  return settings;
}

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [PgJWTPlugin], // makes tokens of jwt_token
  pgServices: [makePgService({ connectionString: DATABASE_URL, schemas: ["public"], poolConfig: { max: 20 } })],
  gather: { pgJwtTypes: "public.jwt_token" },
  schema: { pgJwtSecret: JWT_SECRET },
  grafserv: { graphiql: false, websockets: false, watch: false, outputDataAsString: true },
  grafast: {
    explain: false,
    context: (request) => ({ pgSettings: settingsOf(request.node?.req.headers.authorization) }),
  },
};

const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(PORT), "127.0.0.1");
