import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../generated/gql";
import type { SecurityEventKind } from "../generated/gql/graphql";
import { time } from "../ui/dates";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { device } from "./device";
import { Section } from "./section";

const OwnSecurityEvents = graphql(`
  query OwnSecurityEvents($after: String) {
    me {
      id
      securityEvents(first: 10, after: $after) {
        nodes {
          id
          kind
          createdAt
          device
          ip
          by
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`);

const words: Record<SecurityEventKind, string> = {
  SIGNED_UP: "Account created",
  SIGNED_IN: "Signed in",
  SIGN_IN_REFUSED: "Sign-in refused",
  SIGNED_OUT: "Signed out",
  SESSION_REVOKED: "Session revoked",
  OTHER_SESSIONS_REVOKED: "Other sessions revoked",
  REFRESH_TOKEN_REUSED: "A stolen session was stopped",
  CREDENTIAL_ADDED: "Way to sign in added",
  CREDENTIAL_REMOVED: "Way to sign in removed",
  REAUTHENTICATED: "Identity confirmed",
  SECOND_FACTOR_REFUSED: "Wrong second factor",
  RECOVERY_CODE_USED: "Recovery code used",
  RECOVERY_CODES_CREATED: "Recovery codes created",
  SECOND_FACTOR_REMOVED: "Second factor removed",
  PASSWORD_CHANGED: "Password changed",
  PASSWORD_RESET: "Password reset by mail",
  EMAIL_VERIFIED: "Email verified",
  EMAIL_CHANGED: "Email changed",
  USERNAME_CHANGED: "Username changed",
  ACCOUNT_DISABLED: "Account disabled",
  ACCOUNT_ENABLED: "Account enabled",
  SESSIONS_REVOKED: "All sessions revoked",
  PASSWORD_RESET_STARTED: "Password reset started",
  EMAIL_CHANGE_STARTED: "Change of the email address started",
  VERIFICATION_SENT: "Code for the email address sent",
  MAIL_RETRIED: "Mail sent again",
  MAIL_DROPPED: "Mail deleted",
  DATA_EXPORTED: "Data exported",
  SCOPE_GRANTED: "Scope granted",
  SCOPE_REVOKED: "Scope revoked",
};

export function SecurityEvents() {
  const [cursors, setCursors] = useState<(string | null)[]>([null]);
  return (
    <Section title="What has happened">
      <ul className="rows" aria-label="Security events">
        {cursors.map((after, i) => (
          <EventsPage key={after ?? ""} after={after} more={i === cursors.length - 1 ? (cursor) => setCursors([...cursors, cursor]) : undefined} />
        ))}
      </ul>
    </Section>
  );
}

function EventsPage({ after, more }: { after: string | null; more?: (cursor: string) => void }) {
  const [{ data, error }] = useQuery({ query: OwnSecurityEvents, variables: { after } });
  const events = data?.me?.securityEvents;
  if (!events) return <li>{error ? <Failed error={error} /> : <Loading label="Loading events" />}</li>;
  const next = events.pageInfo.hasNextPage && events.pageInfo.endCursor;
  return (
    <>
      {events.nodes.map(
        (event) =>
          event && (
            <li key={event.id}>
              <div>
                <p>{words[event.kind]}</p>
                <p className="faint">
                  {time(event.createdAt)} · {event.by ? `by ${event.by}` : device(event.device)}
                  {event.ip && ` · ${event.ip}`}
                </p>
              </div>
            </li>
          ),
      )}
      {more && next && (
        <li>
          <button type="button" className="button secondary" onClick={() => more(next)}>
            Show older
          </button>
        </li>
      )}
    </>
  );
}
