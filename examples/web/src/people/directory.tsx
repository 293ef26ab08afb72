import { useCallback, useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { useQuery } from "urql";
import { graphql } from "../generated/gql";
import { useSession } from "../session/session";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { Page } from "../ui/page";
import { ProfileCard } from "./profile-card";

const Profiles = graphql(`
  query Profiles($after: String) {
    profiles(first: 24, after: $after) {
      nodes {
        id
        ...ProfileCard
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

export default function Directory() {
  const { viewer } = useSession();
  const [cursors, setCursors] = useState<(string | null)[]>([null]);
  const more = useCallback((cursor: string) => setCursors((known) => (known.includes(cursor) ? known : [...known, cursor])), []);
  return (
    <Page title="People">
      {viewer ? <p className="faint lead">Everyone who shows themselves to you, newest first.</p> : <Welcome />}
      <ul className="cards" aria-label="Profiles">
        {cursors.map((after, i) => (
          <ProfilesPage key={after ?? ""} after={after} last={i === cursors.length - 1} more={more} />
        ))}
      </ul>
    </Page>
  );
}

function Welcome() {
  return (
    <section className="welcome">
      <p>
        <strong>Your profile is yours.</strong> You decide who sees it, and only you can change it.
      </p>
      <Link className="button" to="/sign-up">
        Create your account
      </Link>
    </section>
  );
}

type PageProps = { after: string | null; last: boolean; more: (cursor: string) => void };

// ProfilesPage is one page of the list. The last one asks for the next when it is about to be seen.
function ProfilesPage({ after, last, more }: PageProps) {
  const [{ data, error }] = useQuery({ query: Profiles, variables: { after } });
  const nodes = data?.profiles?.nodes ?? [];
  const next = data?.profiles?.pageInfo.hasNextPage ? data.profiles.pageInfo.endCursor : null;
  return (
    <>
      {nodes.map((profile) => profile && <ProfileCard key={profile.id} profile={profile} />)}
      {data?.profiles && !after && nodes.length === 0 && (
        <li className="empty">
          <p>Nobody shows their profile to you yet.</p>
        </li>
      )}
      {!data && !error && (
        <li className="whole">
          <Loading label="Loading profiles" />
        </li>
      )}
      {!data && error && (
        <li className="whole">
          <Failed error={error} />
        </li>
      )}
      {last && next && <More onSeen={() => more(next)} />}
    </>
  );
}

// More is a button, which is pressed by itself when it comes near the window.
function More({ onSeen }: { onSeen: () => void }) {
  const element = useRef<HTMLLIElement>(null);
  const seen = useRef(onSeen);
  seen.current = onSeen;
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && seen.current(), { rootMargin: "400px" });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return (
    <li className="whole" ref={element}>
      <button type="button" className="button secondary" onClick={onSeen}>
        Show more
      </button>
    </li>
  );
}
