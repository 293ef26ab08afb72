import { useState } from "react";
import { useNavigate } from "react-router";
import { useQuery } from "urql";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import type { OwnSessionsQuery } from "../generated/gql/graphql";
import { useSession } from "../session/session";
import { time } from "../ui/dates";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { device } from "./device";
import { Section } from "./section";

const OwnSessions = graphql(`
  query OwnSessions {
    me {
      id
      sessions(first: 100) {
        nodes {
          id
          device
          ip
          lastUsedAt
          createdAt
          current
          viewerCan {
            actions
          }
        }
      }
    }
  }
`);

const RevokeSession = graphql(`
  mutation RevokeSession($input: RevokeSessionInput!) {
    revokeSession(input: $input) {
      revokedSessionId
      user {
        id
      }
    }
  }
`);

const RevokeOtherSessions = graphql(`
  mutation RevokeOtherSessions {
    revokeOtherSessions {
      count
      user {
        id
      }
    }
  }
`);

type Session = NonNullable<NonNullable<NonNullable<OwnSessionsQuery["me"]>["sessions"]>["nodes"][number]>;

export function Sessions() {
  const [{ data, error }] = useQuery({ query: OwnSessions });
  const others = useSubmit(RevokeOtherSessions);
  const [done, setDone] = useState("");
  const sessions = (data?.me?.sessions?.nodes ?? []).filter((s) => s !== null);
  return (
    <Section title="Sessions">
      <p className="faint">Where your account is signed in. Revoke what you do not recognise.</p>
      {!data && (error ? <Failed error={error} /> : <Loading label="Loading sessions" />)}
      <ul className="rows" aria-label="Sessions">
        {sessions.map((session) => (
          <Row key={session.id} session={session} onRevoked={() => setDone("The session has ended.")} />
        ))}
      </ul>
      <div className="actions">
        {sessions.length > 1 && (
          <button
            type="button"
            className="button secondary"
            onClick={async () => {
              const ended = await others.submit({});
              if (ended) setDone(`${ended.revokeOtherSessions?.count} other sessions have ended.`);
            }}
          >
            Sign out everywhere else
          </button>
        )}
        <span role="status" className="done">
          {others.errors.message || done}
        </span>
      </div>
    </Section>
  );
}

function Row({ session, onRevoked }: { session: Session; onRevoked: () => void }) {
  const { signedOut } = useSession();
  const navigate = useNavigate();
  const { submit, pending, errors } = useSubmit(RevokeSession);

  async function revoke() {
    if (!(await submit({ input: { id: session.id } }))) return;
    if (!session.current) return onRevoked();
    await navigate("/");
    signedOut();
  }
  return (
    <li>
      <div>
        <p>
          {device(session.device)} {session.current && <span className="badge good">This device</span>}
        </p>
        <p className="faint">
          {session.ip} · last used {time(session.lastUsedAt)}
        </p>
        {errors.message && (
          <p className="alert" role="alert">
            {errors.message}
          </p>
        )}
      </div>
      {session.viewerCan?.actions.includes("REVOKE") && (
        <button
          type="button"
          className="button secondary small"
          aria-label={session.current ? "Revoke this session and sign out" : `Revoke the session on ${device(session.device)}`}
          aria-disabled={pending}
          onClick={revoke}
        >
          {session.current ? "Sign out" : "Revoke"}
        </button>
      )}
    </li>
  );
}
