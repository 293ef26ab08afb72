import { Link } from "react-router";
import { type FragmentType, graphql, unmask } from "../generated/gql";
import { Avatar } from "./avatar";

const ProfileCardFragment = graphql(`
  fragment ProfileCard on Profile {
    username
    displayName
    avatarUrl
    bio
    location
  }
`);

export function ProfileCard({ profile }: { profile: FragmentType<typeof ProfileCardFragment> }) {
  const card = unmask(ProfileCardFragment, profile);
  return (
    <li className="card">
      <Avatar profile={card} />
      <div className="card-text">
        <Link to={`/people/${card.username}`} className="card-name">
          {card.displayName || card.username}
        </Link>
        <p className="faint handle">
          @{card.username}
          {card.location && ` · ${card.location}`}
        </p>
        {card.bio && <p className="card-bio">{card.bio}</p>}
      </div>
    </li>
  );
}
