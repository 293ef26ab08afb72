import { useState } from "react";
import { Link } from "react-router";
import { useQuery } from "urql";
import { visibilities } from "../access/visibility";
import { WhoCanSee } from "../access/who-can-see";
import { Field, Select, TextArea } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { type FragmentType, graphql, unmask } from "../generated/gql";
import type { ProfileField, ProfileVisibility } from "../generated/gql/graphql";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { Page } from "../ui/page";

const EditableFragment = graphql(`
  fragment EditableProfile on Profile {
    id
    username
    displayName
    bio
    avatarUrl
    websiteUrl
    location
    visibility
    birthday
    phoneNumber
    viewerCan {
      edit
    }
  }
`);

const OwnProfile = graphql(`
  query OwnProfile {
    me {
      id
      profile {
        ...EditableProfile
      }
    }
  }
`);

const UpdateProfile = graphql(`
  mutation UpdateProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) {
      profile {
        ...EditableProfile
      }
    }
  }
`);

export default function ProfileSettings() {
  const [{ data, error }] = useQuery({ query: OwnProfile });
  const profile = data?.me?.profile;
  if (!profile) return error ? <Failed error={error} /> : <Loading label="Loading your profile" />;
  return <Editor profile={profile} />;
}

function Editor({ profile }: { profile: FragmentType<typeof EditableFragment> }) {
  const now = unmask(EditableFragment, profile);
  const { submit, ...form } = useSubmit(UpdateProfile);
  const [saved, setSaved] = useState("");
  const [visibility, setVisibility] = useState<ProfileVisibility>(now.visibility);
  const frozen = (field: ProfileField) => !now.viewerCan?.edit.includes(field);
  const badge = (field: Parameters<typeof WhoCanSee>[0]["field"]) => <WhoCanSee field={field} visibility={visibility} />;
  return (
    <Page
      title="Your profile"
      aside={
        <Link className="button secondary" to={`/people/${now.username}`}>
          View profile
        </Link>
      }
    >
      <p className="faint lead">Beside each field, you see who can read it.</p>
      <Form
        {...form}
        action="Save"
        done={saved}
        onSubmit={async (input) => {
          setSaved("");
          if (await submit({ input })) setSaved("Saved.");
        }}
      >
        <Select
          name="visibility"
          label="Who can see your profile"
          defaultValue={now.visibility}
          disabled={frozen("VISIBILITY")}
          badge={badge("visibility")}
          onChange={(event) => setVisibility(event.target.value as ProfileVisibility)}
          hint="The rest of the page shows what this choice means."
        >
          {visibilities.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
        <fieldset>
          <legend>About you</legend>
          <Field name="displayName" label="Name" defaultValue={now.displayName ?? ""} disabled={frozen("DISPLAY_NAME")} autoComplete="name" badge={badge("displayName")} />
          <TextArea name="bio" label="Bio" rows={4} defaultValue={now.bio ?? ""} disabled={frozen("BIO")} badge={badge("bio")} />
          <Field name="location" label="Location" defaultValue={now.location ?? ""} disabled={frozen("LOCATION")} badge={badge("location")} />
          <Field name="websiteUrl" label="Website" type="url" defaultValue={now.websiteUrl ?? ""} disabled={frozen("WEBSITE_URL")} autoComplete="url" badge={badge("websiteUrl")} />
          <Field
            name="avatarUrl"
            label="Picture"
            type="url"
            defaultValue={now.avatarUrl ?? ""}
            disabled={frozen("AVATAR_URL")}
            badge={badge("avatarUrl")}
            hint="The address of a picture, which begins with https."
          />
        </fieldset>
        <fieldset>
          <legend>Private details</legend>
          <Field name="birthday" label="Birthday" type="date" defaultValue={now.birthday ?? ""} disabled={frozen("BIRTHDAY")} autoComplete="bday" badge={badge("birthday")} />
          <Field
            name="phoneNumber"
            label="Phone"
            type="tel"
            defaultValue={now.phoneNumber ?? ""}
            disabled={frozen("PHONE_NUMBER")}
            autoComplete="tel"
            badge={badge("phoneNumber")}
            hint="With the country code, such as +49 30 123456."
          />
        </fieldset>
      </Form>
    </Page>
  );
}
