// What breaks clients is a fault; what does not, and what is deliberate, is none.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compare } from "./breaking.mjs";

const schema = readFileSync("../../schema.graphqls", "utf8");

function changed(old, replacement) {
  assert.equal(schema.split(old).length, 2, `the schema has ${old} once`);
  return schema.replace(old, replacement);
}

const birthday = `  "The owner's date of birth."\n  birthday: Date @owner\n`;
const available = "usernameAvailable(\n";
for (const [name, after, fault, note, accepted = ""] of [
  ["nothing", schema],
  ["a field less", changed(birthday, ""), "breaking: Profile.birthday: Field 'birthday' was removed from object type 'Profile'"],
  ["a field more", changed(birthday, `${birthday}  shoeSize: Int @owner\n`)],
  ["null is possible", changed("  visibility: ProfileVisibility! @visible\n", "  visibility: ProfileVisibility @visible\n"), "breaking: Profile.visibility: Field 'Profile.visibility' changed type from 'ProfileVisibility!' to 'ProfileVisibility'"],
  ["an argument is required", changed(available, `${available}    locale: String!\n`), "breaking: Query.usernameAvailable.locale: Argument 'locale: String!' added to field 'Query.usernameAvailable'"],
  ["an optional argument", changed(available, `${available}    locale: String\n`)],
  ["a narrower rule", changed("  displayName: String @visible\n", "  displayName: String @owner\n"), "breaking: Profile.displayName: the rule was @visible and is @owner, which is narrower"],
  ["a wider rule", changed("  birthday: Date @owner\n", "  birthday: Date @visible\n"), undefined, "rule changed: Profile.birthday: the rule was @owner and is @visible"],
  ["a deliberate change", changed(birthday, ""), undefined, undefined, "# why\nProfile.birthday\n"],
  ["an entry too many", schema, "not a breaking change any more: Profile.birthday; remove it from the list", undefined, "Profile.birthday\n"],
]) {
  test(name, async () => {
    const found = await compare(schema, after, accepted);
    assert.deepEqual(found, { faults: fault ? [fault] : [], notes: note ? [note] : [] });
  });
}
