import { readers } from "../generated/readers";
import type { ProfileVisibility } from "../generated/gql/graphql";

export const visibilities: { value: ProfileVisibility; label: string }[] = [
  { value: "PRIVATE", label: "Only you" },
  { value: "MEMBERS", label: "Signed-in members" },
  { value: "PUBLIC", label: "Everyone" },
];

export type Audience = ProfileVisibility | "NOBODY";

// audienceOf returns who can see a field of a profile: what the access matrix says, within the visibility of the whole profile.
export function audienceOf(field: keyof typeof readers.Profile, visibility: ProfileVisibility): Audience {
  switch (readers.Profile[field] as (typeof readers.Profile)[keyof typeof readers.Profile] | "MEMBERS" | "NOBODY") {
    case "VISIBLE":
      return visibility;
    case "MEMBERS":
      return visibility === "PUBLIC" ? "MEMBERS" : visibility;
    case "OWNER":
      return "PRIVATE";
    case "NOBODY":
      return "NOBODY";
  }
}
