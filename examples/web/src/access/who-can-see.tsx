import type { readers } from "../generated/readers";
import type { ProfileVisibility } from "../generated/gql/graphql";
import { type Audience, audienceOf } from "./visibility";

const words: Record<Audience, string> = { PRIVATE: "Only you", MEMBERS: "Members", PUBLIC: "Everyone", NOBODY: "Nobody" };

const shapes: Record<Audience, string> = {
  PRIVATE: "M5 7V5a3 3 0 0 1 6 0v2M4 7h8v6H4z",
  MEMBERS: "M6 7.500a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400M2 13c0-2.200 1.800-3.500 4-3.500s4 1.300 4 3.500M11 7.500a2 2 0 1 0-.500-3.900M11.500 9.700c1.500.300 2.500 1.500 2.500 3.300",
  PUBLIC: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M2 8h12M8 2c2 1.700 2.700 3.800 2.700 6S10 12.300 8 14c-2-1.700-2.700-3.800-2.700-6S6 3.700 8 2",
  NOBODY: "M4 4l8 8M12 4l-8 8",
};

// WhoCanSee stands beside a field. The rule of the field decides, so this cannot become wrong when the rule changes.
export function WhoCanSee({ field, visibility }: { field: keyof typeof readers.Profile; visibility: ProfileVisibility }) {
  return <AudienceBadge audience={audienceOf(field, visibility)} />;
}

export function AudienceBadge({ audience }: { audience: Audience }) {
  return (
    <span className="badge" data-audience={audience}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <path d={shapes[audience]} fill="none" stroke="currentColor" strokeWidth="1.500" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
      <span className="visually-hidden">Who can see this: </span>
      {words[audience]}
    </span>
  );
}
