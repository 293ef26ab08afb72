import { Link, useParams } from "react-router";
import { useQuery } from "urql";
import { AudienceBadge, WhoCanSee } from "../access/who-can-see";
import { graphql } from "../generated/gql";
import type { ProfilePageQuery } from "../generated/gql/graphql";
import { useSession } from "../session/session";
import { date, longDate } from "../ui/dates";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import NotFound from "../ui/not-found";
import { Page } from "../ui/page";
import { Avatar } from "./avatar";

// The fields that only an owner can read are asked for only on the viewer's own profile. To anyone else, they are errors.
const ProfileQuery = graphql(`
  query ProfilePage($username: String!, $own: Boolean!) {
    profile(username: $username) {
      id
      username
      displayName
      bio
      avatarUrl
      websiteUrl
      location
      visibility
      createdAt
      birthday @include(if: $own)
      phoneNumber @include(if: $own)
      viewerCan {
        actions
        see
      }
    }
  }
`);

type Profile = NonNullable<ProfilePageQuery["profile"]>;

export default function ProfilePage() {
  const { username = "" } = useParams();
  const { viewer } = useSession();
  const own = viewer?.profile?.username.toLowerCase() === username.toLowerCase();
  const [{ data, error }] = useQuery({ query: ProfileQuery, variables: { username, own } });
  if (!data) return error ? <Failed error={error} /> : <Loading label="Loading the profile" />;
  if (!data.profile) return <NotFound what="profile" />;
  return <Shown profile={data.profile} />;
}

function Shown({ profile }: { profile: Profile }) {
  const can = profile.viewerCan;
  return (
    <Page
      title={profile.displayName || profile.username}
      aside={
        can?.actions.includes("UPDATE") && (
          <Link className="button secondary" to="/settings/profile">
            Edit profile
          </Link>
        )
      }
    >
      <article className="profile">
        <Avatar profile={profile} large />
        <div className="profile-text">
          <p className="faint handle">@{profile.username}</p>
          {profile.bio && <p className="bio">{profile.bio}</p>}
          <ul className="facts">
            {profile.location && <li>{profile.location}</li>}
            {profile.websiteUrl && (
              <li>
                <a href={profile.websiteUrl} rel="nofollow noopener ugc">
                  {new URL(profile.websiteUrl).host}
                </a>
              </li>
            )}
            <li>Joined {longDate(profile.createdAt)}</li>
          </ul>
          {can?.actions.includes("UPDATE") && (
            <p className="visibility">
              This profile is visible to <AudienceBadge audience={profile.visibility} />
            </p>
          )}
          {can?.see.includes("BIRTHDAY") && <Private profile={profile} />}
        </div>
      </article>
    </Page>
  );
}

function Private({ profile }: { profile: Profile }) {
  return (
    <section className="private" aria-labelledby="private-title">
      <h2 id="private-title">Private details</h2>
      <dl>
        <dt>Birthday</dt>
        <dd>{profile.birthday ? date(profile.birthday) : "Not given"}</dd>
        <dd>
          <WhoCanSee field="birthday" visibility={profile.visibility} />
        </dd>
        <dt>Phone</dt>
        <dd>{profile.phoneNumber ?? "Not given"}</dd>
        <dd>
          <WhoCanSee field="phoneNumber" visibility={profile.visibility} />
        </dd>
      </dl>
    </section>
  );
}
